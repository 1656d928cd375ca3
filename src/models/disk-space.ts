import { statfs } from 'node:fs/promises';

/** Bytes that this user may still write on the file system of an existing directory. */
export async function freeDiskBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Out of space, or out of quota. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}
