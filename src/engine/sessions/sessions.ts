/** Conversations that outlive the process: taken out of their files before a request is queued, written when it has ended. */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { toDuanyunError } from '../../core/errors.ts';
import { KeptTokens } from '../cache/kept-tokens.ts';
import { commonPrefixLength } from '../cache/prefix-cache.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { Job, KeptSequence } from '../scheduler/types.ts';
import type { SessionAbout, SavedSequence } from './session-file.ts';
import { SessionStore, type SessionStoreOptions } from './session-store.ts';

/** What happened, for the log; never what was said. */
export type SessionNote =
  | { kind: 'saved'; tokens: number; bytes: number; milliseconds: number }
  | { kind: 'restored'; tokens: number; milliseconds: number }
  /** The request goes on without it. */
  | { kind: 'not-restored' | 'not-saved'; code: string; reason: string };

export type SessionStatistics = { sessionsSaved: number; sessionsRestored: number; sessionsFailed: number };

export type SessionsOptions = SessionStoreOptions & {
  model: string;
  fingerprint: string;
  scheduler: Pick<Scheduler, 'known' | 'restore'>;
  onNote: (note: SessionNote) => void;
};

/** Reading a file and putting it into the cache must save at least so many tokens. */
const worthRestoringTokens = 16;

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #store: SessionStore;
  /** The last write of each session: one after the other. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly statistics: SessionStatistics = { sessionsSaved: 0, sessionsRestored: 0, sessionsFailed: 0 };

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#store = new SessionStore(options);
  }

  /** Puts into the cache what the file of this session holds of the prompt, where that is more than the cache has. Never throws. */
  async restore(id: string, job: Pick<Job, 'promptTokens' | 'budget' | 'adapter'>): Promise<void> {
    const startedAt = performance.now();
    const { scheduler, fingerprint, onNote } = this.#options;
    try {
      await this.#writes.get(id);
      const known = scheduler.known(job);
      if (job.promptTokens.length - known <= worthRestoringTokens) return;
      const saved = await this.#store.load(id, fingerprint);
      if (saved === undefined || saved.adapter !== (job.adapter?.key ?? '')) return;
      const tokens = commonPrefixLength(saved.tokens, job.promptTokens);
      const compressed = compressedOf(saved);
      const usable = compressed === undefined || tokens >= compressed.kept.resumeFrom ? tokens : compressed.kept.intact;
      if (usable - known <= worthRestoringTokens) return;
      const { adapter, state } = saved;
      if (!(await scheduler.restore({ tokens: saved.tokens, adapter, compressed, state }))) {
        this.#failed('not-restored', 'engine_failed', 'the cache has no room for it');
        return;
      }
      this.statistics.sessionsRestored++;
      onNote({ kind: 'restored', tokens: usable, milliseconds: performance.now() - startedAt });
    } catch (error) {
      const { code, message } = toDuanyunError(error, id);
      this.#failed('not-restored', code, message);
    }
  }

  /** Reads the cells at once and writes them in the background. */
  keep(id: string, sequence: KeptSequence): void {
    if (sequence.tokens.some((token) => token < 0)) {
      this.#failed('not-saved', 'unsupported_modality', 'conversations with pictures are not kept');
      return;
    }
    const startedAt = performance.now();
    const { model, fingerprint, onNote } = this.#options;
    const { tokens, adapter, compressed } = sequence;
    const saved: SavedSequence = {
      tokens: [...tokens],
      adapter,
      ...(compressed === undefined ? {} : { compressed: { kept: compressed.kept.save(), budget: compressed.budget } }),
      state: sequence.readState(),
    };
    const about: SessionAbout = { id, model, fingerprint, tokens: tokens.length, savedAt: new Date().toISOString() };
    const before = this.#writes.get(id);
    const write = async () => {
      await before;
      try {
        const { sizeBytes } = await this.#store.save(about, saved);
        this.statistics.sessionsSaved++;
        onNote({ kind: 'saved', tokens: tokens.length, bytes: sizeBytes, milliseconds: performance.now() - startedAt });
      } catch (error) {
        const { code, message } = toDuanyunError(error, id);
        this.#failed('not-saved', code, message);
      }
    };
    const done = write().finally(() => {
      if (this.#writes.get(id) === done) this.#writes.delete(id);
    });
    this.#writes.set(id, done);
  }

  /** Waits for what is being written. */
  async dispose(): Promise<void> {
    await Promise.all(this.#writes.values());
  }

  #failed(kind: 'not-restored' | 'not-saved', code: string, reason: string): void {
    this.statistics.sessionsFailed++;
    this.#options.onNote({ kind, code, reason });
  }
}

function compressedOf({ compressed }: SavedSequence): KeptSequence['compressed'] {
  if (compressed === undefined) return undefined;
  return { kept: KeptTokens.restore(compressed.kept), budget: compressed.budget };
}

const sampleBytes = 1024 * 1024;

/**
 * Tells weights apart: the size of the file, its beginning (the header) and its end; hashing all of it would take seconds at each start.
 * @param form what else the cells depend on
 */
export async function weightsFingerprint(file: string, form: string): Promise<string> {
  const { size } = await stat(file);
  const hash = createHash('sha256').update(`${form} ${size}`);
  const handle = await open(file, 'r');
  try {
    for (const position of [0, Math.max(0, size - sampleBytes)]) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
