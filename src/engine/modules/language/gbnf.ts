/**
 * Building blocks of GBNF, the grammar notation that llama.cpp's grammar sampler reads.
 *
 * What the native parser of `@qvac/fabric` 0.15.0 really does (tried, not only read), and what this file keeps clear of:
 * - rule names hold letters, digits and `-`; an underscore ends the name;
 * - `x{0,n}` with n = 2000 is refused and with n > 2000 is silently unbounded, so longer repetitions are built in chunks;
 * - a character class knows the escapes `\x \u \U \t \r \n \\ \" \[ \]` and no `\-`;
 * - hidden left recursion (behind a rule that can be empty) eats all memory instead of giving an error.
 */
import { makeError } from '../../../core/errors.ts';

export type GrammarLimits = {
  /** Rules in the finished grammar. Default 4000. */
  rules: number;
  /** Characters of the finished grammar. Default 400,000. */
  characters: number;
  /** Levels of schema nesting. Default 64. */
  depth: number;
  /** Schemas visited while compiling, references included. Default 20,000. */
  schemas: number;
  /** Largest `maxLength`, `maxItems` and so on. Default 100,000. */
  repetition: number;
  /** Values in one `enum`. Default 2000. */
  enumValues: number;
  /** Levels of nesting where a schema allows any JSON. Default 6. */
  anyDepth: number;
};

export const defaultGrammarLimits: GrammarLimits = {
  rules: 4000,
  characters: 400_000,
  depth: 64,
  schemas: 20_000,
  repetition: 100_000,
  enumValues: 2000,
  anyDepth: 6,
};

/** The native parser multiplies the repetition count by the size of what is repeated and refuses 2000. */
const nativeRepetitionLimit = 2000;
const chunkLength = 1000;

/** A quoted GBNF terminal that matches exactly `text`. */
export function literal(text: string): string {
  return `"${Array.from(text, (character) => escapeCharacter(character, '')).join('')}"`;
}

/** One character as it must be written inside `[...]`. */
export function classCharacter(codePoint: number): string {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return `\\u${codePoint.toString(16)}`;
  return escapeCharacter(String.fromCodePoint(codePoint), '[]^-');
}

/** Control characters and those in `special` as `\xHH`, quote and backslash with a backslash. */
function escapeCharacter(character: string, special: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const code = character.charCodeAt(0);
  if (code >= 0x20 && code !== 0x7f && !special.includes(character)) return character;
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

/** `a | b | c` in parentheses, or the one thing alone. */
export function alternatives(expressions: string[]): string {
  const unique = [...new Set(expressions)];
  return unique.length === 1 ? (unique[0] ?? '""') : `(${unique.join(' | ')})`;
}

/** Collects rules. A rule with the same body as an earlier one is that rule. */
export class GrammarBuilder {
  readonly limits: GrammarLimits;
  readonly #rules = new Map<string, string>();
  readonly #nameOfBody = new Map<string, string>();
  #characters = 0;
  #nextNumber = 1;

  constructor(limits: Partial<GrammarLimits> = {}) {
    this.limits = { ...defaultGrammarLimits, ...limits };
  }

  /** A name that no rule has yet; `define` must follow. */
  reserve(hint: string): string {
    const readable = hint
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 24);
    return `${readable === '' ? 'rule' : readable}-${this.#nextNumber++}`;
  }

  /** Errors: `schema_too_complex` when the grammar outgrows its limits. */
  define(name: string, body: string): string {
    this.#rules.set(name, body);
    this.#characters += name.length + body.length + 6;
    if (this.#rules.size > this.limits.rules) {
      throw tooComplex(`it needs more than ${this.limits.rules} grammar rules`);
    }
    if (this.#characters > this.limits.characters) {
      throw tooComplex(`its grammar is longer than ${this.limits.characters} characters`);
    }
    return name;
  }

  /** Name of a rule with this body, new or known. */
  rule(hint: string, body: string): string {
    const known = this.#nameOfBody.get(body);
    if (known !== undefined) return known;
    const name = this.define(this.reserve(hint), body);
    this.#nameOfBody.set(body, name);
    return name;
  }

  /**
   * `symbol` (a rule name or a character class) repeated `minimum` to `maximum` times; no maximum: without end.
   * Errors: `schema_too_complex` above the repetition limit.
   */
  repeat(symbol: string, minimum: number, maximum: number | undefined): string {
    const largest = Math.max(minimum, maximum ?? 0);
    if (largest > this.limits.repetition) {
      throw tooComplex(`it asks for up to ${largest} repetitions and the limit is ${this.limits.repetition}`);
    }
    const head = this.#exactly(symbol, minimum);
    const tail = maximum === undefined ? `${symbol}*` : this.#upTo(symbol, maximum - minimum);
    if (head === '') return tail === '' ? '""' : tail;
    return tail === '' ? head : `${head} ${tail}`;
  }

  #exactly(symbol: string, count: number): string {
    if (count === 0) return '';
    if (count === 1) return symbol;
    if (count < nativeRepetitionLimit) return `${symbol}{${count}}`;
    const chunks = `${this.#chunk(symbol)}{${Math.floor(count / chunkLength)}}`;
    const rest = count % chunkLength;
    return rest === 0 ? chunks : `${chunks} ${symbol}{${rest}}`;
  }

  /** Long ones become `short | chunk (short | chunk (...))`, so that few parser states are alive at any character. */
  #upTo(symbol: string, count: number): string {
    if (count === 0) return '';
    if (count === 1) return `${symbol}?`;
    if (count < nativeRepetitionLimit) return `${symbol}{0,${count}}`;
    const chunk = this.#chunk(symbol);
    const short = this.rule('short', `${symbol}{0,${chunkLength - 1}}`);
    let rest = this.rule('tail', `${symbol}{0,${count % chunkLength}}`);
    for (let chunks = Math.floor(count / chunkLength); chunks > 0; chunks--) {
      rest = this.rule('tail', `${short} | ${chunk} ${rest}`);
    }
    return rest;
  }

  #chunk(symbol: string): string {
    return this.rule('chunk', `${symbol}{${chunkLength}}`);
  }

  toString(): string {
    return `${[...this.#rules].map(([name, body]) => `${name} ::= ${body}`).join('\n')}\n`;
  }
}

export function tooComplex(reason: string): Error {
  return makeError('schema_too_complex', { reason });
}

export function unsupportedSchema(reason: string): Error {
  return makeError('unsupported_schema', { reason });
}
