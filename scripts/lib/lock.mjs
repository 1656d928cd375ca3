/** A lock between processes of this machine, so that two set-ups at once do not harm each other. No dependencies. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const retryMs = 200;
const heartbeatMs = 2_000;
/** A holder touches its file every two seconds, so one this old belongs to nobody. */
const staleMs = 30_000;

/**
 * Runs `work` while no other process of any user of this file does.
 * @param {string} file
 * @param {{ onWait: () => void }} options `onWait` is called once when another process holds the lock
 * @param {() => Promise<void>} work
 */
export async function withLock(file, { onWait }, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  let waited = false;
  while (!take(file)) {
    if (!waited) onWait();
    waited = true;
    if (isStale(file)) stealStale(file);
    else await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimesSync(file, now, now);
  }, heartbeatMs);
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener('exit', release);
    release();
  }
}

function take(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, JSON.stringify({ pid: process.pid, host: os.hostname() }));
    closeSync(handle);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(file) {
  try {
    const ageMs = Date.now() - statSync(file).mtimeMs;
    if (ageMs > staleMs) return true;
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8'));
    return host === os.hostname() && !isAlive(pid);
  } catch {
    // Just released, or not written yet.
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The rename makes sure that of many waiting processes one removes it, and removes that file and not a newer one. */
function stealStale(file) {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    rmSync(aside, { force: true });
  } catch {
    // Another process was faster.
  }
}
