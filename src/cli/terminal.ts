/** Where a command writes, and what it may assume of the place. */
import type { Readable } from 'node:stream';

export type Terminal = {
  /** Standard output: results. */
  out(text: string): void;
  /** Standard error: progress, notes, errors. */
  note(text: string): void;
  readonly outIsTerminal: boolean;
  readonly noteIsTerminal: boolean;
  /** Columns of standard error; 80 where unknown. */
  columns(): number;
  readonly input: Readable & { isTTY?: boolean };
};

export function processTerminal(): Terminal {
  // A reader that ends early (`| head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    outIsTerminal: process.stdout.isTTY,
    noteIsTerminal: process.stderr.isTTY,
    columns: () => process.stderr.columns || 80,
    input: process.stdin,
  };
}

/** Grey on a terminal, plain elsewhere. */
export function dim(text: string, isTerminal: boolean): string {
  return isTerminal ? `\u001B[2m${text}\u001B[22m` : text;
}
