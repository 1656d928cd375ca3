/** Which modules must go so that another fits. Pure. */
import type { ModuleName } from '../../core/modules.ts';

export type MemoryHolder = { name: ModuleName; residentBytes: number };

export type MemoryPlan =
  | { fits: true; unload: MemoryHolder[] }
  /** Not even without all of them; `reachableBytes` is what would then be free. */
  | { fits: false; reachableBytes: number };

/** @param movable what may go, in that order */
export function fitting(neededBytes: number, freeBytes: number, movable: readonly MemoryHolder[]): MemoryPlan {
  const unload: MemoryHolder[] = [];
  let reachableBytes = freeBytes;
  for (const holder of movable) {
    if (neededBytes <= reachableBytes) break;
    unload.push(holder);
    reachableBytes += holder.residentBytes;
  }
  if (neededBytes > reachableBytes) return { fits: false, reachableBytes };
  // One that went early may turn out not to be needed once a larger one goes too.
  const needless = (holder: MemoryHolder) => reachableBytes - holder.residentBytes >= neededBytes;
  const kept = unload.filter((holder) => {
    if (!needless(holder)) return true;
    reachableBytes -= holder.residentBytes;
    return false;
  });
  return { fits: true, unload: kept };
}
