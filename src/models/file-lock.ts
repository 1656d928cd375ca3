import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';

const heartbeatMs = 2000;
const pollMs = 200;
/** Tokens of the locks that this process holds, to tell them from those of an earlier process with our id. */
const ownTokens = new Set<string>();

type Holder = { pid: number; host: string; token: string };

export type FileLock = {
  /** Aborts when another process took the lock over (this one was suspended for too long). */
  lost: AbortSignal;
  release(): Promise<void>;
};

export type LockOptions = {
  signal: AbortSignal;
  clock: Clock;
  /** Milliseconds without a heartbeat after which a lock counts as left behind. Default 30000. */
  staleAfterMs?: number;
  /** Called about five times a second while another process holds the lock. */
  onWait?: (pid: number) => void | Promise<void>;
};

/**
 * Waits for the right to change what `path` stands for, across processes. A lock whose process is gone is taken over at
 * once, one without a heartbeat (another machine, a recycled process id) after `staleAfterMs`.
 */
export async function acquireFileLock(path: string, options: LockOptions): Promise<FileLock> {
  await mkdir(dirname(path), { recursive: true });
  const holder: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  for (;;) {
    options.signal.throwIfAborted();
    if (await createExclusively(path, JSON.stringify(holder))) return keepAlive(path, holder);
    const other = await readHolder(path);
    if (other === 'gone') continue;
    if (await isStale(path, other, options)) {
      await removeStale(path, options);
      continue;
    }
    await options.onWait?.(other?.pid ?? 0);
    await sleep(pollMs, undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
  }
}

function keepAlive(path: string, holder: Holder): FileLock {
  const lost = new AbortController();
  ownTokens.add(holder.token);
  const beat = async (): Promise<void> => {
    const current = await readHolder(path);
    // Half a write cannot happen (the file is written once), so another token means another holder.
    if (current === 'gone' || current?.token !== holder.token) return lost.abort();
    const now = new Date();
    await utimes(path, now, now);
  };
  const timer = setInterval(() => void beat().catch(() => {}), heartbeatMs);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      ownTokens.delete(holder.token);
      const current = await readHolder(path);
      if (current !== 'gone' && current?.token === holder.token) await rm(path, { force: true });
    },
  };
}

async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `undefined`: the file is there and holds no (whole) holder. */
async function readHolder(path: string): Promise<Holder | undefined | 'gone'> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder> | null;
    if (typeof value?.pid !== 'number' || typeof value.host !== 'string' || typeof value.token !== 'string') return;
    return { pid: value.pid, host: value.host, token: value.token };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : undefined;
  }
}

async function isStale(path: string, holder: Holder | undefined, options: LockOptions): Promise<boolean> {
  if (holder !== undefined && holder.host === hostname()) {
    if (holder.pid === process.pid && !ownTokens.has(holder.token)) return true;
    if (!isAlive(holder.pid)) return true;
  }
  const modified = await stat(path).catch(() => undefined);
  if (modified === undefined) return false;
  return options.clock.wallTime() - modified.mtimeMs > (options.staleAfterMs ?? 30_000);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Under a second, short lock, so that two waiters cannot remove a lock that one of them just took. */
async function removeStale(path: string, options: LockOptions): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await createExclusively(guard, ''))) {
    const age = await stat(guard).catch(() => undefined);
    if (age !== undefined && options.clock.wallTime() - age.mtimeMs > 10_000) await rm(guard, { force: true });
    await sleep(pollMs);
    return;
  }
  try {
    const holder = await readHolder(path);
    if (holder !== 'gone' && (await isStale(path, holder, options))) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}
