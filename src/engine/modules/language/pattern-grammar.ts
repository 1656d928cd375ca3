/**
 * ECMA-262 regular expressions, as JSON Schema's `pattern` uses them, to GBNF over the text of a JSON string. Known: literals,
 * `.`, classes, `\d \w \s` and their opposites, groups, `|`, quantifiers, `^` and `$` at the ends. Everything else (look-around,
 * back references, `\b`, `\p`, flags) is `unsupported_schema`.
 */
import type { GrammarBuilder } from './gbnf.ts';
import { alternatives, classCharacter, literal, unsupportedSchema } from './gbnf.ts';
import { stringCharacter } from './json-grammar.ts';

const longestPattern = 1000;
const deepestGroup = 32;
const lastCodePoint = 0x10ffff;

/** Inclusive code point ranges, sorted and apart. */
type Ranges = [number, number][];

const digit: Ranges = [[0x30, 0x39]];
const word: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const space: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x2028, 0x2029],
  [0x3000, 0x3000],
];
const lineEnd: Ranges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
/** What a JSON string must escape, and how. */
const escapes: [number, string][] = [
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
];
/** Never written as itself: control characters, the quote, the backslash, surrogates. */
const unwritable: Ranges = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x7f],
  [0xd800, 0xdfff],
];

/** A GBNF expression for the text between the quotes. */
export function patternGrammar(grammar: GrammarBuilder, pattern: string): string {
  if (pattern.length > longestPattern) throw unsupportedSchema(`a pattern is longer than ${longestPattern} characters`);
  return new PatternReader(grammar, pattern).read();
}

class PatternReader {
  readonly #grammar: GrammarBuilder;
  readonly #pattern: string;
  #position = 0;
  #depth = 0;

  constructor(grammar: GrammarBuilder, pattern: string) {
    this.#grammar = grammar;
    this.#pattern = pattern;
  }

