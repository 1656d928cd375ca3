/**
 * On a machine that is busy a thread waits milliseconds for a processor, and every token would look that late. A thread that
 * only stamps tokens therefore asks to run ahead of everything else while it has something to do.
 */
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import os from 'node:os';

/** `real-time`: SCHED_RR, lowest level · `raised`: nice −10 · `normal`: no right to either, or not Linux. */
export type Standing = 'real-time' | 'raised' | 'normal';

const raisedPriority = -10;

/**
 * For the calling thread alone. Needs root or CAP_SYS_NICE; without, everything stays as it is. The kernel keeps a share of
 * each second from real-time threads (`sched_rt_runtime_us`), so that a fault here cannot take a processor for good.
 */
export function runAhead(): Standing {
  // Elsewhere a priority is that of the whole process.
  if (os.platform() !== 'linux') return 'normal';
  try {
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1) ?? '';
    // util-linux and busybox. Not inherited by children.
    execFileSync('chrt', ['-r', '-p', '1', thread], { stdio: 'ignore', timeout: 2000 });
    return 'real-time';
  } catch {
    try {
      os.setPriority(raisedPriority);
      return 'raised';
    } catch {
      return 'normal';
    }
  }
}
