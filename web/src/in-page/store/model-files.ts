/**
 * Weights in the browser: OPFS, one file a model, named by its sha256. `<sha256>.part` is on its way, `<sha256>.gguf` was
 * checked whole, `<id>.json` says which file a model has and the digests of its pieces, written last. The pieces are checked
 * again at each load: the browser's own digests of 8 MiB take a tenth of the time that loading takes.
 */
import { makeError } from '../../../../src/core/errors.ts';
import type { PageModel } from '../engine/page-model.ts';
import { fileNames, isMissing, modelFolder } from './opfs.ts';

export const pieceBytes = 8 * 1024 ** 2;

export type StoredModel = PageModel & {
  /** Hexadecimal, of each 8 MiB. */
  pieces: string[];
};

export type Storage = {
  usedBytes: number;
  quotaBytes: number;
  /** The browser does not clear it by itself when the disk fills. */
  isPersistent: boolean;
};

/** Those that are whole. What cannot be read counts as not there. */
export async function storedModels(): Promise<StoredModel[]> {
  const folder = await modelFolder();
  const names = await fileNames(folder);
  const models: StoredModel[] = [];
  for (const name of names.toSorted()) {
    if (!name.endsWith('.json')) continue;
    const model = await readManifest(folder, name);
    if (model !== undefined && names.includes(`${model.sha256}.gguf`)) models.push(model);
  }
  return models;
}

/** Bytes of those that are on their way, by sha256. */
export async function partialSizes(): Promise<Map<string, number>> {
  const folder = await modelFolder();
  const sizes = new Map<string, number>();
  for (const name of await fileNames(folder)) {
    if (!name.endsWith('.part')) continue;
    const file = await (await folder.getFileHandle(name)).getFile();
    sizes.set(name.slice(0, -'.part'.length), file.size);
  }
  return sizes;
}

export async function writeManifest(model: StoredModel): Promise<void> {
  const folder = await modelFolder();
  const file = await folder.getFileHandle(`${model.id}.json`, { create: true });
  const stream = await file.createWritable();
  await stream.write(JSON.stringify(model));
  await stream.close();
}

/**
 * The file of a model, checked piece by piece.
 *
 * @throws `model_file_invalid` after removing a file that is not what it was: it has to be fetched again
 */
export async function openChecked(model: PageModel): Promise<Blob> {
  const folder = await modelFolder();
  const stored = await readManifest(folder, `${model.id}.json`);
  let file: File | undefined;
  try {
    file = await (await folder.getFileHandle(`${model.sha256}.gguf`)).getFile();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const reason =
    stored === undefined || file === undefined ? 'it is not in this browser' : await damageOf(file, stored);
  if (file !== undefined && reason === undefined) return file;
  await removeModel(model);
  throw makeError('model_file_invalid', {
    file: model.displayName,
    reason: `${reason ?? 'it cannot be read'}, so it was removed from this browser; fetch it again`,
  });
}

/** Removes the model and what is on its way to it. */
export async function removeModel({ id, sha256 }: Pick<PageModel, 'id' | 'sha256'>): Promise<void> {
  const folder = await modelFolder();
  // The manifest first: without it the weights mean nothing.
  for (const name of [`${id}.json`, `${sha256}.gguf`, `${sha256}.part`]) {
    try {
      await folder.removeEntry(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

export async function storageState(): Promise<Storage> {
  const [{ usage = 0, quota = 0 }, isPersistent] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return { usedBytes: usage, quotaBytes: quota, isPersistent };
}

export async function pieceDigest(bytes: ArrayBuffer): Promise<string> {
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

export function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function readManifest(folder: FileSystemDirectoryHandle, name: string): Promise<StoredModel | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    const value = JSON.parse(await file.text()) as Partial<StoredModel>;
    const isWhole = typeof value.id === 'string' && typeof value.sha256 === 'string' && Array.isArray(value.pieces);
    return isWhole ? (value as StoredModel) : undefined;
  } catch {
    return undefined;
  }
}

async function damageOf(file: File, model: StoredModel): Promise<string | undefined> {
  if (file.size !== model.sizeBytes) return `it has ${file.size} bytes instead of ${model.sizeBytes}`;
  for (const [index, expected] of model.pieces.entries()) {
    const start = index * pieceBytes;
    const found = await pieceDigest(await file.slice(start, start + pieceBytes).arrayBuffer());
    if (found !== expected) return 'its bytes are damaged';
  }
  return undefined;
}
