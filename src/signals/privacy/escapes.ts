/** Escapes that are decoded in place: percent (RFC 3986), HTML entities, and `\uXXXX` as in JSON. */

export type Escape = { text: string; length: number };

const namedEntities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  period: '.',
  colon: ':',
  hyphen: '-',
  num: '#',
};
const entity = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,8}));/y;
const percentRun = /(?:%[0-9a-fA-F]{2}){1,200}/y;
const unicodeEscape = /\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))/y;

function fromCode(code: number): string | undefined {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return code < 0x20 && code !== 9 && code !== 10 && code !== 13 ? undefined : String.fromCodePoint(code);
}

function readEntity(text: string, at: number): Escape | undefined {
  entity.lastIndex = at;
  const match = entity.exec(text);
  if (match === null) return undefined;
  const [whole, decimal, hexadecimal, name] = match;
  const decoded =
    name === undefined
      ? fromCode(decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal))
      : namedEntities[name];
  return decoded === undefined ? undefined : { text: decoded, length: whole.length };
}

function readPercentRun(text: string, at: number): Escape | undefined {
  percentRun.lastIndex = at;
  const match = percentRun.exec(text);
  if (match === null) return undefined;
  try {
    const decoded = decodeURIComponent(match[0]);
    // Control characters mean that this was not text.
    return Array.from(decoded).some((character) => fromCode(character.codePointAt(0) ?? 0) === undefined)
      ? undefined
      : { text: decoded, length: match[0].length };
  } catch {
    // Not UTF-8: the percent signs stand for themselves.
    return undefined;
  }
}

function readUnicodeEscape(text: string, at: number): Escape | undefined {
  unicodeEscape.lastIndex = at;
  const match = unicodeEscape.exec(text);
  if (match === null) return undefined;
  const code = Number.parseInt(match[1] ?? match[2] ?? '', 16);
  const decoded = fromCode(code);
  return decoded === undefined ? undefined : { text: decoded, length: match[0].length };
}

/** The escape that begins at `at`, if one does. */
export function readEscape(text: string, at: number): Escape | undefined {
  const code = text.charCodeAt(at);
  if (code === 0x26) return readEntity(text, at);
  if (code === 0x25) return readPercentRun(text, at);
  if (code === 0x5c) return readUnicodeEscape(text, at);
  return undefined;
}
