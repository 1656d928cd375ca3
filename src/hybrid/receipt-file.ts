import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';

/** Adds lines to a file that only its owner reads; its folder is made by the first. */
export function receiptFile(file: string): (line: string) => Promise<void> {
  return async (line) => {
    await mkdir(path.dirname(file), { recursive: true });
    await appendFile(file, line, { mode: 0o600 });
  };
}
