import { comparable } from './normalise.ts';

/**
 * Tells quickly that a pattern cannot match a text. Of each pattern it is worked out once which words (runs of literal
 * characters) one of has to be there, and whether a digit has to; of each text once which pairs of characters it holds.
 * Most texts hold none of the words of most patterns, so that almost all patterns need not be tried.
 */
export type Needs = {
  /** Of each list one word is in every match, compared as `comparable` writes them. Empty where nothing is known. */
  lists: readonly (readonly string[])[];
  digit: boolean;
};

/** More lists than these tell hardly more. */
const mostLists = 3;

/** More combinations of characters are not spelled out. */
const mostWords = 40;
const ideograph = (code: number): boolean => code >= 0x2e80;
/** How much a word tells: ideographs are many, letters are few. */
const weightOf = (word: string): number => {
  let weight = 0;
  for (let index = 0; index < word.length; index++) weight += ideograph(word.charCodeAt(index)) ? 2 : 1;
  return weight;
};
const worth = (words: readonly string[]): number => Math.min(...words.map(weightOf)) - words.length / 1000;

/** Reads the source of a regular expression without the flags `u` and `v`. What it does not know it takes for anything. */
class SourceReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  alternatives(): Needs {
    const choices: Needs[] = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      choices.push(this.#sequence());
    }
    const [first, ...others] = choices;
    if (first === undefined || others.length === 0) return first ?? { lists: [], digit: false };
    // Each alternative gives its best list, and one word of all of these is there.
    const bests = choices.map(({ lists }) => lists[0]);
    const known = bests.every((list) => list !== undefined);
    return {
      lists: known ? [bests.flatMap((list) => list ?? [])] : [],
      digit: choices.every(({ digit }) => digit),
    };
  }

  #sequence(): Needs {
    const lists: (readonly string[])[] = [];
    let digit = false;
    let run: string[] = [''];
    const offer = (words: readonly string[]): void => {
      if (words.length > 0 && !words.includes('')) lists.push(words);
    };
    const close = (): void => {
      offer(run);
      run = [''];
    };
    while (this.#at < this.#source.length && this.#source[this.#at] !== '|' && this.#source[this.#at] !== ')') {
      const atom = this.#atom();
      if (atom.kind === 'nothing') continue;
      const { optional, repeated } = this.#quantifier();
      if (optional) {
        close();
      } else if (atom.kind === 'characters' && run.length * atom.characters.length <= mostWords) {
        run = run.flatMap((word) => atom.characters.map((character) => word + character));
        if (repeated) close();
      } else {
        close();
        if (atom.kind === 'group') {
          atom.needs.lists.forEach(offer);
          digit ||= atom.needs.digit;
        } else if (atom.kind === 'characters') offer(atom.characters);
        else if (atom.kind === 'digit') digit = true;
      }
    }
    close();
    return { lists: lists.sort((one, other) => worth(other) - worth(one)).slice(0, mostLists), digit };
  }

  #atom():
    | { kind: 'nothing' | 'anything' | 'digit' }
    | { kind: 'characters'; characters: string[] }
    | { kind: 'group'; needs: Needs } {
    const source = this.#source;
    const character = source[this.#at++] ?? '';
    if (character === '^' || character === '$') return { kind: 'nothing' };
    if (character === '.') return { kind: 'anything' };
    if (character === '[') return this.#class();
    if (character === '(') {
      const head = /^\?(?:[:=!]|<[=!]|<[A-Za-z]\w*>)/.exec(source.slice(this.#at, this.#at + 40))?.[0] ?? '';
      this.#at += head.length;
      const needs = this.alternatives();
      this.#at++;
      // Looking around takes no place, and what is not there proves nothing.
      if (/^\?<?[=!]$/.test(head)) {
        this.#quantifier();
        return { kind: 'nothing' };
      }
      return { kind: 'group', needs };
    }
    if (character === '\\') return this.#escape();
    return { kind: 'characters', characters: [comparable(character)] };
  }

  #escape(): { kind: 'nothing' | 'anything' | 'digit' } | { kind: 'characters'; characters: string[] } {
    const source = this.#source;
    const character = source[this.#at++] ?? '';
    if (character === 'd') return { kind: 'digit' };
    if (character === 'b' || character === 'B') return { kind: 'nothing' };
    if (character === 'n') return { kind: 'characters', characters: ['\n'] };
    if (character === 'u' || character === 'x') {
      const code = source.slice(this.#at, this.#at + (character === 'u' ? 4 : 2));
      this.#at += code.length;
      return { kind: 'characters', characters: [comparable(String.fromCharCode(Number.parseInt(code, 16)))] };
    }
    if (character === 'k') {
      this.#at = source.indexOf('>', this.#at) + 1;
      return { kind: 'anything' };
    }
    // Classes, back references and signs such as \t are anything; the rest stand for themselves.
    return /[A-Za-z0-9]/.test(character) ? { kind: 'anything' } : { kind: 'characters', characters: [character] };
  }

  #class(): { kind: 'anything' | 'digit' } | { kind: 'characters'; characters: string[] } {
    const source = this.#source;
    const start = this.#at;
    while (this.#at < source.length && source[this.#at] !== ']') this.#at += source[this.#at] === '\\' ? 2 : 1;
    const inside = source.slice(start, this.#at++);
    if (inside === '0-9' || /^(?:\d-\d|\d)+$/.test(inside)) return { kind: 'digit' };
    // Ranges, escapes and what is excluded are not spelled out.
    if (inside.startsWith('^') || /[\\-]/.test(inside) || inside.length > mostWords) return { kind: 'anything' };
    return {
      kind: 'characters',
      characters: [...new Set(Array.from({ length: inside.length }, (_, index) => comparable(inside.charAt(index))))],
    };
  }

  #quantifier(): { optional: boolean; repeated: boolean } {
    const source = this.#source;
    const sign = source[this.#at] ?? '';
    let optional = false;
    let repeated = false;
    if (sign === '?' || sign === '*') {
      optional = true;
      this.#at++;
    } else if (sign === '+') {
      repeated = true;
      this.#at++;
    } else if (sign === '{') {
      const counts = /^\{(\d+)(?:,\d*)?\}/.exec(source.slice(this.#at, this.#at + 16));
      if (counts !== null) {
        optional = counts[1] === '0';
        repeated = true;
        this.#at += counts[0].length;
      }
    }
    if ((optional || repeated) && source[this.#at] === '?') this.#at++;
    return { optional, repeated };
  }
}

/** What every match of a pattern holds. */
export const needsOf = (source: string): Needs => new SourceReader(source).alternatives();

/** Each word as slots: of its runs of three, of its pair where it has two characters, of its one character. */
type Compiled = { lists: Int32Array[][]; digit: boolean };

/** By the source, which a literal inside a function shares between its calls. */
const compiled = new Map<string, Compiled>();
/** Patterns are those of the rules, so this bound is never reached; it keeps a mistake from growing without end. */
const mostPatterns = 2_000;

/** One table for runs of one, two and three characters, each a third of it. */
const slotCount = 1 << 15;
const slotOne = (one: number): number => Math.imul(one, 0xc2b3) & (slotCount - 1);
const slotTwo = (one: number, two: number): number =>
  slotCount | ((Math.imul(one, 0x9e37) ^ Math.imul(two, 0x85eb)) & (slotCount - 1));
const slotThree = (one: number, two: number, three: number): number =>
  (slotCount * 2) | ((Math.imul(one, 0x2c1b) ^ Math.imul(two, 0x9e37) ^ Math.imul(three, 0x85eb)) & (slotCount - 1));

function slotsOf(word: string): Int32Array {
  const code = (index: number): number => word.charCodeAt(index);
  if (word.length === 1) return Int32Array.of(slotOne(code(0)));
  if (word.length === 2) return Int32Array.of(slotTwo(code(0), code(1)));
  return Int32Array.from({ length: word.length - 2 }, (_, index) =>
    slotThree(code(index), code(index + 1), code(index + 2)),
  );
}

/** A pattern with flags that the reader does not know needs nothing, so that it is always tried. */
function compile({ source, flags }: RegExp): Compiled {
  const { lists, digit } = /[uv]/.test(flags) ? { lists: [], digit: false } : needsOf(source);
  const made = { lists: lists.map((words) => [...new Set(words)].map(slotsOf)), digit };
  if (compiled.size < mostPatterns) compiled.set(source, made);
  return made;
}

/** Which text each slot was last seen in: nothing has to be cleared between texts. */
const seen = new Uint32Array(slotCount * 3);
let newest = 0;

/** The runs of characters of one text. Good until the next one is made; after that every pattern may match. */
export class TextFilter {
  readonly #stamp: number;
  readonly hasDigit: boolean;
  /** Length of the longest stretch of visible ASCII characters: a word, a number, a key. */
  readonly longestToken: number;

  /** `lower`: as `comparable` writes it. */
  constructor(lower: string) {
    if (++newest > 0xffff_fff0) {
      seen.fill(0);
      newest = 1;
    }
    const stamp = newest;
    this.#stamp = stamp;
    let one = 0;
    let two = 0;
    let digit = false;
    let longest = 0;
    let tokenStart = 0;
    for (let index = 0; index < lower.length; index++) {
      const three = lower.charCodeAt(index);
      seen[slotOne(three)] = stamp;
      seen[slotTwo(two, three)] = stamp;
      seen[slotThree(one, two, three)] = stamp;
      if (three <= 32 || three > 126) {
        if (index - tokenStart > longest) longest = index - tokenStart;
        tokenStart = index + 1;
      } else if (three >= 48 && three <= 57) digit = true;
      one = two;
      two = three;
    }
    this.hasDigit = digit;
    this.longestToken = Math.max(longest, lower.length - tokenStart);
  }

  #holdsOneOf(words: readonly Int32Array[]): boolean {
    const stamp = this.#stamp;
    for (const word of words) {
      let index = 0;
      while (index < word.length && seen[word[index] ?? 0] === stamp) index++;
      if (index === word.length) return true;
    }
    return false;
  }

  /** False where the pattern surely does not match this text, in whatever case it is written. */
  mayMatch(pattern: RegExp): boolean {
    const { lists, digit } = compiled.get(pattern.source) ?? compile(pattern);
    if (digit && !this.hasDigit) return false;
    if (this.#stamp !== newest) return true;
    for (const words of lists) if (!this.#holdsOneOf(words)) return false;
    return true;
  }
}
