import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuanyunError, makeError } from '../core/errors.ts';
import { freeDiskBytes, isDiskFull, mebibytes } from './disk-space.ts';
import { DownloadFault } from './download-fault.ts';
import type { ReachedSource } from './file-sources.ts';
import { OrderedHash } from './ordered-hash.ts';
import { PartialFile } from './partial-file.ts';
import { toFault } from './source-race.ts';
import { CorruptContent, diskBytesNeeded, transfer } from './transfer.ts';

export type DownloadOptions = {
  /** Shown in errors and events. */
  name: string;
  sha256: string;
  sizeBytes: number;
  /** Where the unfinished file lies between runs. The caller holds its lock. */
  directory: string;
  /** Mirrors in the order in which they answered; may still be answering. */
  sources: AsyncIterable<ReachedSource>;
  /** Reasons of mirrors that never answered; may still grow. */
  unreached: readonly string[];
  parallel: number;
  /** Pauses between rounds in which no mirror gave a byte. Default 1 s, 3 s. */
  retryDelaysMs?: readonly number[];
  freeBytes?: (directory: string) => Promise<number>;
  signal: AbortSignal;
  onSourceStart: (label: string) => void;
  onSourceFailed: (label: string, reason: string) => void;
  onProgress: (receivedBytes: number) => void;
};

/** Kept free beside the file: manifests, logs, the file system's own needs. */
const diskReserveBytes = 32 * 1024 * 1024;

/**
 * Brings one file together, from whichever mirrors hold out, and returns the path of the complete, synced and verified
 * file. A mirror that fails leaves its bytes to the next one. When the whole has the wrong hash everything is thrown away;
 * if more than one mirror had a hand in it, each is then tried alone, so that the guilty one is found.
 * Throws `hash_mismatch`, `download_failed`, `disk_full`, or the signal's reason.
 */
export async function downloadFile(options: DownloadOptions): Promise<string> {
  await mkdir(options.directory, { recursive: true });
  const target = await PartialFile.open(join(options.directory, 'data'), options.sizeBytes);
  try {
    await new Download(options, target).run();
    await target.sync();
    return target.path;
  } catch (error) {
    options.signal.throwIfAborted();
    if (!isDiskFull(error)) throw error;
    const needed = options.sizeBytes - target.receivedBytes;
    throw await diskFull(options, needed, error);
  } finally {
    await target.close();
  }
}

class Download {
  readonly #options: DownloadOptions;
  readonly #target: PartialFile;
  readonly #scratchDirectory: string;
  #hash: OrderedHash;
  /** Whose bytes the partial file holds. */
  #contributors = new Set<string>();
  /** After a mixed file turned out wrong: one mirror at a time. */
  #unmixed = false;
  #mismatches: string[] = [];
  #reasons = new Map<string, string>();

  constructor(options: DownloadOptions, target: PartialFile) {
    this.#options = options;
    this.#target = target;
    this.#scratchDirectory = join(options.directory, 'scratch');
    this.#hash = new OrderedHash(target);
    if (target.receivedBytes > 0) this.#contributors.add('an earlier run');
  }

