import { createHash, type Hash } from 'node:crypto';
import type { PartialFile } from './partial-file.ts';

const chunkBytes = 1024 * 1024;

/**
 * sha256 of a file that arrives in pieces: follows the gapless front of the file while the rest is still coming, reading
 * back what was just written (from the page cache), so that the hash is ready moments after the last byte. Pieces that
 * come out of order wait until the front reaches them.
 */
export class OrderedHash {
  readonly #file: PartialFile;
  #hash: Hash = createHash('sha256');
  #position = 0;
  #work: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(file: PartialFile) {
    this.#file = file;
  }

  /** Call after bytes were written; returns at once. */
  advance(): void {
    if (this.#busy || this.#file.frontier - this.#position < chunkBytes) return;
    this.#busy = true;
    this.#work = this.#consume().finally(() => {
      this.#busy = false;
    });
    // `finish` reports it; until then it must not count as unhandled.
    this.#work.catch(() => {});
  }

  /** Waits until nothing is being read; what was hashed is of no interest any more. */
  async settle(): Promise<void> {
    await this.#work.catch(() => {});
  }

  /** The hash of everything up to the front, in hex. */
  async finish(): Promise<string> {
    await this.#work;
    await this.#consume();
    return this.#hash.digest('hex');
  }

  async #consume(): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    while (this.#position < this.#file.frontier) {
      const wanted = Math.min(chunkBytes, this.#file.frontier - this.#position);
      const bytesRead = await this.#file.read(buffer.subarray(0, wanted), this.#position);
      if (bytesRead === 0) throw new Error('the partial file is shorter than its journal says');
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#position += bytesRead;
    }
  }
}