  read(): string {
    const expression = this.#disjunction(true);
    if (this.#position < this.#pattern.length) throw this.#unsupported('has an unmatched parenthesis');
    return expression;
  }

  #disjunction(isTop: boolean): string {
    const parts = [this.#sequence(isTop)];
    while (this.#accept('|')) parts.push(this.#sequence(isTop));
    return alternatives(parts);
  }

  /** Only at the top may a sequence be open at an end: then any text may stand there. */
  #sequence(isTop: boolean): string {
    const any = `${stringCharacter(this.#grammar)}*`;
    const startsAnchored = isTop && this.#accept('^');
    const items: string[] = isTop && !startsAnchored ? [any] : [];
    let endsAnchored = false;
    while (this.#position < this.#pattern.length && !/[|)]/.test(this.#peek())) {
      if (isTop && this.#peek() === '$' && /^\$(\||$)/.test(this.#pattern.slice(this.#position))) {
        this.#position++;
        endsAnchored = true;
        break;
      }
      items.push(this.#quantified());
    }
    if (isTop && !endsAnchored) items.push(any);
    return items.length === 0 ? '""' : items.join(' ');
  }

  #quantified(): string {
    const atom = this.#atom();
    const match = /^(?:([*+?])|\{(\d{1,9})(,(\d{1,9})?)?\})\??/.exec(this.#pattern.slice(this.#position));
    if (match === null) return atom;
    this.#position += match[0].length;
    if (/^[*+?{]/.test(this.#pattern.slice(this.#position))) throw this.#unsupported('has two quantifiers in a row');
    const [, sign, least, comma, most] = match;
    const minimum = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
    const exact = comma === undefined ? minimum : undefined;
    const maximum = sign === undefined ? (most === undefined ? exact : Number(most)) : sign === '?' ? 1 : undefined;
    if (maximum !== undefined && maximum < minimum) throw this.#unsupported('has a quantifier in the wrong order');
    return this.#grammar.repeat(this.#grammar.rule('part', atom), minimum, maximum);
  }

  #atom(): string {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#emit(this.#class());
      case '.':
        return this.#emit(invert(lineEnd));
      case '\\':
        return this.#emit(this.#escape(false));
      case '^':
      case '$':
        throw this.#unsupported(`has ${character} elsewhere than at an end`);
      case '*':
      case '+':
      case '?':
        throw this.#unsupported('has a quantifier with nothing before it');
      default: {
        const point = character.codePointAt(0) ?? 0;
        return this.#emit([[point, point]]);
      }
    }
  }

  #group(): string {
    if (++this.#depth > deepestGroup) throw this.#unsupported(`nests groups deeper than ${deepestGroup}`);
    if (this.#accept('?') && !this.#accept(':') && !this.#acceptName()) throw this.#unsupported('uses look-around');
    const inner = this.#disjunction(false);
    if (!this.#accept(')')) throw this.#unsupported('has an unmatched parenthesis');
    this.#depth--;
    return `(${inner})`;
  }

  #acceptName(): boolean {
    const match = /^<[A-Za-z_]\w*>/.exec(this.#pattern.slice(this.#position));
    if (match !== null) this.#position += match[0].length;
    return match !== null;
  }

  #class(): Ranges {
    const negated = this.#accept('^');
    const ranges: Ranges = [];
    while (!this.#accept(']')) {
      const from = this.#classItem();
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1] ? from[0]?.[0] : undefined;
      if (single !== undefined && this.#peek() === '-' && this.#pattern[this.#position + 1] !== ']') {
        this.#position++;
        const to = this.#classItem();
        const last = to.length === 1 && to[0]?.[0] === to[0]?.[1] ? to[0]?.[0] : undefined;
        if (last === undefined || last < single) throw this.#unsupported('has a class range in the wrong order');
        ranges.push([single, last]);
      } else {
        ranges.push(...from);
      }
    }
    const merged = normalise(ranges);
    return negated ? invert(merged) : merged;
  }

  #classItem(): Ranges {
    const character = this.#next();
    if (character === '\\') return this.#escape(true);
    const point = character.codePointAt(0) ?? 0;
    return [[point, point]];
  }

  #escape(inClass: boolean): Ranges {
    const character = this.#next();
    const one = (point: number): Ranges => [[point, point]];
    const known: Record<string, Ranges> = {
      d: digit,
      D: invert(digit),
      w: word,
      W: invert(word),
      s: space,
      S: invert(space),
      n: one(0x0a),
      r: one(0x0d),
      t: one(0x09),
      f: one(0x0c),
      v: one(0x0b),
    };
    const ranges = Object.hasOwn(known, character) ? known[character] : undefined;
    if (ranges !== undefined) return ranges;
    if (character === 'b' && inClass) return one(0x08);
    const rest = this.#pattern.slice(this.#position);
    const hex =
      character === 'x'
        ? /^([0-9a-fA-F]{2})/.exec(rest)
        : character === 'u'
          ? (/^([0-9a-fA-F]{4})/.exec(rest) ?? /^\{([0-9a-fA-F]{1,6})\}/.exec(rest))
          : null;
    if (hex !== null) {
      this.#position += hex[0].length;
      return one(Math.min(Number.parseInt(hex[1] ?? '0', 16), lastCodePoint));
    }
    if (/[A-Za-z0-9]/.test(character)) throw this.#unsupported(`uses \\${character}`);
    return one(character.codePointAt(0) ?? 0);
  }

  /** The set as it is written inside a JSON string: a class, and the escapes of what a class cannot hold. */
  #emit(ranges: Ranges): string {
    const parts: string[] = [];
    const writable = subtract(ranges, unwritable);
    if (writable.length > 0) {
      const body = writable.map(([from, to]) =>
        from === to ? classCharacter(from) : `${classCharacter(from)}-${classCharacter(to)}`,
      );
      parts.push(`[${body.join('')}]`);
    }
    for (const [point, text] of escapes) {
      if (ranges.some(([from, to]) => from <= point && point <= to)) parts.push(literal(text));
    }
    if (parts.length === 0) throw this.#unsupported('asks for a character that a JSON string cannot hold');
    return alternatives(parts);
  }

  #peek(): string {
    return this.#pattern[this.#position] ?? '';
  }

  #next(): string {
    const point = this.#pattern.codePointAt(this.#position);
    if (point === undefined) throw this.#unsupported('ends too early');
    const character = String.fromCodePoint(point);
    this.#position += character.length;
    return character;
  }

  #accept(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#position++;
    return true;
  }

  #unsupported(reason: string): Error {
    return unsupportedSchema(`the pattern ${JSON.stringify(this.#pattern.slice(0, 80))} ${reason}`);
  }
}

function normalise(ranges: Ranges): Ranges {
  const merged: Ranges = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function invert(ranges: Ranges): Ranges {
  return subtract([[0, lastCodePoint]], ranges);
}

function subtract(ranges: Ranges, holes: Ranges): Ranges {
  let left = ranges;
  for (const [from, to] of holes) {
    left = left.flatMap(([low, high]): Ranges => {
      if (to < low || from > high) return [[low, high]];
      const kept: Ranges = [];
      if (low < from) kept.push([low, from - 1]);
      if (high > to) kept.push([to + 1, high]);
      return kept;
    });
  }
  return left;
}
