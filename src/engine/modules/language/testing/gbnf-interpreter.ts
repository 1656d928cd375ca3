/** For tests only: reads GBNF, matches text against it and writes random text from it, apart from the code that makes it. */

type Node =
  | { kind: 'text'; points: number[] }
  | { kind: 'class'; negated: boolean; ranges: [number, number][] }
  | { kind: 'rule'; name: string }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'repeat'; item: Node; minimum: number; maximum: number };

export type Random = () => number;

/** Mulberry32: small, seeded, good enough to choose test cases. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Gbnf {
  readonly #rules = new Map<string, Node>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      const separator = line.indexOf(' ::= ');
      const name = line.slice(0, separator);
      if (separator < 0 || !/^[a-zA-Z0-9-]+$/.test(name)) throw new Error(`bad rule: ${line}`);
      this.#rules.set(name, new Reader(line.slice(separator + 5)).read());
    }
  }

  get ruleCount(): number {
    return this.#rules.size;
  }

  matches(text: string): boolean {
    const points = Array.from(text).map((character) => character.codePointAt(0) ?? 0);
    const memo = new Map<string, Set<number>>();
    return this.#ends({ kind: 'rule', name: 'root' }, points, 0, memo).has(points.length);
  }

  /** Random text; repetitions without end, and recursion, are kept short by `size`. */
  generate(random: Random, size = 40): string {
    const output: string[] = [];
    this.#write({ kind: 'rule', name: 'root' }, random, output, { left: size });
    return output.join('');
  }

  #rule(name: string): Node {
    const node = this.#rules.get(name);
    if (node === undefined) throw new Error(`no rule ${name}`);
    return node;
  }

  #ends(node: Node, points: number[], start: number, memo: Map<string, Set<number>>): Set<number> {
    switch (node.kind) {
      case 'text':
        return node.points.every((point, index) => points[start + index] === point)
          ? new Set([start + node.points.length])
          : new Set();
      case 'class': {
        const point = points[start];
        return point !== undefined && inClass(node, point) ? new Set([start + 1]) : new Set();
      }
      case 'rule': {
        const key = `${node.name}@${start}`;
        const known = memo.get(key);
        if (known !== undefined) return known;
        memo.set(key, new Set());
        const ends = this.#ends(this.#rule(node.name), points, start, memo);
        memo.set(key, ends);
        return ends;
      }
      case 'sequence': {
        let ends = new Set([start]);
        for (const item of node.items) {
          const next = new Set<number>();
          for (const end of ends) for (const after of this.#ends(item, points, end, memo)) next.add(after);
          ends = next;
        }
        return ends;
      }
      case 'choice': {
        const ends = new Set<number>();
        for (const option of node.options) for (const end of this.#ends(option, points, start, memo)) ends.add(end);
        return ends;
      }
      case 'repeat': {
        const ends = new Set<number>(node.minimum === 0 ? [start] : []);
        let frontier = new Set([start]);
        for (let times = 1; times <= node.maximum && frontier.size > 0; times++) {
          const next = new Set<number>();
          for (const end of frontier) {
            for (const after of this.#ends(node.item, points, end, memo)) {
              if (times < node.minimum || !ends.has(after)) next.add(after);
            }
          }
          if (times >= node.minimum) for (const end of next) ends.add(end);
          frontier = next;
        }
        return ends;
      }
    }
  }

  #write(node: Node, random: Random, output: string[], budget: { left: number }): void {
    switch (node.kind) {
      case 'text':
        output.push(String.fromCodePoint(...node.points));
        break;
      case 'class':
        output.push(pick(node, random));
        break;
      case 'rule':
        budget.left--;
        this.#write(this.#rule(node.name), random, output, budget);
        break;
      case 'sequence':
        for (const item of node.items) this.#write(item, random, output, budget);
        break;
      case 'choice': {
        const option =
          budget.left > 0
            ? node.options[Math.floor(random() * node.options.length)]
            : node.options.toSorted((a, b) => this.#cost(a, 12) - this.#cost(b, 12))[0];
        if (option !== undefined) this.#write(option, random, output, budget);
        break;
      }
      case 'repeat': {
        const most = Math.min(node.maximum, node.minimum + (budget.left > 0 ? 4 : 0));
        const times = node.minimum + Math.floor(random() * (most - node.minimum + 1));
        for (let index = 0; index < times; index++) this.#write(node.item, random, output, budget);
        break;
      }
    }
  }

  /** Shortest way out, looked for a few levels deep. */
  #cost(node: Node, depth: number): number {
    if (depth === 0) return 1000;
    switch (node.kind) {
      case 'text':
        return node.points.length;
      case 'class':
        return 1;
      case 'rule':
        return this.#cost(this.#rule(node.name), depth - 1);
      case 'sequence':
        return node.items.reduce((sum, item) => sum + this.#cost(item, depth), 0);
      case 'choice':
        return Math.min(...node.options.map((option) => this.#cost(option, depth)));
      case 'repeat':
        return node.minimum === 0 ? 0 : node.minimum * this.#cost(node.item, depth);
    }
  }
}

function inClass(node: Extract<Node, { kind: 'class' }>, point: number): boolean {
  return node.ranges.some(([from, to]) => from <= point && point <= to) !== node.negated;
}

const interesting = Array.from('aZ09 _-中文é😀"\\/<{[:,.\u2028').map((character) => character.codePointAt(0) ?? 0);

function pick(node: Extract<Node, { kind: 'class' }>, random: Random): string {
  const fitting = interesting.filter((point) => inClass(node, point));
  if (node.negated || (fitting.length > 0 && random() < 0.5)) {
    const point = fitting[Math.floor(random() * fitting.length)] ?? 0x61;
    if (fitting.length > 0) return String.fromCodePoint(point);
  }
  const [from, to] = node.ranges[Math.floor(random() * node.ranges.length)] ?? [0x61, 0x61];
  return String.fromCodePoint(from + Math.floor(random() * (to - from + 1)));
}

class Reader {
  readonly #text: string[];
  #position = 0;

  constructor(text: string) {
    this.#text = Array.from(text);
  }

  read(): Node {
    const node = this.#choice();
    if (this.#position < this.#text.length) throw new Error(`rest: ${this.#text.slice(this.#position).join('')}`);
    return node;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#accept('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): Node {
    const items: Node[] = [];
    for (;;) {
      this.#blanks();
      const next = this.#text[this.#position];
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', items };
      items.push(this.#repeated(this.#primary()));
    }
  }

  #repeated(item: Node): Node {
    const sign = this.#text[this.#position];
    if (sign === '*' || sign === '+' || sign === '?') {
      this.#position++;
      return { kind: 'repeat', item, minimum: sign === '+' ? 1 : 0, maximum: sign === '?' ? 1 : Infinity };
    }
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#position, this.#position + 24).join(''));
    if (match === null) return item;
    this.#position += match[0].length;
    const minimum = Number(match[1]);
    const maximum = match[2] === undefined ? minimum : match[3] === '' ? Infinity : Number(match[3]);
    if (minimum >= 2000 || (maximum !== Infinity && maximum >= 2000)) throw new Error('the native parser refuses this');
    return { kind: 'repeat', item, minimum, maximum };
  }

  #primary(): Node {
    if (this.#accept('(')) {
      const inner = this.#choice();
      if (!this.#accept(')')) throw new Error('unclosed group');
      return inner;
    }
    if (this.#accept('"')) {
      const points: number[] = [];
      while (!this.#accept('"')) points.push(this.#point());
      return { kind: 'text', points };
    }
    if (this.#accept('[')) {
      const negated = this.#accept('^');
      const ranges: [number, number][] = [];
      while (!this.#accept(']')) {
        const from = this.#point();
        const isRange = this.#text[this.#position] === '-' && this.#text[this.#position + 1] !== ']';
        if (isRange) this.#position++;
        ranges.push([from, isRange ? this.#point() : from]);
      }
      return { kind: 'class', negated, ranges };
    }
    const name = /^[a-zA-Z0-9-]+/.exec(this.#text.slice(this.#position, this.#position + 80).join(''))?.[0];
    if (name === undefined) throw new Error(`unexpected ${this.#text.slice(this.#position).join('').slice(0, 20)}`);
    this.#position += name.length;
    return { kind: 'rule', name };
  }

  #point(): number {
    const character = this.#text[this.#position++];
    if (character === undefined) throw new Error('unclosed terminal');
    if (character !== '\\') return character.codePointAt(0) ?? 0;
    const escape = this.#text[this.#position++] ?? '';
    const simple: Record<string, number> = { t: 9, n: 10, r: 13, '\\': 92, '"': 34, '[': 91, ']': 93 };
    const point = simple[escape];
    if (point !== undefined) return point;
    const length = escape === 'x' ? 2 : escape === 'u' ? 4 : 0;
    if (length === 0) throw new Error(`the native parser knows no \\${escape}`);
    const digits = this.#text.slice(this.#position, this.#position + length).join('');
    this.#position += length;
    return Number.parseInt(digits, 16);
  }

  #blanks(): void {
    while (this.#text[this.#position] === ' ') this.#position++;
  }

  /** Blanks before a bracket or bar mean nothing; inside terminals they do, so callers there must not skip them. */
  #accept(character: string): boolean {
    if (character === '|' || character === ')') this.#blanks();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }
}
