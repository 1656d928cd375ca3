/**
 * The first two characters of many words as bits: most places of a text are ruled out by them, without a string being cut
 * out and looked up.
 */
export class WordBeginnings {
  readonly #bits = new Uint32Array(1 << 11);

  constructor(words: Iterable<string>) {
    for (const word of words) {
      const bit = bitOf(word.charCodeAt(0), word.charCodeAt(1));
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  /** Whether one of the words may begin at a place of a text. Words have two characters at least. */
  mayBegin(text: string, at: number): boolean {
    const bit = bitOf(text.charCodeAt(at), text.charCodeAt(at + 1));
    return ((this.#bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }
}

const bitOf = (one: number, two: number): number => (Math.imul(one, 0x9e37) ^ Math.imul(two, 0x85eb)) & 0xffff;

/**
 * The characters that a match can end in, for a pattern without classes of escapes but `\s`, digits and without `.`: one
 * flag for each character that its source holds at all. Where another stands the pattern need not be tried.
 */
export function charactersOf(...patterns: readonly RegExp[]): Uint8Array {
  const flags = new Uint8Array(0x10000);
  for (const { source } of patterns) for (let at = 0; at < source.length; at++) flags[source.charCodeAt(at)] = 1;
  for (let code = 0; code < 0x10000; code++) if (/\s/.test(String.fromCharCode(code))) flags[code] = 1;
  for (const digit of '0123456789') flags[digit.charCodeAt(0)] = 1;
  return flags;
}
