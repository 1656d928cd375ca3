import { describe, expect, it } from 'vitest';
import type { ModelEntry } from '../../core/catalogue.ts';
import { loadConfig, type Flags } from '../../config/load-config.ts';
import type { GgufHeader } from '../../models/gguf.ts';
import { planEngine, type EnginePlan } from './plan-engine.ts';

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;

function entryOf(id: string, memoryBytes: number, verified = true): ModelEntry {
  return {
    id,
    aliases: [],
    displayName: id,
    description: '',
    licence: 'MIT',
    verified,
    parameters: 1,
    contextTokens: 32_768,
    modalities: ['text'],
    tools: false,
    reasoning: 'none',
    languages: [],
    memoryBytes,
    sampling: {},
    quirks: { toolFormat: 'none', reasoningFormat: 'none' },
    files: [],
  };
}

/** One gigabyte of weights; a token costs 2 × 32 layers × 8 heads × 128 × 2 bytes = 128 KiB at f16. */
const header: GgufHeader = {
  version: 3,
  architecture: 'test',
  metadata: new Map<string, number>([
    ['test.block_count', 32],
    ['test.embedding_length', 1024],
    ['test.attention.head_count', 8],
    ['test.attention.head_count_kv', 8],
    ['test.attention.key_length', 128],
    ['test.attention.value_length', 128],
  ]),
  tensors: [{ name: 'weights', type: 'Q4_0', shape: [1], offset: 0, sizeBytes: gibibyte }],
  fileSizeBytes: gibibyte,
  metadataEnd: 0,
  alignment: 32,
  contextLength: 32_768,
  chatTemplate: undefined,
  name: undefined,
};

/** A model of the same size guesses for it, to make the sums easy. */
const draft = {
  model: { entry: entryOf('draft', gibibyte), weightsPath: '/draft.gguf', sizeBytes: gibibyte, source: 'sha256:1' },
  header,
};

function plan(
  availableGiB: number,
  flags: Flags = {},
  more: { contextLength?: number; cores?: number; withDraft?: boolean } = {},
): EnginePlan {
  const entry = entryOf('large', 3 * gibibyte);
  return planEngine({
    model: { entry, weightsPath: '/large.gguf', sizeBytes: gibibyte, source: 'sha256:0' },
    header: { ...header, contextLength: more.contextLength ?? 32_768 },
    config: loadConfig(flags, { DUANYUN_HOME: '/nowhere' }),
    availableBytes: availableGiB * gibibyte,
    physicalCores: more.cores ?? 2,
    ...(more.withDraft === true ? { draft } : {}),
    catalogue: [
      entry,
      entryOf('tiny', 100 * mebibyte),
      entryOf('small', 300 * mebibyte),
      entryOf('untried', 400 * mebibyte, false),
    ],
  });
}

describe('the plan for an engine', () => {
  it('takes a context of 8192 and twice that as cache where memory is plentiful', () => {
    const { engine, notes } = plan(16);
    expect(engine).toMatchObject({ contextTokens: 8192, cells: 16_384, threads: 2, maxRunning: 8 });
    expect(notes).toEqual([]);
  });

  it('counts a draft model with its cache, and makes the shared cache smaller for it or names it', () => {
    const alone = plan(16);
    const { engine, neededBytes } = plan(16, {}, { withDraft: true });
    expect(engine.draft).toEqual({ id: 'draft', weightsPath: '/draft.gguf', cells: 4_096 });
    // Weights, 4096 cells of 128 KiB, and activations.
    expect(neededBytes - alone.neededBytes).toBeGreaterThan(1.5 * gibibyte);
    expect(plan(4, {}, { withDraft: true }).engine.cells).toBeLessThan(plan(4).engine.cells);
    expect(() => plan(2, {}, { withDraft: true })).toThrowError(/Leave out --speculation draft/);
    expect(plan(16, { parallel: '1' }, { withDraft: true }).engine.draft?.cells).toBe(1_024);
  });

  it('never promises more context than the model was trained for', () => {
    expect(plan(16, {}, { contextLength: 2048 }).engine).toMatchObject({ contextTokens: 2048, cells: 4096 });
    const { engine, notes } = plan(16, { context: '65536' }, { contextLength: 4096 });
    expect(engine.contextTokens).toBe(4096);
    expect(notes[0]).toContain('trained for 4096');
  });

  it('first gives up the second half of the cache, then halves the context, and says so', () => {
    const tight = plan(2.6);
    expect(tight.engine).toMatchObject({ contextTokens: 8192, cells: 8192 });
    expect(tight.notes[0]).toContain('context 8192, cache 8192');
    const tighter = plan(1.9);
    expect(tighter.engine).toMatchObject({ contextTokens: 4096, cells: 4096 });
    expect(tighter.notes).toHaveLength(1);
  });

  it('a smaller cache type leaves more context on the same memory', () => {
    expect(plan(1.9, { cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' }).engine.cells).toBeGreaterThan(plan(1.9).engine.cells);
  });

  it('refuses what does not fit, and names the largest tried model that does', () => {
    expect(() => plan(1)).toThrow(
      expect.objectContaining({
        code: 'model_too_large',
        message: expect.stringMatching(
          /large needs about \d+ MiB.*1024 MiB are available\..*--model small\./,
        ) as string,
      }),
    );
  });

  it('does not make a context smaller that the user asked for', () => {
    expect(() => plan(1.9, { context: '8192' })).toThrow(
      expect.objectContaining({
        code: 'model_too_large',
        message: expect.stringContaining('smaller --context') as string,
      }),
    );
  });

  it('refuses a cache that is smaller than the context', () => {
    expect(() => plan(16, { context: '4096', cells: '1024' })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
    expect(plan(16, { cells: '1024' }).engine).toMatchObject({ contextTokens: 1024, cells: 1024 });
  });

  it('uses at most 8 cores unless told', () => {
    expect(plan(16, {}, { cores: 64 }).engine).toMatchObject({ threads: 8, maxRunning: 16 });
    expect(plan(16, { threads: '32', parallel: '3' }, { cores: 64 }).engine).toMatchObject({
      threads: 32,
      maxRunning: 3,
    });
  });
});
