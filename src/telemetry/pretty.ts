import type { DestinationStream } from 'pino';

const colours: Record<string, string> = {
  debug: '\u001B[90m',
  info: '\u001B[36m',
  warn: '\u001B[33m',
  error: '\u001B[31m',
};
const reset = '\u001B[0m';
const grey = '\u001B[90m';

/** `12:00:01 info  request  route=/v1/models status=200` */
export function prettyStream(destination: DestinationStream): DestinationStream {
  return {
    write(line) {
      destination.write(`${prettyLine(line)}\n`);
    },
  };
}

/** One JSON line of the log as one line for a person. What is not JSON stays as it is. */
export function prettyLine(line: string): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trimEnd();
  }
  const { level, time, msg, ...fields } = record;
  const name = String(level);
  const clock = String(time).slice(11, 19);
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  const tail = pairs.length === 0 ? '' : `  ${grey}${pairs.join(' ')}${reset}`;
  return `${grey}${clock}${reset} ${colours[name] ?? ''}${name.padEnd(5)}${reset} ${oneLine(String(msg))}${tail}`;
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}

/** Control characters could move the cursor or forge a second line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}
