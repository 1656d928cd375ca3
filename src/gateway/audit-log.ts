/** Who asked which model when, and how it ended: a line of JSON for each request. Never what was asked or answered. */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../core/log.ts';

export type AuditRecord = {
  /** ISO 8601, UTC. */
  time: string;
  requestId: string;
  /** The key's id; `none` where the request had no good key. */
  key: string;
  address: string;
  route: string;
  model?: string | undefined;
  status: number;
  code?: string | undefined;
  promptTokens?: number | undefined;
  completionTokens?: number | undefined;
  cost?: number | undefined;
  durationMs: number;
};

export type AuditLogOptions = {
  file: string;
  log: Log;
  /** At this size a file is put aside. Default 64 MiB. */
  rotateBytes?: number;
  /** Files kept beside the current one. Default 8. */
  keep?: number;
  /** Default 1 s. */
  flushMs?: number;
  onDropped?(count: number): void;
};

const defaults = { rotateBytes: 64 * 1024 * 1024, keep: 8, flushMs: 1000 };
/** Kept in memory while the disk is full; beyond it the newest lines are dropped and counted. */
const maxPendingCharacters = 8 * 1024 * 1024;

export class AuditLog {
  readonly #options: AuditLogOptions & typeof defaults;
  #lines: string[] = [];
  #characters = 0;
  #dropped = 0;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AuditLogOptions) {
    this.#options = { ...defaults, ...options };
  }

  add(record: AuditRecord): void {
    if (this.#characters > maxPendingCharacters) {
      this.#dropped++;
      this.#options.onDropped?.(1);
      return;
    }
    const line = `${JSON.stringify(record)}\n`;
    this.#lines.push(line);
    this.#characters += line.length;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#options.flushMs).unref();
  }

  /** Writes what is there now, also what came while an earlier writing was on its way. Never throws. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    const { file, log } = this.#options;
    const text = lines.join('');
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await this.#rotate(text.length);
      await appendFile(file, text, { mode: 0o600 });
      this.#characters -= text.length;
      if (this.#dropped > 0) log.warn({ dropped: this.#dropped }, 'the audit log is back; lines were dropped');
      this.#dropped = 0;
      this.#isFailing = false;
    } catch (error) {
      this.#lines = [...lines, ...this.#lines];
      if (!this.#isFailing) log.error({ detail: String(error) }, 'the audit log cannot be written: kept in memory');
      this.#isFailing = true;
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.flush();
      }, this.#options.flushMs).unref();
    }
  }

  async #rotate(comingBytes: number): Promise<void> {
    const { file, rotateBytes, keep } = this.#options;
    const size = await stat(file).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size === 0 || size + comingBytes <= rotateBytes) return;
    for (let index = keep - 1; index >= 1; index--) {
      await rename(`${file}.${index}`, `${file}.${index + 1}`).catch(() => {});
    }
    await rename(file, `${file}.1`).catch(() => {});
  }
}
