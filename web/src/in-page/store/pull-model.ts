/** Fetches a model's file from the page's own server into OPFS: resumed, checked, and only then put in its place. */
import { sha256 } from '@noble/hashes/sha2.js';
import { makeError } from '../../../../src/core/errors.ts';
import { ApiError } from '../../api/api-error.ts';
import { call } from '../../api/http.ts';
import type { PageModel } from '../engine/page-model.ts';
import { hexadecimal, pieceBytes, pieceDigest, removeModel, storageState, writeManifest } from './model-files.ts';
import { type FileAccess, isQuota, modelFolder, openAccess } from './opfs.ts';

export type PullProgress = { receivedBytes: number; totalBytes: number };

/** Left free beside the weights, for the page itself and its history. */
const spareBytes = 64 * 1024 ** 2;
/** A connection that breaks is tried again, from where it broke, this often without a byte in between. */
const attempts = 5;
const retryMs = 500;

/**
 * One tab fetches at a time; another one waits, and finds the file there.
 *
 * @throws `disk_full`, `hash_mismatch`, `download_failed`; ApiError of the server; the signal's reason
 */
export async function pullModel(
  model: PageModel,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  await navigator.locks.request(`duanyun-pull-${model.sha256}`, { signal }, async () => {
    const folder = await modelFolder();
    const name = `${model.sha256}.part`;
    const file = await folder.getFileHandle(name, { create: true });
    const access = await openAccess(file);
    let haveBytes = access.getSize();
    try {
      await checkSpace(model, haveBytes);
      await receive(model, access, onProgress, signal);
      const digests = await check(model, access, signal);
      access.close();
      await (file as unknown as { move(name: string): Promise<void> }).move(`${model.sha256}.gguf`);
      await writeManifest({ ...model, pieces: digests });
    } catch (error) {
      if (isQuota(error)) haveBytes = access.getSize();
      access.close();
      if (error instanceof WrongBytes) {
        await removeModel(model);
        const reason = 'the server sent other bytes; what was fetched is removed';
        throw makeError('hash_mismatch', { file: model.displayName, reason }, { cause: error });
      }
      // Whatever the browser had promised: there is no room left.
      if (isQuota(error)) throw diskFull(model, haveBytes, 0);
      throw error;
    }
  });
}

class WrongBytes extends Error {}

async function receive(
  model: PageModel,
  access: FileAccess,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const totalBytes = model.sizeBytes;
  // A file that is longer than the whole is none that this code wrote.
  if (access.getSize() > totalBytes) access.truncate(0);
  let failures = 0;
  for (let received = access.getSize(); received < totalBytes;) {
    onProgress({ receivedBytes: received, totalBytes });
    const before = received;
    try {
      const response = await call(`/v1/duanyun/weights/${model.sha256}`, {
        headers: received === 0 ? {} : { range: `bytes=${received}-` },
        signal,
      });
      if (received > 0 && response.status !== 206) {
        access.truncate(0);
        received = 0;
      }
      for await (const chunk of chunksOf(response)) {
        if (received + chunk.length > totalBytes) throw new WrongBytes('more bytes than the file has');
        const written = access.write(chunk, { at: received });
        if (written < chunk.length) throw new DOMException('not written', 'QuotaExceededError');
        received += chunk.length;
        onProgress({ receivedBytes: received, totalBytes });
      }
    } catch (error) {
      access.flush();
      signal.throwIfAborted();
      if (isQuota(error) || error instanceof WrongBytes) throw error;
      // What the server refuses, it refuses again.
      if (error instanceof ApiError && error.status !== undefined && error.status < 500) throw error;
      failures = received > before ? 1 : failures + 1;
      if (failures >= attempts) {
        const reason = 'the connection to the server broke again and again; what was fetched is kept';
        throw makeError('download_failed', { file: model.displayName, reason }, { cause: error });
      }
      await new Promise((resolve) => {
        setTimeout(resolve, retryMs * failures);
      });
    }
  }
  access.flush();
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** The whole file against its sha256; the digests of its pieces on the way. */
async function check(model: PageModel, access: FileAccess, signal: AbortSignal): Promise<string[]> {
  const whole = sha256.create();
  const pieces: string[] = [];
  for (let at = 0; at < model.sizeBytes; at += pieceBytes) {
    signal.throwIfAborted();
    const piece = new Uint8Array(Math.min(pieceBytes, model.sizeBytes - at));
    access.read(piece, { at });
    whole.update(piece);
    pieces.push(await pieceDigest(piece.buffer));
  }
  if (hexadecimal(whole.digest()) !== model.sha256) throw new WrongBytes('another sha256');
  return pieces;
}

async function checkSpace(model: PageModel, haveBytes: number): Promise<void> {
  // A promise of the browser that it will not clear these files by itself; it may say no.
  await navigator.storage.persist?.().catch(() => false);
  const { usedBytes, quotaBytes } = await storageState();
  const needed = model.sizeBytes - haveBytes + spareBytes;
  if (usedBytes + needed > quotaBytes) throw diskFull(model, haveBytes, quotaBytes - usedBytes);
}

function diskFull(model: PageModel, haveBytes: number, freeBytes: number): Error {
  const mebibytes = (bytes: number): number => Math.max(0, Math.round(bytes / 1024 ** 2));
  return makeError('disk_full', {
    path: 'this browser',
    neededMiB: mebibytes(model.sizeBytes - haveBytes + spareBytes),
    availableMiB: mebibytes(freeBytes),
  });
}
