import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../core/clock.ts';
import { acquireFileLock } from './file-lock.ts';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'duanyun-lock-')), 'locks', 'x.lock');
});
afterEach(async () => {
  await rm(join(path, '..', '..'), { recursive: true, force: true });
});
const options = { signal: new AbortController().signal, clock: systemClock };

async function leaveLock(pid: number, host = hostname()): Promise<void> {
  const lock = await acquireFileLock(path, options);
  await lock.release();
  await writeFile(path, JSON.stringify({ pid, host, token: 'of someone else' }));
}

describe('the lock on a file', () => {
  it('is held by one at a time, and the next one waits', async () => {
    const first = await acquireFileLock(path, options);
    const order: string[] = [];
    let waits = 0;
    const second = acquireFileLock(path, { ...options, onWait: () => void waits++ }).then((lock) => {
      order.push('second');
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('release');
    await first.release();
    await (await second).release();
    expect(order).toEqual(['release', 'second']);
    expect(waits).toBeGreaterThan(0);
  });

  it('is taken over at once from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await leaveLock(pid);
    const lock = await acquireFileLock(path, { ...options, staleAfterMs: 1e9 });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('is taken over from another machine only after its heartbeat stopped', async () => {
    await leaveLock(1, 'another-machine');
    const abort = new AbortController();
    const waiting = acquireFileLock(path, {
      ...options,
      signal: abort.signal,
      onWait: () => abort.abort(new Error('held')),
    });
    await expect(waiting).rejects.toThrow('held');
    const later = { now: () => 0, wallTime: () => Date.now() + 31_000 };
    await (await acquireFileLock(path, { ...options, clock: later })).release();
  });

  it('goes to exactly one of many waiters', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await leaveLock(pid);
    let holders = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await acquireFileLock(path, options);
        most = Math.max(most, ++holders);
        await new Promise((resolve) => setTimeout(resolve, 5));
        holders--;
        await lock.release();
      }),
    );
    expect(most).toBe(1);
  });
});
