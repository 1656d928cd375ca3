/**
 * Reads `{"name": …, "arguments": {…}}`, as Qwen and the Hermes models write it. When the name comes first, the arguments are
 * passed on as they come; otherwise (other order, arguments as a string) the object is read whole.
 */
import { JsonScanner } from './json-scanner.ts';
import type { ReadResult, ToolCallReader } from './tool-call-reader.ts';
import { callEnd } from './tool-call-reader.ts';

const head = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/;
/** Longer beginnings are read whole; a limit keeps the search cheap and the same wherever the text is cut. */
const longestHead = 1000;

export class JsonCallReader implements ToolCallReader {
  readonly #isTagged: boolean;
  #scanner = new JsonScanner();
  #scanned = 0;
  #phase: 'head' | 'arguments' | 'tail' = 'head';

  /** `isTagged`: `</tool_call>` is expected after the object. */
  constructor(isTagged: boolean) {
    this.#isTagged = isTagged;
  }

  read(text: string, isEnd: boolean): ReadResult {
    if (this.#phase === 'head') return this.#readHead(text, isEnd);
    if (this.#phase === 'arguments') return this.#readArguments(text);
    return this.#readTail(text, isEnd);
  }

  #readHead(text: string, isEnd: boolean): ReadResult {
    const start = head.exec(text.slice(0, longestHead));
    const name = start === null ? undefined : parseString(start[1] ?? '');
    if (start !== null && name !== undefined) {
      this.#phase = 'arguments';
      this.#scanner = new JsonScanner();
      return { deltas: [{ name, arguments: '' }], consumed: start[0].length, state: 'more' };
    }
    const { end, broken } = this.#scanner.scan(text, this.#scanned);
    this.#scanned = text.length;
    const call = end === undefined ? undefined : parseCall(text.slice(0, end));
    if (end === undefined || call === undefined) {
      const mayGoOn = end === undefined && broken === undefined && !isEnd;
      return { deltas: [], consumed: 0, state: mayGoOn ? 'more' : 'malformed' };
    }
    this.#phase = 'tail';
    return { deltas: [call], consumed: end, state: 'more' };
  }

  #readArguments(text: string): ReadResult {
    const { end, broken } = this.#scanner.scan(text, 0);
    const stop = end ?? broken;
    if (stop === undefined) return { deltas: [{ arguments: text }], consumed: text.length, state: 'more' };
    this.#phase = 'tail';
    // A small model sometimes forgets the last brackets before the tag.
    const repaired = text.slice(0, stop) + (end === undefined ? this.#scanner.missing : '');
    return { deltas: [{ arguments: repaired }], consumed: stop, state: 'more' };
  }

  #readTail(text: string, isEnd: boolean): ReadResult {
    const rest = /^\s*\}?\s*/.exec(text)?.[0] ?? '';
    const after = text.slice(rest.length);
    const done = (consumed: number, isClosed: boolean): ReadResult => ({
      deltas: [],
      consumed,
      state: 'done',
      isClosed,
    });
    const more: ReadResult = { deltas: [], consumed: 0, state: 'more' };
    if (!this.#isTagged) {
      if (rest.includes('}')) return done(rest.indexOf('}') + 1, true);
      return after === '' && !isEnd ? more : done(0, true);
    }
    if (after.startsWith(callEnd)) return done(rest.length + callEnd.length, true);
    if (!callEnd.startsWith(after)) return done(rest.length, false);
    return isEnd ? done(text.length, false) : more;
  }
}

function parseString(text: string): string | undefined {
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function parseCall(text: string): { name: string; arguments: string } | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const { name } = value;
    if (typeof name !== 'string' || name === '') return undefined;
    const given = value['arguments'] ?? value['parameters'] ?? {};
    const inner: unknown = typeof given === 'string' ? JSON.parse(given) : given;
    return typeof inner === 'object' && inner !== null ? { name, arguments: JSON.stringify(inner) } : undefined;
  } catch {
    return undefined;
  }
}
