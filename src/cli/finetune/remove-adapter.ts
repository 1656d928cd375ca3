/** Deletes an adapter, with what an unfinished training of that name left. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { claimTraining } from '../../engine/finetune/training-lock.ts';
import type { AdapterStore } from '../../models/adapters/adapter-store.ts';

/** Returns the bytes freed. Throws `not_found` where there is neither, and `store_locked` while it is being trained. */
export async function removeAdapter(adapters: AdapterStore, name: string, home: string): Promise<number> {
  adapters.requireName(name);
  const trainings = path.join(home, 'training');
  const lock = await claimTraining(trainings, name, new AbortController().signal);
  try {
    const unfinished = path.join(trainings, name);
    const files = await readdir(unfinished).catch(() => undefined);
    if (files === undefined) return await adapters.remove(name);
    const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(unfinished, file))).size));
    await rm(unfinished, { recursive: true, force: true });
    const isKept = adapters.list().some((adapter) => adapter.name === name);
    return sizes.reduce((sum, size) => sum + size, isKept ? await adapters.remove(name) : 0);
  } finally {
    await lock.release();
  }
}
