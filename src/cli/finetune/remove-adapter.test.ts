import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimTraining } from '../../engine/finetune/training-lock.ts';
import { AdapterStore } from '../../models/adapters/adapter-store.ts';
import { removeAdapter } from './remove-adapter.ts';

let home: string;
const trainings = () => path.join(home, 'training');
const { signal } = new AbortController();

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'duanyun-remove-'));
  await mkdir(path.join(trainings(), 'mine'), { recursive: true });
  await writeFile(path.join(trainings(), 'mine', 'checkpoint.gguf'), 'weights');
});
afterEach(() => rm(home, { recursive: true, force: true }));

it('leaves an adapter alone while it is being trained', async () => {
  const training = await claimTraining(trainings(), 'mine', signal);
  const adapters = new AdapterStore(home);
  await expect(removeAdapter(adapters, 'mine', home)).rejects.toMatchObject({
    code: 'store_locked',
    message: expect.stringContaining('the training mine') as string,
  });
  expect(await readdir(path.join(trainings(), 'mine'))).toEqual(['checkpoint.gguf']);
  await training.release();
  expect(await removeAdapter(adapters, 'mine', home)).toBe('weights'.length);
  expect(await readdir(trainings())).toEqual([]);
});

it('leaves no lock behind where there is no such adapter', async () => {
  await expect(removeAdapter(new AdapterStore(home), 'other', home)).rejects.toMatchObject({ code: 'not_found' });
  expect(await readdir(trainings())).toEqual(['mine']);
});
