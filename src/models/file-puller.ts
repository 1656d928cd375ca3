import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFile } from '../core/catalogue.ts';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { PullEvent } from '../core/model-store.ts';
import type { BlobStore } from './blob-store.ts';
import { freeDiskBytes, mebibytes } from './disk-space.ts';
import { downloadFile } from './download-file.ts';
import { acquireFileLock } from './file-lock.ts';
import { listSources, type HubSettings, type ReachedSource } from './file-sources.ts';
import type { HttpClient } from './http-client.ts';
import { readReceivedBytes } from './partial-file.ts';
import { ProgressMeter } from './progress-meter.ts';
import { SourceRace } from './source-race.ts';

export type PullSettings = {
  hubs?: HubSettings;
  /** Never use the network. Default false. */
  offline?: boolean;
  /** Connections at once for one file. Default 4. */
  parallel?: number;
  /** Milliseconds until a mirror must have answered whether it has the file. Default 8000. */
  reachTimeoutMs?: number;
  retryDelaysMs?: readonly number[];
  /** Bytes free on the disk of a directory; replaced in tests. */
  freeDiskBytes?: (directory: string) => Promise<number>;
};

/** Milliseconds between looks at a download that may stand still. */
const tickMs = 500;

type Emit = (event: PullEvent) => void;
type Identity = { sha256: string; sizeBytes: number };

/** Brings single files into the blob store: who has it, whose turn it is, the download, the last move. */
export class FilePuller {
  readonly #client: HttpClient;
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #settings: PullSettings;

