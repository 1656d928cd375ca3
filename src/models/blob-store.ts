import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from './manifests.ts';

/** Verified files, named by their sha256, and the places of those on their way. */
export class BlobStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(sha256: string): string {
    return join(this.#root, 'blobs', 'sha256', sha256);
  }

  /** Where a file lies until it is whole. */
  partialDirectory(sha256: string): string {
    return join(this.#root, 'partial', sha256);
  }

  lockPath(sha256: string): string {
    return join(this.#root, 'locks', `${sha256}.lock`);
  }

  /** The size where the blob is here. It was verified when it came, so its hash is not computed again. */
  async size(sha256: string): Promise<number | undefined> {
    const status = await stat(this.path(sha256)).catch(() => undefined);
    return status?.isFile() === true ? status.size : undefined;
  }

  /** Moves a synced, verified file to its final place in one step. */
  async adopt(path: string, sha256: string): Promise<void> {
    const directory = join(this.#root, 'blobs', 'sha256');
    await mkdir(directory, { recursive: true });
    await rename(path, this.path(sha256));
    await syncDirectory(directory);
    await rm(this.partialDirectory(sha256), { recursive: true, force: true });
  }

  /** Deletes the blob and what is left of an unfinished one; returns the bytes freed. */
  async remove(sha256: string): Promise<number> {
    const partial = this.partialDirectory(sha256);
    const sizes = await Promise.all([this.path(sha256), join(partial, 'data')].map(allocatedBytes));
    await rm(this.path(sha256), { force: true });
    await rm(partial, { recursive: true, force: true });
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }
}

/** What a file really takes on the disk: an unfinished one has holes. */
async function allocatedBytes(path: string): Promise<number> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return 0;
  return status.blocks > 0 ? Math.min(status.size, status.blocks * 512) : status.size;
}

/** sha256 of a file, in hex, read once. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}
