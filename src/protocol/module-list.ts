import type { ModuleStatus } from '../core/modules.ts';

/** One module in the wire's spelling. */
export function moduleBody(status: ModuleStatus): object {
  return {
    object: 'module',
    name: status.name,
    state: status.state,
    model: status.model,
    required_bytes: status.requiredBytes,
    resident_bytes: status.residentBytes,
    active_uses: status.activeUses,
    loads: status.loads,
    load_ms: status.loadMs === undefined ? undefined : Math.round(status.loadMs),
    last_used_at: status.lastUsedAt === undefined ? undefined : Math.floor(status.lastUsedAt / 1000),
    progress: status.progress,
    reason: status.reason,
  };
}

export function moduleListBody(statuses: ModuleStatus[]): object {
  return { object: 'list', data: statuses.map(moduleBody) };
}
