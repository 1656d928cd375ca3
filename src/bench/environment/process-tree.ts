/** The processes of a server on this machine, found by the port it listens on, and their memory. Linux only. */
import { readdir, readlink } from 'node:fs/promises';
import { readText } from './machine.ts';

/** Hexadecimal port and inode of each listening socket in `/proc/net/tcp`. State 0A is LISTEN (`net/tcp_states.h`). */
export function listeningInodes(table: string, port: number): string[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === '0A' && Number.parseInt(local.split(':').at(-1) ?? '', 16) === port)
    .map((fields) => fields[9] ?? '');
}

/** @returns `undefined` where the platform shows no sockets or the process belongs to another user */
export async function listenerPid(port: number): Promise<number | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readText));
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table ?? '', port)));
  if (inodes.size === 0) return undefined;
  for (const pid of await processIds()) {
    const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const name of names) {
      const link = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode)) return pid;
    }
  }
  return undefined;
}

/** The process and all that it started. */
export async function processTree(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const pid of await processIds()) {
    const status = await readText(`/proc/${pid}/status`);
    const parent = Number(/^PPid:\s*(\d+)/m.exec(status ?? '')?.[1]);
    if (Number.isInteger(parent)) parents.set(pid, parent);
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** Bytes of the whole tree: proportional set size, so that shared pages count once; resident size where that is not shown. */
export async function treeMemoryBytes(root: number): Promise<number | undefined> {
  let total = 0;
  for (const pid of await processTree(root)) {
    const rollup = await readText(`/proc/${pid}/smaps_rollup`);
    const status = rollup === undefined ? await readText(`/proc/${pid}/status`) : undefined;
    const kib = /^Pss:\s*(\d+)/m.exec(rollup ?? '')?.[1] ?? /^VmRSS:\s*(\d+)/m.exec(status ?? '')?.[1];
    total += Number(kib ?? 0) * 1024;
  }
  return total === 0 ? undefined : total;
}

async function processIds(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}
