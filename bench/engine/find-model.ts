import { application } from '../../src/application.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/core/log.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';

/**
 * The model of that name or path; fetched through the product's store when it is not there yet.
 *
 * @param options.published its published file, also where an optimised one is in use; default true
 */
export async function findModel(name: string, { published = true } = {}): Promise<InstalledModel> {
  const store = application.openStore({ ...loadConfig(), published }, silentLog);
  try {
    const installed = await store.resolve(name).catch(() => undefined);
    if (installed !== undefined) return installed;
    process.stderr.write(`fetching ${name}\n`);
    for await (const event of store.pull(name, { signal: AbortSignal.timeout(1_800_000) })) {
      if (event.type === 'source-start') process.stderr.write(`  ${event.file} from ${event.source}\n`);
    }
    return await store.resolve(name);
  } finally {
    await store.dispose();
  }
}