  constructor(client: HttpClient, blobs: BlobStore, clock: Clock, settings: PullSettings) {
    this.#client = client;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Refuses with `disk_full` before anything is fetched when the files together would not fit. */
  async requireSpace(files: readonly ModelFile[], model: string): Promise<void> {
    let neededBytes = 0;
    for (const { sha256, sizeBytes = 0 } of files) {
      if (sha256 === undefined) neededBytes += sizeBytes;
      else if ((await this.#blobs.size(sha256)) === undefined) {
        const directory = this.#blobs.partialDirectory(sha256);
        neededBytes += sizeBytes - (await readReceivedBytes(join(directory, 'data'), sizeBytes));
      }
    }
    if (neededBytes === 0) return;
    const directory = this.#blobs.partialDirectory('.');
    await mkdir(directory, { recursive: true });
    const free = await (this.#settings.freeDiskBytes ?? freeDiskBytes)(directory);
    if (free >= neededBytes) return;
    throw makeError(
      'disk_full',
      { path: directory, neededMiB: mebibytes(neededBytes), availableMiB: mebibytes(free) },
      { detail: model },
    );
  }

  /** Returns once the verified blob is in place, whoever put it there. */
  async pull(model: string, file: ModelFile, signal: AbortSignal, emit: Emit): Promise<Identity> {
    if (file.sha256 !== undefined) {
      const sizeBytes = await this.#blobs.size(file.sha256);
      if (sizeBytes !== undefined) return { sha256: file.sha256, sizeBytes };
    }
    const needsHash = file.sha256 === undefined;
    const sources = listSources(file.sources, this.#client, this.#settings.hubs ?? {}, { needsHash }).filter(
      ({ local }) => local || this.#settings.offline !== true,
    );
    if (sources.length === 0 && this.#settings.offline === true) throw makeError('offline', { file: file.name });
    const unreached: string[] = [];
    const race = new SourceRace(sources, {
      signal,
      limitMs: this.#settings.reachTimeoutMs ?? 8000,
      onFailed: (source, { message }) => {
        unreached.push(message);
        emit({ type: 'source-failed', file: file.name, source, reason: message });
      },
    });
    try {
      const answered: ReachedSource[] = [];
      const identity = await identify(file, race, answered);
      signal.throwIfAborted();
      if (identity === undefined || (answered.length === 0 && !(await this.#isComplete(identity)))) {
        const reason = unreached.join('; ') || 'no source states its size and sha256';
        throw makeError('download_failed', { file: file.name, reason });
      }
      await this.#pullLocked(model, file, identity, { sources: chain(answered, race), unreached }, signal, emit);
      return identity;
    } finally {
      race.stop();
    }
  }

  /** Everything came in an earlier run that ended just before the last check. */
  async #isComplete({ sha256, sizeBytes }: Identity): Promise<boolean> {
    return (await readReceivedBytes(join(this.#blobs.partialDirectory(sha256), 'data'), sizeBytes)) === sizeBytes;
  }

  async #pullLocked(
    model: string,
    file: ModelFile,
    { sha256, sizeBytes }: Identity,
    from: { sources: AsyncIterable<ReachedSource>; unreached: readonly string[] },
    signal: AbortSignal,
    emit: Emit,
  ): Promise<void> {
    const directory = this.#blobs.partialDirectory(sha256);
    const received = (): Promise<number> => readReceivedBytes(join(directory, 'data'), sizeBytes);
    const meter = new ProgressMeter(sizeBytes, this.#clock);
    const report = (receivedBytes: number): void => {
      const progress = meter.update(receivedBytes);
      if (progress !== undefined) emit({ type: 'pull-progress', file: file.name, totalBytes: sizeBytes, ...progress });
    };
    let latestBytes = 0;
    let ticker: NodeJS.Timeout | undefined;
    const lock = await acquireFileLock(this.#blobs.lockPath(sha256), {
      signal,
      clock: this.#clock,
      // Another process fetches the same file: its progress is ours.
      onWait: async () => report(await received()),
    });
    try {
      if ((await this.#blobs.size(sha256)) !== undefined) return;
      const resumedBytes = await received();
      emit({ type: 'pull-start', model, file: file.name, totalBytes: sizeBytes, resumedBytes });
      latestBytes = resumedBytes;
      // A download that stands still must show it: the rate falls although no byte comes.
      ticker = setInterval(() => report(latestBytes), tickMs);
      const path = await downloadFile({
        name: file.name,
        sha256,
        sizeBytes,
        directory,
        ...from,
        parallel: this.#settings.parallel ?? 4,
        ...(this.#settings.retryDelaysMs === undefined ? {} : { retryDelaysMs: this.#settings.retryDelaysMs }),
        ...(this.#settings.freeDiskBytes === undefined ? {} : { freeBytes: this.#settings.freeDiskBytes }),
        signal: AbortSignal.any([signal, lock.lost]),
        onSourceStart: (source) => emit({ type: 'source-start', file: file.name, source }),
        onSourceFailed: (source, reason) => emit({ type: 'source-failed', file: file.name, source, reason }),
        onProgress: (receivedBytes) => {
          latestBytes = receivedBytes;
          report(receivedBytes);
        },
      });
      // The last look before the move: whoever took the lock over may be writing to the same file.
      lock.lost.throwIfAborted();
      await this.#blobs.adopt(path, sha256);
    } catch (error) {
      if (lock.lost.aborted && !signal.aborted) throw makeError('store_locked', { pid: 'unknown', what: file.name });
      throw error;
    } finally {
      clearInterval(ticker);
      await lock.release();
    }
  }
}

/**
 * Waits for the first mirror that has the file. Size and hash are the catalogue's; what it leaves open, the mirror states.
 * `answered` holds those that were seen on the way, and stays empty where none answered.
 */
async function identify(
  file: ModelFile,
  race: AsyncIterable<ReachedSource>,
  answered: ReachedSource[],
): Promise<Identity | undefined> {
  for await (const source of race) {
    answered.push(source);
    const sha256 = file.sha256 ?? source.sha256;
    // A mirror that offers another file says nothing about this one.
    if (sha256 === undefined || (source.sha256 ?? sha256) !== sha256) continue;
    const sizeBytes = file.sizeBytes ?? source.sizeBytes;
    if (sizeBytes !== undefined) return { sha256, sizeBytes };
  }
  const { sha256, sizeBytes } = file;
  return sha256 === undefined || sizeBytes === undefined ? undefined : { sha256, sizeBytes };
}

async function* chain(
  first: readonly ReachedSource[],
  rest: AsyncIterable<ReachedSource>,
): AsyncGenerator<ReachedSource> {
  yield* first;
  yield* rest;
}
