import { freemem, totalmem } from 'node:os';

/**
 * Memory that this process may still take, in bytes: what the system or the container's limit leaves. macOS reports
 * memory used as a cache as taken, so there a share of the whole is assumed.
 */
export function availableMemoryBytes(): number {
  const free = typeof process.availableMemory === 'function' ? process.availableMemory() : freemem();
  return process.platform === 'darwin' ? Math.max(free, totalmem() * 0.5) : Math.min(free, totalmem());
}
