/** A real engine over real weights, as the server makes one; its process runs the built code, which `npm test` builds first. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { EngineBackend, type EngineBackendOptions } from '../../src/engine/engine-backend.ts';
import type { EngineOptions, EngineStatistics } from '../../src/engine/host/messages.ts';

export type TestEngine = EngineBackend & { statistics: () => EngineStatistics | undefined };

export async function startEngine(
  model: InstalledModel,
  overrides: Partial<EngineOptions> = {},
  more: Partial<EngineBackendOptions> & { onCreated?: (backend: EngineBackend) => void } = {},
): Promise<TestEngine> {
  const childScript = fileURLToPath(new URL('../../dist/engine/host/engine-main.js', import.meta.url));
  if (!existsSync(childScript)) throw new Error('dist is missing: run the tests with `npm test`, which builds first');
  let latest: EngineStatistics | undefined;
  const backend = new EngineBackend({
    engine: {
      entry: model.entry,
      weightsPath: model.weightsPath,
      contextTokens: 2_048,
      cells: 4_096,
      maxRunning: 8,
      maxQueued: 64,
      maxQueuedMs: 120_000,
      maxCachedSequences: 16,
      threads: 2,
      gpuLayers: 0,
      loadMode: 'read',
      keyCacheType: 'f16',
      valueCacheType: 'f16',
      flashAttention: 'auto',
      targetInterTokenMs: 'auto',
      ...overrides,
    },
    clock: systemClock,
    log: silentLog,
    onStatistics: (statistics) => {
      latest = statistics;
    },
    environment: process.env,
    childScript,
    ...more,
  });
  more.onCreated?.(backend);
  await backend.start(AbortSignal.timeout(60_000));
  return Object.assign(backend, { statistics: () => latest });
}
