import type { DigitCluster } from '../digit-clusters.ts';

/**
 * A run of neighbouring groups of one cluster, looked at as one number. `shape` tells how it was written: `whole` in one
 * piece, `grouped` as people group numbers, `spelled` digit by digit, `irregular` in any other way.
 */
export type DigitWindow = {
  digits: string;
  start: number;
  end: number;
  groups: number[];
  /** All separators inside the window, one after the other. */
  separators: string;
  shape: 'whole' | 'grouped' | 'spelled' | 'irregular';
  /** No neighbour in the cluster is joined by a separator that also stands inside the window. */
  bounded: boolean;
  /** Follows `3.` or the like: the digits are the fraction of a decimal number. */
  fraction: boolean;
};

/** The longest number that any rule reads: a bank card of 19 digits. */
const longestNumber = 19;
const wantedLengths = new Set([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);

function shapeOf(groups: number[]): DigitWindow['shape'] {
  if (groups.length === 1) return 'whole';
  if (groups.every((size) => size === 1)) return 'spelled';
  if (groups.length <= 6 && groups.every((size, index) => size >= 2 || index === groups.length - 1)) return 'grouped';
  return 'irregular';
}

function* windowsFrom(cluster: DigitCluster, text: string, first: number): Generator<DigitWindow> {
  const head = cluster.groups[first];
  if (head === undefined) return;
  const inner = new Set<string>();
  const sizes: number[] = [];
  for (let last = first; last < cluster.groups.length; last++) {
    const tail = cluster.groups[last];
    if (tail === undefined || tail.to - head.from > longestNumber) return;
    if (last > first) inner.add(cluster.separators[last - 1] ?? '');
    sizes.push(tail.to - tail.from);
    if (!wantedLengths.has(tail.to - head.from)) continue;
    const before = first === 0 ? undefined : cluster.separators[first - 1];
    const after = cluster.separators[last];
    yield {
      digits: cluster.digits.slice(head.from, tail.to),
      start: head.start,
      end: tail.end,
      groups: [...sizes],
      separators: cluster.separators.slice(first, last).join(''),
      shape: shapeOf(sizes),
      bounded: (before === undefined || !inner.has(before)) && (after === undefined || !inner.has(after)),
      fraction: before === '.' && !/(?:^|\n)\s*\d{1,2}\.$/.test(text.slice(Math.max(0, head.start - 6), head.start)),
    };
  }
}

/** Every window of a cluster with a length that some rule reads. At most 19 windows for each group. */
export function* digitWindows(cluster: DigitCluster, text: string): Generator<DigitWindow> {
  for (let first = 0; first < cluster.groups.length; first++) yield* windowsFrom(cluster, text, first);
}
