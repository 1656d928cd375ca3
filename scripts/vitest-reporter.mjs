/** Counts what ran and keeps why tests were skipped, for the closing lines of `scripts/test.mjs`. */
import { writeFileSync } from 'node:fs';

export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: 0, skipped: 0, skips: [], errors: unhandledErrors.length };
    for (const module of modules) {
      // A file that cannot be read in has no tests, and must not count as nothing.
      if (module.errors().length > 0) summary.failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed++;
        else if (result.state === 'failed') summary.failed++;
        else {
          summary.skipped++;
          summary.skips.push({
            file: module.relativeModuleId,
            test: test.fullName,
            reason: result.note ?? `${test.options.mode === 'todo' ? 'todo' : 'marked as skipped'}, no reason given`,
          });
        }
      }
    }
    const target = process.env.DUANYUN_TEST_SUMMARY;
    if (target !== undefined) writeFileSync(target, JSON.stringify(summary));
  }
}
