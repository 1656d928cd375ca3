import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGguf } from '../../../test/integration/models/gguf-builder.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { finetune, type FinetuneEvent, type FinetuneOptions } from './finetune.ts';

const childScript = fileURLToPath(new URL('./fake-trainer.mjs', import.meta.url));
const line = (index: number) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: `q${index}` },
      { role: 'assistant', content: `a${index}` },
    ],
  });
const chats = Array.from({ length: 10 }, (_, index) => line(index)).join('\n');
let folder: string;
let model: InstalledModel;
let events: FinetuneEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duanyun-finetune-'));
  const weightsPath = join(folder, 'weights.gguf');
  await writeFile(weightsPath, buildGguf());
  model = { entry: { id: 'tiny' }, source: 'sha256:one', weightsPath } as InstalledModel;
  events = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function run(over: Partial<FinetuneOptions> = {}, environment: Record<string, string> = {}) {
  return finetune({
    name: 'my-adapter',
    model,
    data: Buffer.from(chats),
    file: 'chats.jsonl',
    root: join(folder, 'training'),
    epochs: 3,
    learningRate: 1e-3,
    rank: 8,
    seed: 1,
    patience: 2,
    validationShare: 0.2,
    mostTokens: 512,
    cpuShare: 1,
    cores: 2,
    restart: false,
    availableBytes: 8 * 2 ** 30,
    environment: { PATH: process.env['PATH'], ...environment },
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    childScript,
    freeBytes: async () => 2 ** 40,
    ...over,
  });
}
const left = () => readdir(join(folder, 'training', 'my-adapter')).catch(() => []);

describe('finetune', () => {
  it('checks, widens, trains, and hands the best adapter over', async () => {
    const result = await run();
    expect(result).toMatchObject({ kind: 'done', trainExamples: 8, validationExamples: 2 });
    expect(result.adapterPath).toBe(join(folder, 'training', 'my-adapter', 'best.gguf'));
    expect(events[0]).toMatchObject({ type: 'start', threads: 2, busyShare: 1, windowTokens: 24, weights: 'wide' });
  });

  it('refuses bad data before anything is started', async () => {
    const data = Buffer.from(`${chats}\n{"messages": 7}`);
    await expect(run({ data }, { FAKE_DIES_AT: 'encode' })).rejects.toMatchObject({
      code: 'training_data_invalid',
      message: expect.stringContaining('line 11') as string,
    });
    expect(await readdir(join(folder, 'training')).catch(() => [])).toEqual([]);
  });

  it('learns from the weights as published where the memory is short, and refuses with numbers where that is too much', async () => {
    await run({ availableBytes: 460 * 2 ** 20 });
    const start = events[0] as Extract<FinetuneEvent, { type: 'start' }>;
    expect(start.neededBytes).toBeLessThan(start.availableBytes);
    const refusal = await run({ availableBytes: 200 * 2 ** 20, name: 'other' }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'model_too_large' });
    expect((refusal as Error).message).toMatch(/needs about \d+ MiB of memory and 200 MiB are available/);
    expect(await readdir(join(folder, 'training'))).not.toContain('other');
  });

  it('refuses where the disk has no room, and keeps no half-written weights where it fills up', async () => {
    await expect(run({ freeBytes: async () => 1000 })).rejects.toMatchObject({ code: 'disk_full', status: 507 });
    await expect(run({}, { FAKE_CUTS: '1' })).rejects.toMatchObject({ code: 'disk_full' });
    expect(await left()).toEqual([]);
  });

  it('says that its process died, and keeps the checkpoint', async () => {
    await run();
    await expect(run({}, { FAKE_DIES_AT: 'train' })).rejects.toMatchObject({
      code: 'training_failed',
      message: expect.stringContaining('The same command goes on') as string,
    });
    expect(await left()).toContain('checkpoint.bin');
  });

  it('pauses at the first interrupt', async () => {
    const abort = new AbortController();
    const waiting = run(
      {
        signal: abort.signal,
        onEvent: (event) => {
          if (event.type === 'checkpoint') abort.abort(new Error('interrupted'));
        },
      },
      { FAKE_WAITS: '1' },
    );
    expect(await waiting).toMatchObject({ kind: 'paused', progress: { step: 2 } });
    expect(await left()).toContain('checkpoint.bin');
  });

  it('does not train the same adapter twice at a time', async () => {
    const abort = new AbortController();
    let second: Promise<unknown> | undefined;
    const first = run(
      {
        signal: abort.signal,
        onEvent: (event) => {
          if (event.type !== 'checkpoint') return;
          second = run().catch((error: unknown) => error);
          void second.then(() => abort.abort(new Error('interrupted')));
        },
      },
      { FAKE_WAITS: '1' },
    );
    await first;
    expect(await second).toMatchObject({ code: 'store_locked' });
  });

  it('says so where nothing is left to learn', async () => {
    await expect(run({}, { FAKE_EXAMPLES: '1' })).rejects.toMatchObject({ code: 'training_data_invalid' });
  });
});
