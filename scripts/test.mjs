/** `npm test -- ARGUMENTS`: set-up, then vitest with the arguments, then the skips with their reasons and one closing line. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail, projectRoot, setUp } from './set-up.mjs';

await setUp().catch(fail);

const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-test-'));
const summaryFile = path.join(folder, 'summary.json');
const vitest = path.join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
const reporter = path.join(projectRoot, 'scripts', 'vitest-reporter.mjs');
const child = spawn(
  process.execPath,
  [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...process.argv.slice(2)],
  { cwd: projectRoot, stdio: 'inherit', env: { ...process.env, DUANYUN_TEST_SUMMARY: summaryFile } },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
const code = await new Promise((resolve) => child.once('close', (exitCode) => resolve(exitCode ?? 1)));
const summary = readSummary();
rmSync(folder, { recursive: true, force: true });
if (summary === undefined) {
  process.stdout.write('vitest ended without a summary\n');
  process.exit(code === 0 ? 1 : code);
}
printSkips(summary.skips);
if (summary.errors > 0) process.stdout.write(`${summary.errors} errors outside of any test, see above\n`);
process.stdout.write(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped\n`);
process.exit(code !== 0 || summary.failed === 0 ? code : 1);

function readSummary() {
  try {
    return JSON.parse(readFileSync(summaryFile, 'utf8'));
  } catch {
    return undefined;
  }
}

function printSkips(skips) {
  const byReason = groupByReason(skips);
  for (const [reason, tests] of byReason) {
    process.stdout.write(`SKIPPED ${tests.length}: ${reason}\n`);
    for (const { file, test } of tests) process.stdout.write(`SKIPPED   ${file} > ${test}\n`);
  }
}

function groupByReason(skips) {
  const groups = new Map();
  for (const skip of skips) groups.set(skip.reason, [...(groups.get(skip.reason) ?? []), skip]);
  return groups;
}
