/**
 * What an unfinished job has so far, so that a killed process goes on where it stopped. It holds what was said, so only the
 * owner can read it; it is removed when the job is done, and after three days in any case.
 */
import { chmod, mkdir, open, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { acquireFileLock, type FileLock } from '../models/file-lock.ts';

const lineSchema = z.object({
  start: z.number(),
  end: z.number(),
  text: z.string(),
  speaker: z.string().exactOptional(),
});
const recordSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('language'), language: z.string() }),
  z.object({ type: z.literal('line'), line: lineSchema }),
  /** Everything before this second is written down. */
  z.object({ type: z.literal('heard'), seconds: z.number() }),
  z.object({ type: z.literal('all-heard'), language: z.string(), seconds: z.number(), model: z.string() }),
  z.object({
    type: z.literal('answer'),
    key: z.string(),
    text: z.string(),
    model: z.string(),
    receipt: z.string().exactOptional(),
  }),
]);
export type StateRecord = z.infer<typeof recordSchema>;

const keptMs = 3 * 24 * 3_600_000;

export type StateFile = {
  /** Of an earlier run that did not end, oldest first. */
  readonly earlier: readonly StateRecord[];
  append(record: StateRecord): Promise<void>;
  /** @param finished nothing of it is needed any more */
  close(finished: boolean): Promise<void>;
};

export type StateFileOptions = { directory: string; key: string; clock: Clock; log: Log; signal: AbortSignal };

/** Waits while another process works on the same job. Where nothing can be written the job runs all the same, from its start. */
export async function openStateFile(options: StateFileOptions): Promise<StateFile> {
  const { directory, key, clock, log, signal } = options;
  const file = path.join(directory, `${key}.jsonl`);
  let lock: FileLock | undefined;
  let handle: FileHandle | undefined;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeOld(directory, clock.wallTime() - keptMs);
    lock = await acquireFileLock(path.join(directory, `${key}.lock`), { signal, clock });
    const earlier = await readRecords(file);
    handle = await open(file, 'a', 0o600);
    await chmod(file, 0o600);
    // A line that was cut by the end of the last process must not swallow the next one.
    if (earlier.isCut) await handle.appendFile('\n');
    return openedState(file, handle, lock, earlier.records, log);
  } catch (error) {
    signal.throwIfAborted();
    await handle?.close().catch(() => {});
    await lock?.release();
    log.warn({ code: (error as NodeJS.ErrnoException).code }, 'minutes are made without a state file');
    return { earlier: [], append: async () => {}, close: async () => {} };
  }
}

function openedState(
  file: string,
  handle: FileHandle,
  lock: FileLock,
  earlier: readonly StateRecord[],
  log: Log,
): StateFile {
  const state = { writable: true };
  return {
    earlier,
    async append(record) {
      if (!state.writable) return;
      try {
        await handle.appendFile(`${JSON.stringify(record)}\n`);
      } catch (error) {
        // A full disk costs the way back, not the job.
        state.writable = false;
        log.warn({ code: (error as NodeJS.ErrnoException).code }, 'the state of the minutes can no longer be written');
      }
    },
    async close(finished) {
      await handle.close();
      if (finished) await rm(file, { force: true });
      await lock.release();
    },
  };
}

async function readRecords(file: string): Promise<{ records: StateRecord[]; isCut: boolean }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const records: StateRecord[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed = recordSchema.safeParse(jsonOf(line));
    // Whatever follows a damaged record may lean on it.
    if (!parsed.success) break;
    records.push(parsed.data);
  }
  return { records, isCut: text !== '' && !text.endsWith('\n') };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function removeOld(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!/^[0-9a-f]+\.(?:jsonl|lock)$/.test(name)) continue;
    const file = path.join(directory, name);
    const info = await stat(file).catch(() => undefined);
    if (info !== undefined && info.mtimeMs < beforeMs) await rm(file, { force: true });
  }
}
