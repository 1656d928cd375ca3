/** An error becomes one line and an exit code. */
import { DuanyunError, toDuanyunError } from '../core/errors.ts';
import { exitCodeOf, InterruptedError } from './interrupts.ts';
import type { Terminal } from './terminal.ts';

/** Wrong use of a command that its own code finds: no such combination of arguments. */
export class UsageError extends Error {}

/** @param verbose also print what is known of the cause */
export function reportError(error: unknown, terminal: Terminal, verbose: boolean): number {
  if (error instanceof InterruptedError) return exitCodeOf(error.signalName);
  if (error instanceof UsageError) {
    terminal.note(`error [usage]: ${error.message}\n`);
    return 2;
  }
  const own = error instanceof DuanyunError ? error : toDuanyunError(error, 'of this command; see it with --verbose');
  terminal.note(`error [${own.code}]: ${own.message}\n`);
  if (verbose) terminal.note(`${detailOf(own)}\n`);
  return own.code === 'config_invalid' ? 2 : 1;
}

function detailOf(error: DuanyunError): string {
  const causes: string[] = [];
  for (let cause: unknown = error; cause !== undefined && causes.length < 5;) {
    causes.push(
      cause instanceof Error
        ? (cause.stack ?? cause.message)
        : typeof cause === 'string'
          ? cause
          : JSON.stringify(cause),
    );
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return [...(error.detail === undefined ? [] : [error.detail]), ...causes].join('\ncaused by: ');
}
