import { isUtf8 } from 'node:buffer';
import { makeError } from '../core/errors.ts';

export type JsonLimits = {
  /** Arrays and objects inside each other. Default 64: a tool's schema of some 25 nested objects fits. */
  maxDepth: number;
  /** Values in all. Default 100,000: checking more would hold the event loop, and so every other request, for too long. */
  maxValues: number;
};

export const defaultJsonLimits: JsonLimits = { maxDepth: 64, maxValues: 100_000 };
/** For bodies that may be long lists of tokens, which are cheap to check. */
export const tokenListLimits: JsonLimits = { maxDepth: 64, maxValues: 1_000_000 };

const quote = 0x22;
const backslash = 0x5c;

/**
 * Parses the bytes of a request body.
 *
 * Depth and number of values are checked by one scan of the bytes before `JSON.parse` sees them. A lone surrogate, which
 * only an escape such as `\ud83d` can bring in, becomes U+FFFD, as it would in any UTF-8 encoder; `__proto__` keys are
 * dropped. A byte order mark is skipped.
 *
 * @throws `invalid_utf8`, `json_too_deep`, `invalid_json`, `invalid_request` (too many values)
 */
export function parseJsonBody(bytes: Uint8Array, limits: JsonLimits = defaultJsonLimits): unknown {
  if (!isUtf8(bytes)) throw makeError('invalid_utf8', {});
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkShape(body, limits);
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  const text = body.toString('utf8', start);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw makeError('invalid_json', { reason: parsePosition(error, text) }, { cause: error });
  }
  return text.includes('\\u') || text.includes('__proto__') ? sanitised(value) : value;
}

/** One pass over the bytes; strings are skipped with the native search, so that a large picture costs next to nothing. */
function checkShape(body: Buffer, limits: JsonLimits): void {
  let depth = 0;
  let values = 1;
  for (let index = 0; index < body.length; index += 1) {
    switch (body[index]) {
      case quote:
        index = endOfString(body, index);
        if (index === -1) return; // Not closed: JSON.parse says where.
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > limits.maxDepth) throw makeError('json_too_deep', { limit: limits.maxDepth });
        values += 1;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        break;
      default:
        break;
    }
    if (values > limits.maxValues) {
      throw makeError('invalid_request', { reason: `The body holds more than ${limits.maxValues} values.` });
    }
  }
}

/** Index of the quote that closes the string opened at `open`, or −1. */
function endOfString(body: Buffer, open: number): number {
  const first = body.indexOf(quote, open + 1);
  if (first === -1 || body[first - 1] !== backslash) return first;
  // An escape stands before it. One by one from the start: a native search for each escaped quote would be slower.
  for (let index = open + 1; index < body.length; index += 1) {
    if (body[index] === backslash) index += 1;
    else if (body[index] === quote) return index;
  }
  return -1;
}

/** Where the parser stopped, without quoting the body: what a client wrote belongs in no log. */
function parsePosition(error: unknown, text: string): string {
  if (text.trim() === '') return 'it is empty';
  const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  if (position !== undefined) return `unexpected character at position ${position}`;
  return 'it ends too early or holds an unexpected character';
}

/** Changes `value` in place. Recursion is bounded by the depth limit. */
function sanitised(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (typeof item === 'string' || (typeof item === 'object' && item !== null)) value[index] = sanitised(item);
    }
    return value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    const item = sanitised(object[key]);
    const cleanKey = wellFormed(key);
    if (cleanKey !== key || key === '__proto__') delete object[key];
    if (cleanKey !== '__proto__') object[cleanKey] = item;
  }
  return object;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
