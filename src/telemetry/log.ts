import pino, { type DestinationStream } from 'pino';
import type { Log, LogFields } from '../core/log.ts';
import { redact, redactText } from './redact.ts';
import { prettyStream } from './pretty.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogOptions = {
  /** Default `info`. */
  level?: LogLevel;
  /** One readable line instead of JSON. Default: where standard error is a terminal. */
  pretty?: boolean;
  /** Default: standard error, written at once, so that nothing is lost in a crash. */
  destination?: DestinationStream;
};

/** Core log on pino. Keys and content never get through; see `redact.ts`. */
export function createLog(options: LogOptions = {}): Log {
  const destination = options.destination ?? pino.destination({ fd: 2, sync: true });
  const pretty = options.pretty ?? (options.destination === undefined && process.stderr.isTTY);
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
    },
    pretty ? prettyStream(destination) : destination,
  );
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: LogFields, message: string): void => {
      if (logger.isLevelEnabled(level)) logger[level](fields, redactText(message));
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
