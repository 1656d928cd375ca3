import type { DigitCluster } from '../digit-clusters.ts';

export type WindowShape = 'whole' | 'grouped' | 'spelled' | 'irregular';

/**
 * A run of neighbouring groups of one cluster, looked at as one number. What only a likely number needs is worked out
 * when it is asked for: a text full of figures has thousands of windows, and almost all fail on their digits.
 */
export class DigitWindow {
  readonly digits: string;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
  readonly #cluster: DigitCluster;
  readonly #first: number;
  readonly #last: number;
  readonly #text: string;
  #groups: number[] | undefined;
  #separators: string | undefined;

  constructor(cluster: DigitCluster, first: number, last: number, text: string) {
    const head = cluster.groups[first];
    const tail = cluster.groups[last];
    this.digits = cluster.digits.slice(head?.from, tail?.to);
    this.start = head?.start ?? 0;
    this.end = tail?.end ?? 0;
    this.#cluster = cluster;
    this.#first = first;
    this.#last = last;
    this.#text = text;
  }

  /** Sizes of the groups, in order. */
  get groups(): number[] {
    this.#groups ??= this.#cluster.groups.slice(this.#first, this.#last + 1).map(({ from, to }) => to - from);
    return this.#groups;
  }

  /** All separators inside the window, one after the other. */
  get separators(): string {
    this.#separators ??= this.#cluster.separators.slice(this.#first, this.#last).join('');
    return this.#separators;
  }

  /** How it was written: in one piece, in groups as people do, digit by digit, or in any other way. */
  get shape(): WindowShape {
    if (this.#first === this.#last || this.separators === '') return 'whole';
    const sizes = this.groups;
    if (sizes.every((size) => size === 1)) return 'spelled';
    if (sizes.length <= 6 && sizes.every((size, index) => size >= 2 || index === sizes.length - 1)) return 'grouped';
    return 'irregular';
  }

  /** No neighbour in the cluster is joined by a separator that also stands inside the window. */
  get bounded(): boolean {
    const { separators } = this.#cluster;
    const inner = new Set(separators.slice(this.#first, this.#last));
    const before = this.#first === 0 ? undefined : separators[this.#first - 1];
    const after = separators[this.#last];
    return (before === undefined || !inner.has(before)) && (after === undefined || !inner.has(after));
  }

  /** `2.718281828`: one number with a point, not groups of one. */
  get decimal(): boolean {
    return this.separators === '.' && this.groups.length === 2 && (this.groups[0] ?? 0) <= 2;
  }

  /** Follows `3.` or the like, so that the digits are the fraction of a decimal number. Numbers of list items are none. */
  get fraction(): boolean {
    if (this.#first === 0 || this.#cluster.separators[this.#first - 1] !== '.') return false;
    return !/(?:^|\n)\s*\d{1,2}\.$/.test(this.#text.slice(Math.max(0, this.start - 6), this.start));
  }
}

/** Rules read numbers of 7 to 19 digits: from a local telephone number to a bank card. */
export const shortestNumber = 7;
export const longestNumber = 19;

/** Every window of a cluster with a length that some rule reads. At most 19 windows for each group. */
export function* digitWindows(cluster: DigitCluster, text: string): Generator<DigitWindow> {
  const { groups } = cluster;
  for (let first = 0; first < groups.length; first++) {
    const from = groups[first]?.from ?? 0;
    for (let last = first; last < groups.length; last++) {
      const length = (groups[last]?.to ?? 0) - from;
      if (length > longestNumber) break;
      if (length >= shortestNumber) yield new DigitWindow(cluster, first, last, text);
    }
  }
}
