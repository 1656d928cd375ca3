import { readFileSync } from 'node:fs';

/** The most memory a process has held so far, and what it holds now; `undefined` where the system does not tell (not Linux). */
export function memoryOf(pid: number | undefined): { mostBytes: number; residentBytes: number } | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
  const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { mostBytes: bytes('VmHWM'), residentBytes: bytes('VmRSS') };
}
