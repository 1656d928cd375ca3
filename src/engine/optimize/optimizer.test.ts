import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGgufHeader } from '../../models/gguf.ts';
import { TunedFiles } from '../../models/tuned-files.ts';
import { buildGguf } from '../../../test/integration/models/gguf-builder.ts';
import { optimize, type OptimizeEvent, type OptimizeOptions } from './optimizer.ts';

const childScript = fileURLToPath(new URL('./fake-optimize.mjs', import.meta.url));
/** 32 values of 2 bytes in a row. */
const matrix = (name: string, offset: bigint) => ({ name, shape: [32n, 4n], type: 1, offset });
const published = buildGguf({
  tensors: [matrix('blk.0.attn_q.weight', 0n), matrix('blk.0.ffn_up.weight', 256n), matrix('output.weight', 512n)],
});
let root: string;
let sourcePath: string;
let tunedFiles: TunedFiles;
let events: OptimizeEvent[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'duanyun-optimize-'));
  sourcePath = join(root, 'published.gguf');
  await writeFile(sourcePath, published);
  tunedFiles = new TunedFiles(root, 'this device');
  events = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

function run(changed: Partial<OptimizeOptions> = {}) {
  return optimize({
    model: 'some-model',
    sourcePath,
    source: 'sha256:abc',
    goal: 'balanced',
    threads: 1,
    tunedFiles,
    availableBytes: 8 * 1024 ** 3,
    environment: {},
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    childScript,
    ...changed,
  });
}

const inUse = () => tunedFiles.find('some-model', 'sha256:abc');