  async run(): Promise<void> {
    if (this.#target.receivedBytes === this.#options.sizeBytes) {
      // Complete since an earlier run that ended before the last check.
      if ((await this.#hash.finish()) === this.#options.sha256) return;
      await this.#discard();
    }
    const delays = this.#options.retryDelaysMs ?? [1000, 3000];
    const usable: ReachedSource[] = [];
    let silentRounds = 0;
    for (let round = 0; ; round++) {
      let progressed = false;
      for await (const source of round === 0 ? this.#options.sources : [...usable]) {
        const outcome = await this.#try(source);
        if (outcome === 'done') return;
        progressed ||= outcome === 'progress';
        if (round === 0 && outcome !== 'ban') usable.push(source);
        if (round > 0 && outcome === 'ban') usable.splice(usable.indexOf(source), 1);
      }
      if (usable.length === 0) throw this.#failure();
      silentRounds = progressed ? 0 : silentRounds + 1;
      const delayMs = silentRounds === 0 ? 0 : delays[silentRounds - 1];
      if (delayMs === undefined) throw this.#failure();
      await sleep(delayMs, undefined, { signal: this.#options.signal });
    }
  }

  /** `ban`: this mirror is of no use. `progress`: it failed, but something changed, so another round is worth while. */
  async #try(source: ReachedSource): Promise<'done' | 'progress' | 'failed' | 'ban'> {
    const options = this.#options;
    if (source.sha256 !== undefined && source.sha256 !== options.sha256) {
      return this.#fail(source, 'offers another file under this name', 'ban');
    }
    if (this.#unmixed && !this.#isAlone(source)) await this.#discard();
    options.onSourceStart(source.label);
    let received = -1;
    let advanced = false;
    try {
      await this.#transfer(source, (bytes) => {
        if (received >= 0 && bytes > received) {
          advanced = true;
          this.#contributors.add(source.label);
        }
        received = bytes;
        this.#hash.advance();
        options.onProgress(bytes);
      });
      if ((await this.#hash.finish()) === options.sha256) return 'done';
      return await this.#wrong(source, 'the sha256 is wrong');
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof DuanyunError || isDiskFull(error)) throw error;
      if (error instanceof CorruptContent) return await this.#wrong(source, error.message);
      const fault = toFault(error, source.label);
      return this.#fail(source, fault.message, fault.permanent ? 'ban' : advanced ? 'progress' : 'failed');
    }
  }

  async #transfer(source: ReachedSource, onProgress: (bytes: number) => void): Promise<void> {
    const { signal, sizeBytes, parallel } = this.#options;
    const segments = await source.plan(signal, this.#scratchDirectory);
    const offered = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    if (offered !== sizeBytes) {
      throw new DownloadFault(`${source.label} offers ${offered} bytes instead of ${sizeBytes}`, { permanent: true });
    }
    const plan = { segments, target: this.#target, scratchDirectory: this.#scratchDirectory, parallel };
    const needed = (await diskBytesNeeded(plan)) + diskReserveBytes;
    const free = await (this.#options.freeBytes ?? freeDiskBytes)(this.#options.directory);
    if (free < needed) throw await diskFull(this.#options, needed);
    await transfer({ ...plan, signal, onProgress });
  }

  /** The file is complete and not what it should be. */
  async #wrong(source: ReachedSource, reason: string): Promise<'progress' | 'ban'> {
    const guilty = this.#isAlone(source);
    await this.#discard();
    if (guilty) {
      this.#mismatches.push(source.label);
      return this.#fail(source, reason, 'ban');
    }
    this.#unmixed = true;
    return this.#fail(source, `${reason}; its parts came from several places, so all are fetched anew`, 'progress');
  }

  #isAlone(source: ReachedSource): boolean {
    return [...this.#contributors].every((label) => label === source.label);
  }

  async #discard(): Promise<void> {
    await this.#hash.settle();
    await this.#target.reset();
    await rm(this.#scratchDirectory, { recursive: true, force: true });
    this.#hash = new OrderedHash(this.#target);
    this.#contributors.clear();
  }

  #fail<Outcome>(source: ReachedSource, reason: string, outcome: Outcome): Outcome {
    this.#reasons.set(source.label, reason);
    this.#options.onSourceFailed(source.label, reason);
    return outcome;
  }

  #failure(): DuanyunError {
    const file = this.#options.name;
    if (this.#mismatches.length > 0) {
      return makeError('hash_mismatch', { file, reason: `wrong bytes from ${this.#mismatches.join(', ')}` });
    }
    const reasons = [...new Set([...this.#reasons.values(), ...this.#options.unreached])];
    return makeError('download_failed', { file, reason: reasons.join('; ') || 'it has no source' });
  }
}

async function diskFull(options: DownloadOptions, neededBytes: number, cause?: unknown): Promise<DuanyunError> {
  const free = await (options.freeBytes ?? freeDiskBytes)(options.directory).catch(() => 0);
  return makeError(
    'disk_full',
    { path: options.directory, neededMiB: mebibytes(neededBytes), availableMiB: mebibytes(free) },
    { cause },
  );
}
