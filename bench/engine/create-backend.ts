/** The engine as the benchmarks start it: no guesses of its own choice, nothing of a user's settings. */
import type { InstalledModel } from '../../src/core/model-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { EngineBackend, type EngineBackendOptions } from '../../src/engine/engine-backend.ts';

type Model = Pick<InstalledModel, 'entry' | 'weightsPath'>;

export function createBackend(
  { entry, weightsPath }: Model,
  overrides: Partial<EngineBackendOptions['engine']> & { threads: number },
  onStatistics: EngineBackendOptions['onStatistics'] = () => {},
  more: Pick<EngineBackendOptions, 'adapters'> = {},
): EngineBackend {
  return new EngineBackend({
    engine: {
      entry,
      weightsPath,
      contextTokens: 2_048,
      cells: 4_096,
      maxRunning: 8,
      maxQueued: 64,
      maxQueuedMs: 600_000,
      maxCachedSequences: 8,
      gpuLayers: 0,
      loadMode: 'read',
      keyCacheType: 'f16',
      valueCacheType: 'f16',
      flashAttention: 'auto',
      targetInterTokenMs: 'auto',
      speculation: 'off',
      ...overrides,
    },
    clock: systemClock,
    log: silentLog,
    onStatistics,
    environment: process.env,
    ...more,
  });
}