describe('optimize', () => {
  it('keeps the fastest candidate within the limit, and nothing else', async () => {
    const { tuned } = await run();
    expect(tuned?.recipe.id).toBe('iq4_nl-attn-down-q8_0');
    const found = await inUse();
    expect(found?.tuned.recipe.id).toBe('iq4_nl-attn-down-q8_0');
    expect(found?.path).toContain('iq4_nl-attn-down-q8_0');
    expect((await readGgufHeader(found?.path ?? '')).tensors).toHaveLength(3);
    expect((await readdir(join(root, 'tuned', 'some-model'))).toSorted()).toEqual([
      found?.tuned.file.name,
      'measured.json',
      'tuned.json',
    ]);
    expect(await readFile(sourcePath)).toEqual(published);
  });

  it('does not time what the goal cannot pick, unless it is asked to', async () => {
    const timed = () => events.filter((event) => event.type === 'step' && event.step === 'speed').length;
    await run({ only: ['q8_0', 'q4_0-attn-q8_0'] });
    expect(timed()).toBe(1);
    await run({ only: ['q8_0', 'q4_0-attn-q8_0'], measureAll: true, measureAgain: true });
    expect(timed()).toBe(1 + 2);
  });

  const steps = () => events.flatMap((event) => (event.type === 'step' ? [`${event.step} ${event.recipe ?? ''}`] : []));

  it('measures nothing again for another goal, and writes the file it picks', async () => {
    await run({ goal: 'speed' });
    events = [];
    const { tuned, candidates, sourcePerplexity } = await run({ goal: 'exact', measureAll: false });
    expect(steps().filter((step) => /^(quality|speed)/.test(step))).toEqual([]);
    expect(candidates.length).toBeGreaterThan(5);
    expect(sourcePerplexity).toBeGreaterThan(0);
    expect(tuned).toBeUndefined();
    const balanced = await run({ goal: 'balanced' });
    expect(balanced.tuned?.recipe.id).toBe('iq4_nl-attn-down-q8_0');
    const found = await inUse();
    expect((await readGgufHeader(found?.path ?? '')).tensors).toHaveLength(3);
    expect(found?.tuned.measured.sourcePerplexity).toBe(sourcePerplexity);
  });

  it('goes on where an earlier run was interrupted', async () => {
    const interruption = new AbortController();
    const running = run({
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.type === 'candidate' && event.candidate.recipe.id === 'iq4_nl-attn-down-q8_0')
          interruption.abort(new Error('interrupted'));
      },
    });
    await expect(running).rejects.toThrow('interrupted');
    expect((await run()).tuned?.recipe.id).toBe('iq4_nl-attn-down-q8_0');
    expect(steps()).not.toContain('speed q8_0');
    expect(steps()).toContain('quality iq4_nl-small');
  });

  it('measures again for another source, with other threads, where it is asked to, and where the file is damaged', async () => {
    const only = ['q8_0'];
    await run({ only });
    events = [];
    await run({ only });
    expect(steps()).toEqual([]);
    await run({ only, threads: 2 });
    await run({ only, source: 'sha256:def' });
    await run({ only, measureAgain: true });
    await writeFile(join(root, 'tuned', 'some-model', 'measured.json'), '{"version":1');
    await run({ only });
    expect(steps().filter((step) => step === 'quality q8_0')).toHaveLength(4);
  });

  it('leaves the published file in use where no candidate is faster', async () => {
    expect((await run({ only: ['q8_0'] })).tuned).toBeUndefined();
    expect(await inUse()).toBeUndefined();
  });

  it('never picks a candidate with layers left out', async () => {
    const { candidates, tuned } = await run({ only: [], pruneLayers: [1] });
    expect(candidates.map(({ recipe }) => recipe.pruneLayers)).toEqual([[1]]);
    expect(tuned).toBeUndefined();
  });

  it.each(['reference', 'quantise', 'quality', 'speed'])('keeps what was in use when it dies at %s', async (step) => {
    await run();
    await expect(run({ goal: 'exact', measureAgain: true, environment: { FAKE_DIES_AT: step } })).rejects.toMatchObject(
      {
        code: 'optimize_failed',
      },
    );
    expect((await inUse())?.tuned.goal).toBe('balanced');
    expect(await readdir(join(root, 'tuned', 'some-model'))).not.toContain('work');
    expect(await readFile(sourcePath)).toEqual(published);
  });

  it('ends at once and adopts nothing when it is interrupted', async () => {
    const interruption = new AbortController();
    const running = run({
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.type === 'candidate') interruption.abort(new Error('interrupted'));
      },
    });
    await expect(running).rejects.toThrow('interrupted');
    expect(await inUse()).toBeUndefined();
  });

  it('refuses before it writes anything where the memory is short', async () => {
    await expect(run({ availableBytes: 1024 })).rejects.toMatchObject({ code: 'model_too_large' });
    expect(events).toEqual([]);
  });

  it('says that the disk is full, and keeps what was in use', async () => {
    await run();
    let asked = 0;
    const freeBytes = () => Promise.resolve(asked++ === 0 ? 1e12 : 1000);
    const full = run({ goal: 'exact', measureAgain: true, environment: { FAKE_FAILS_AT: 'quantise' }, freeBytes });
    await expect(full).rejects.toMatchObject({ code: 'disk_full' });
    await expect(run({ freeBytes: () => Promise.resolve(1000) })).rejects.toMatchObject({ code: 'disk_full' });
    expect((await inUse())?.tuned.goal).toBe('balanced');
    expect(await readdir(join(root, 'tuned', 'some-model'))).not.toContain('work');
  });

  it('does not adopt or measure a file that is cut short', async () => {
    await expect(run({ environment: { FAKE_CUTS: '1' } })).rejects.toMatchObject({ code: 'model_file_invalid' });
    expect(await inUse()).toBeUndefined();
  });

  it('refuses a second run of the same model while one goes on', async () => {
    let first: ReturnType<typeof run> | undefined;
    await new Promise<void>((resolve) => {
      first = run({ onEvent: () => resolve() });
    });
    await expect(run()).rejects.toMatchObject({
      code: 'optimize_failed',
      message: expect.stringContaining('at this moment') as string,
    });
    expect((await first)?.tuned?.recipe.id).toBe('iq4_nl-attn-down-q8_0');
  });

  it('names the candidates where one is asked for that there is not, and the layers', async () => {
    await expect(run({ only: ['q3_k'] })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('iq4_nl-attn-down-q8_0') as string,
    });
    await expect(run({ pruneLayers: [7] })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('remembers that nothing was better, for this file on this device', async () => {
    await run({ only: ['q8_0'] });
    expect(await tunedFiles.wasTried('some-model', 'sha256:abc')).toBe(false);
    await run({ goal: 'exact' });
    expect(await tunedFiles.wasTried('some-model', 'sha256:abc')).toBe(true);
    expect(await tunedFiles.wasTried('some-model', 'sha256:other')).toBe(false);
    await run();
    expect(await inUse()).toBeDefined();
  });

  describe('from a better source', () => {
    const better = () => ({ path: join(root, 'better.gguf'), identity: 'file:768:1', name: 'better.gguf' });
    beforeEach(async () => {
      // The same matrices in 8 bits, and better ones in 16.
      const coarse = (name: string, offset: bigint) => ({ name, shape: [32n, 4n], type: 8, offset });
      const tensors = [
        coarse('blk.0.attn_q.weight', 0n),
        coarse('blk.0.ffn_up.weight', 160n),
        coarse('output.weight', 320n),
      ];
      await writeFile(sourcePath, buildGguf({ tensors }));
      await writeFile(join(root, 'better.gguf'), published);
    });

    it('rounds the matrices from it and keeps the others; the published file stays what it stands for', async () => {
      const { tuned, published: quality } = await run({ better: better(), environment: { FAKE_PUBLISHED_KL: '0.03' } });
      expect(quality?.kl).toBe(0.03);
      expect(tuned?.roundedFrom).toBe('file:768:1');
      const found = await inUse();
      const types = (await readGgufHeader(found?.path ?? '')).tensors.map(({ name, type }) => [name, type]);
      // The stand-in copies what it is given.
      expect(types).toEqual([
        ['blk.0.attn_q.weight', 'F16'],
        ['blk.0.ffn_up.weight', 'F16'],
        ['output.weight', 'Q8_0'],
      ]);
    });

    it('accepts what is no further from it than the published file', async () => {
      const near = await run({ better: better(), goal: 'exact', environment: { FAKE_PUBLISHED_KL: '0.03' } });
      expect(near.tuned?.recipe.id).toBe('iq4_nl-attn-down-q8_0');
      expect(near.klLimit).toBe(0.03);
      const far = await run({ better: better(), goal: 'exact', environment: { FAKE_PUBLISHED_KL: '0.001' } });
      expect(far.tuned).toBeUndefined();
    });

    it.each([
      ['has other words', { FAKE_MISMATCH: 'token 7 of its vocabulary is another one' }, 'token 7'],
      ['says something else', { FAKE_PUBLISHED_KL: '2.5' }, 'KL 2.50 nats'],
    ])('is refused where it %s, and nothing changes', async (_, environment, reason) => {
      await expect(run({ better: better(), environment })).rejects.toMatchObject({
        code: 'source_mismatch',
        message: expect.stringContaining(reason) as string,
      });
      expect(await inUse()).toBeUndefined();
      expect(await readdir(join(root, 'tuned', 'some-model'))).not.toContain('work');
    });

    it('is refused before anything runs where it is another model, damaged or missing', async () => {
      await writeFile(better().path, buildGguf({ tensors: [matrix('blk.0.attn_q.weight', 0n)] }));
      await expect(run({ better: better() })).rejects.toMatchObject({ code: 'source_mismatch' });
      await writeFile(better().path, published.subarray(0, 60));
      await expect(run({ better: better() })).rejects.toMatchObject({ code: 'model_file_invalid' });
      await rm(better().path);
      await expect(run({ better: better() })).rejects.toMatchObject({ code: 'not_found' });
      expect(events).toEqual([]);
    });
  });

  it('refuses a damaged source', async () => {
    await writeFile(sourcePath, published.subarray(0, 40));
    await expect(run()).rejects.toMatchObject({ code: 'model_file_invalid' });
  });
});
