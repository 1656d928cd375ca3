import { readFileSync } from 'node:fs';
import os from 'node:os';

/**
 * Cores that compute, without the second thread that some share: decoding waits for memory, and two threads on one core
 * only wait together. Linux tells which threads share a core; elsewhere every processor counts as a core.
 */
export function countPhysicalCores(): number {
  const usable = os.availableParallelism();
  const cores = new Set<string>();
  for (let index = 0; index < os.cpus().length; index++) {
    try {
      cores.add(readFileSync(`/sys/devices/system/cpu/cpu${index}/topology/thread_siblings_list`, 'utf8'));
    } catch {
      return usable;
    }
  }
  // A machine that shows one core with two threads (small cloud machines) still gains from the second.
  return Math.max(1, Math.min(usable, Math.max(cores.size, Math.min(2, usable))));
}
