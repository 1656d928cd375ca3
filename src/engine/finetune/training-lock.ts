/** The right to change what lies under the name of an adapter in training, across processes. */
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { acquireFileLock, type FileLock } from '../../models/file-lock.ts';

/** @param root where trainings lie. Throws `store_locked` while another process has it. */
export function claimTraining(root: string, name: string, signal: AbortSignal): Promise<FileLock> {
  return acquireFileLock(join(root, `${name}.lock`), {
    signal,
    clock: systemClock,
    onWait(pid) {
      throw makeError('store_locked', { pid, what: `the training ${name}` });
    },
  });
}
