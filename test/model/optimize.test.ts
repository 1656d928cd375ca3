/** Requantising and measuring with real weights: one candidate, the whole way. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { optimize, type OptimizeOptions } from '../../src/engine/optimize/optimizer.ts';
import { quantise, tensorTypes } from '../../src/engine/native/quantise.ts';
import { ggmlTypeNumber } from '../../src/models/ggml-types.ts';
import { readGgufHeader } from '../../src/models/gguf.ts';
import { evaluationText } from '../../src/engine/optimize/texts/evaluation-text.ts';
import { TunedFiles } from '../../src/models/tuned-files.ts';
import { describeWithWeights } from '../support/weights.ts';

/** A part of it: how exact a figure is does not matter here. */
const text = evaluationText.slice(0, 1200);
const childScript = fileURLToPath(new URL('../../dist/engine/optimize/optimize-main.js', import.meta.url));

await describeWithWeights('smollm2-135m', 'optimize, real weights', (model) => {
  const optionsIn = (root: string): OptimizeOptions => ({
    model: model.entry.id,
    sourcePath: model.weightsPath,
    source: model.source,
    goal: 'small',
    threads: 2,
    tunedFiles: new TunedFiles(root, 'this device'),
    availableBytes: 4 * 1024 ** 3,
    environment: process.env,
    signal: new AbortController().signal,
    onEvent() {},
    only: ['iq4_nl-attn-down-q8_0'],
    text,
    childScript,
  });

  it('rounds from a better file and measures the published one against it', { timeout: 600_000 }, async () => {
    const root = await mkdtemp(join(tmpdir(), 'duanyun-optimize-'));
    try {
      // The published file in more bits: what it says is the same, so both distances are known.
      const better = join(root, 'better.gguf');
      const { tensors } = await readGgufHeader(model.weightsPath);
      const isMatrix = ({ name, shape }: { name: string; shape: number[] }) =>
        shape.length > 1 && name.startsWith('blk.');
      const types = new Map(
        tensors.map((tensor) => [tensor.name, isMatrix(tensor) ? tensorTypes.q8_0 : ggmlTypeNumber(tensor.type)]),
      );
      await quantise({ source: model.weightsPath, target: better, base: 'q8_0', types, threads: 2 });
      const { candidates, published } = await optimize({
        ...optionsIn(root),
        better: { path: better, identity: 'file:1:1', name: 'better.gguf' },
        goal: 'exact',
      });
      expect(published?.kl).toBeLessThan(0.02);
      expect(candidates[0]?.quality.kl).toBeGreaterThan(0.0005);
      expect(candidates[0]?.quality.kl).toBeLessThan(0.1);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it('says that a text is too short to say anything', { timeout: 600_000 }, async () => {
    const root = await mkdtemp(join(tmpdir(), 'duanyun-optimize-'));
    try {
      const work = optimize({
        ...optionsIn(root),
        text: 'A few words.',
      });
      await expect(work).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining('has 0 tokens to compare') as string,
      });
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it('writes the formats of the recipe, near to the published file', { timeout: 600_000 }, async () => {
    expect(existsSync(childScript), 'run the tests with `npm test`, which builds first').toBe(true);
    const root = await mkdtemp(join(tmpdir(), 'duanyun-optimize-'));
    try {
      const tunedFiles = new TunedFiles(root, 'this device');
      const { candidates } = await optimize({
        ...optionsIn(root),
        tunedFiles,
        measureAll: true,
      });
      const quality = candidates[0]?.quality;
      // Something was rounded, and the callback weighed it by the right columns: noise would be far above this.
      expect(quality?.kl).toBeGreaterThan(0.0005);
      expect(quality?.kl).toBeLessThan(0.1);
      expect(quality?.sameTop).toBeGreaterThan(0.8);
      const speed = candidates[0]?.measured?.speed;
      for (const spread of [speed?.prefill, speed?.decode, speed?.eightStreams])
        expect(spread?.median).toBeGreaterThan(0);
      const found = await tunedFiles.find(model.entry.id, model.source);
      if (found === undefined) return;
      const { tensors } = await readGgufHeader(found.path);
      expect(tensors.find(({ name }) => name === 'blk.0.attn_q.weight')?.type).toBe('Q8_0');
      expect(tensors.find(({ name }) => name === 'blk.0.ffn_up.weight')?.type).toBe('IQ4_NL');
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
