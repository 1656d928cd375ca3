import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export type Interval = { start: number; end: number };

const recordBytes = 16;

/**
 * A file that arrives in pieces and in any order. Beside the data lies a journal to which every written interval is
 * appended after its bytes, so that a process killed at any moment loses only what was not yet written, and so that
 * another mirror of the same bytes can go on where the first one stopped.
 */
export class PartialFile {
  readonly path: string;
  readonly sizeBytes: number;
  #data: FileHandle;
  #journal: FileHandle;
  #received: Interval[];

  private constructor(path: string, sizeBytes: number, data: FileHandle, journal: FileHandle, received: Interval[]) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#data = data;
    this.#journal = journal;
    this.#received = received;
  }

  /** Opens what an earlier run left at `path`, or begins anew. The caller holds the lock and must `close`. */
  static async open(path: string, sizeBytes: number): Promise<PartialFile> {
    await mkdir(dirname(path), { recursive: true });
    let received = await readJournal(path, sizeBytes);
    const data = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const { size } = await data.stat();
      // Without its bytes a journal is worth nothing: both go.
      const needed = received.at(-1)?.end ?? 0;
      if (size < needed) received = [];
      const fresh = received.length === 0;
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (fresh ? constants.O_TRUNC : 0);
      const journal = await open(journalPath(path), flags, 0o644);
      // A record that a full disk cut short must not shift those after it.
      const { size: journalBytes } = await journal.stat();
      await journal.truncate(journalBytes - (journalBytes % recordBytes));
      return new PartialFile(path, sizeBytes, data, journal, received);
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  get receivedBytes(): number {
    return totalBytes(this.#received);
  }

  /** Everything before this offset is here. */
  get frontier(): number {
    const first = this.#received[0];
    return first?.start === 0 ? first.end : 0;
  }

  /** What is not here yet of `[start, end)`, in order. */
  missing(start: number, end: number): Interval[] {
    const gaps: Interval[] = [];
    let position = start;
    for (const interval of this.#received) {
      if (interval.end <= position) continue;
      if (interval.start >= end) break;
      if (interval.start > position) gaps.push({ start: position, end: interval.start });
      position = interval.end;
    }
    if (position < end) gaps.push({ start: position, end });
    return gaps;
  }

  /** Bytes first, then the journal: never the other way round. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset < 0 || offset + bytes.length > this.sizeBytes) throw new RangeError('write outside the file');
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#data.write(bytes, written, bytes.length - written, offset + written);
      written += bytesWritten;
    }
    const record = Buffer.alloc(recordBytes);
    record.writeDoubleLE(offset, 0);
    record.writeDoubleLE(offset + bytes.length, 8);
    await this.#journal.write(record);
    this.#received = merge([...this.#received, { start: offset, end: offset + bytes.length }]);
  }

  /** Reads into `target`; returns the bytes read. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#data.read(target, 0, target.length, position);
    return bytesRead;
  }

  /** Forgets everything received. */
  async reset(): Promise<void> {
    this.#received = [];
    await this.#journal.truncate(0);
    await this.#data.truncate(0);
  }

  /** Makes the bytes durable. */
  async sync(): Promise<void> {
    await this.#data.sync();
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#data.close(), this.#journal.close()]);
  }
}

/** Bytes that an unfinished file holds already, read from its journal alone; 0 where there is none. */
export async function readReceivedBytes(path: string, sizeBytes: number): Promise<number> {
  return totalBytes(await readJournal(path, sizeBytes));
}

export async function removePartialFile(path: string): Promise<void> {
  await Promise.all([rm(path, { force: true }), rm(journalPath(path), { force: true })]);
}

function journalPath(path: string): string {
  return `${path}.journal`;
}

async function readJournal(path: string, sizeBytes: number): Promise<Interval[]> {
  const bytes = await readFile(journalPath(path)).catch(() => Buffer.alloc(0));
  const intervals: Interval[] = [];
  // A last record cut by a crash is ignored.
  for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
    const start = bytes.readDoubleLE(at);
    const end = bytes.readDoubleLE(at + 8);
    if (start >= 0 && start < end && end <= sizeBytes) intervals.push({ start, end });
  }
  return merge(intervals);
}

function merge(intervals: Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const { start, end } of intervals.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

function totalBytes(intervals: Interval[]): number {
  return intervals.reduce((sum, { start, end }) => sum + end - start, 0);
}
