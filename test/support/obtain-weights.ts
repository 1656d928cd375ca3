/**
 * Real weights for tests, fetched through the product's own store into the product's own home (`DUANYUN_HOME`), so that
 * they are fetched once on a machine. Where that cannot be done the tests are skipped, and say why.
 */
import { application } from '../../src/application.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/core/log.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';

export type TestModel = 'smollm2-135m' | 'qwen2.5-coder-0.5b' | 'whisper-base' | 'resemblyzer';

export type Weights = { model: InstalledModel; home: string } | { missing: string };

const pullLimitMs = 8 * 60_000;

/** The model, or the reason why it cannot be had. Never throws. */
export async function obtainWeights(id: TestModel): Promise<Weights> {
  try {
    // The figures and texts of the tests are those of the published file.
    const config = { ...loadConfig(), published: true };
    const store = application.openStore(config, silentLog);
    try {
      const installed = await store.resolve(id).catch(() => undefined);
      if (installed !== undefined) return { model: installed, home: config.home };
      process.stderr.write(`fetching ${id} into ${config.home} for the tests …\n`);
      const signal = AbortSignal.timeout(pullLimitMs);
      for await (const event of store.pull(id, { signal })) {
        if (event.type === 'source-start') process.stderr.write(`  ${event.file} from ${event.source}\n`);
      }
      return { model: await store.resolve(id), home: config.home };
    } finally {
      await store.dispose();
    }
  } catch (error) {
    const reason = `no weights of ${id}: ${error instanceof Error ? error.message : String(error)}`;
    process.stderr.write(`SKIPPING tests, ${reason}\n`);
    return { missing: reason };
  }
}
