import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGguf } from '../../../test/integration/models/gguf-builder.ts';
import { buildLora, type LoraOptions } from '../../../test/support/lora-file.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { readGgufHeader } from '../gguf.ts';
import { AdapterStore } from './adapter-store.ts';
import { ModelAdapters } from './model-adapters.ts';

const weights = {
  'blk.0.attn_q.weight': [8, 16],
  'blk.0.ffn_up.weight': [8, 4],
} as const satisfies LoraOptions['weights'];
const baseTensors = [
  { name: 'blk.0.attn_q.weight', shape: [8n, 16n], type: 0, offset: 0n },
  { name: 'blk.0.ffn_up.weight', shape: [8n, 4n], type: 0, offset: 512n },
];
const { signal } = new AbortController();
const createdAt = new Date('2026-11-27T12:00:00Z');
let folder: string;
let store: AdapterStore;
let model: InstalledModel;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duanyun-adapters-'));
  store = new AdapterStore(folder);
  const weightsPath = join(folder, 'base.gguf');
  await writeFile(weightsPath, buildGguf({ tensors: baseTensors }));
  model = { entry: { id: 'tiny' }, source: 'sha256:one', weightsPath } as InstalledModel;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function loraFile(options: Partial<LoraOptions> = {}): Promise<string> {
  const file = join(folder, 'some.gguf');
  await writeFile(file, buildLora({ weights, ...options }));
  return file;
}

const add = async (name: string, options: { file?: string; replace?: boolean; model?: InstalledModel } = {}) =>
  store.add(
    { name, model, origin: 'added', createdAt, replace: false, ...options, file: options.file ?? (await loraFile()) },
    signal,
  );

describe('AdapterStore', () => {
  it('keeps what was added, with the model it belongs to, and gives it out again', async () => {
    const added = await add('clinic');
    expect(added).toMatchObject({ name: 'clinic', model: 'tiny', base: 'sha256:one', rank: 2, origin: 'added' });
    expect(new AdapterStore(folder).list()).toEqual([added]);
    const copy = join(folder, 'out.gguf');
    await store.exportTo('clinic', copy);
    expect(await readFile(copy)).toEqual(await readFile(added.path));
    expect(await store.remove('clinic')).toBe(added.sizeBytes);
    expect(store.list()).toEqual([]);
    expect(() => store.find('clinic')).toThrow(/adapter clinic was not found/);
  });

  it('sees what another process adds and removes', async () => {
    expect(store.list()).toEqual([]);
    const other = new AdapterStore(folder);
    const file = await loraFile();
    await other.add({ name: 'new', model, file, origin: 'added', createdAt, replace: false }, signal);
    expect(store.list().map(({ name }) => name)).toEqual(['new']);
    await other.remove('new');
    expect(store.list()).toEqual([]);
  });

  it('replaces only when told to', async () => {
    const before = await add('clinic');
    await expect(add('clinic')).rejects.toMatchObject({ code: 'invalid_request' });
    const file = await loraFile({ rank: 3 });
    const after = await add('clinic', { file, replace: true });
    expect(after.sha256).not.toBe(before.sha256);
    expect(await readdir(join(folder, 'adapters'))).toEqual(['clinic']);
  });

  it.each(['../evil', 'Upper', '', '.hidden', 'a'.repeat(65), 'edge:x'])('refuses the name %j', async (name) => {
    await expect(add(name)).rejects.toMatchObject({ code: 'invalid_request', param: 'name' });
  });

  it.each([
    ['another architecture', { architecture: 'qwen2' }, 'adapter_mismatch', 'architecture qwen2'],
    [
      'a tensor that the model does not have',
      { weights: { 'blk.9.attn_q.weight': [8, 16] } },
      'adapter_mismatch',
      'no blk.9',
    ],
    ['another width', { weights: { 'blk.0.attn_q.weight': [16, 16] } }, 'adapter_mismatch', '8×16'],
    ['half a pair', { without: ['blk.0.attn_q.weight.lora_b'] }, 'adapter_invalid', 'one half'],
    ['a whole model', { metadata: { 'general.type': undefined } }, 'adapter_invalid', 'does not say'],
    ['no alpha', { metadata: { 'adapter.lora.alpha': undefined } }, 'adapter_invalid', 'alpha'],
  ] as const)('refuses %s, and keeps nothing of it', async (_, options, code, text) => {
    const file = await loraFile(options);
    const refusal = await add('bad', { file }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code, message: expect.stringContaining(text) as string });
    expect(await readdir(join(folder, 'adapters')).catch(() => [])).toEqual([]);
  });

  it('leaves out one whose file was cut', async () => {
    const { path } = await add('clinic');
    await writeFile(path, 'short');
    expect(new AdapterStore(folder).list()).toEqual([]);
  });
});

describe('ModelAdapters', () => {
  it('offers those of the running weights, and says of the others whose they are', async () => {
    await add('mine');
    await add('other', { model: { ...model, entry: { ...model.entry, id: 'large' }, source: 'sha256:two' } });
    const adapters = new ModelAdapters(store, model, await readGgufHeader(model.weightsPath));
    expect(adapters.usable().map(({ name }) => name)).toEqual(['mine']);
    expect((await adapters.require('mine')).name).toBe('mine');
    await expect(adapters.require('other')).rejects.toMatchObject({
      code: 'adapter_mismatch',
      message: 'The adapter other does not belong to tiny: it was made for large.',
    });
    await expect(adapters.require('none')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does not believe the record alone: a file that does not fit is refused before it is loaded', async () => {
    const { path, sizeBytes } = await add('mine');
    const changed = buildLora({ weights: { 'blk.0.attn_q.weight': [8, 16], 'blk.0.ffn_up.weight': [4, 8] } });
    expect(changed.length).toBe(sizeBytes);
    await writeFile(path, changed);
    const adapters = new ModelAdapters(store, model, await readGgufHeader(model.weightsPath));
    await expect(adapters.require('mine')).rejects.toMatchObject({ code: 'adapter_mismatch' });
  });
});
