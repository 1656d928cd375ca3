/** Whether the second set of samples is slower than the first by more than chance. */
import { holmAdjusted, mannWhitneyP } from '../metrics/significance.ts';
import { percentile } from '../metrics/statistics.ts';
import { comparedFigures, type ComparedFigure, type SampleSet } from './import-results.ts';

export type Comparison = {
  group: string;
  figure: ComparedFigure;
  counts: [number, number];
  medians: [number, number];
  /** Second median ÷ first − 1. */
  change: number;
  /** Mann–Whitney U, Holm-adjusted for all comparisons made. */
  p: number;
  verdict: 'slower' | 'faster' | 'same';
};
export type CompareOptions = {
  /** Highest adjusted p that counts as no chance. */
  alpha: number;
  /** Least change of the median that matters: 0.05 is 5 %. */
  threshold: number;
};

const leastSamples = 3;

/**
 * Groups are matched by name; where each side has exactly one, by position, so that a run can be held against another tool's.
 * Figures with fewer than three samples on a side are left out: nothing can be said of them.
 */
export function compareSamples(first: SampleSet, second: SampleSet, options: CompareOptions): Comparison[] {
  const found: Omit<Comparison, 'verdict'>[] = [];
  for (const [group, before, after] of pairs(first, second)) {
    for (const figure of comparedFigures) {
      const [a, b] = [before[figure] ?? [], after[figure] ?? []];
      if (a.length < leastSamples || b.length < leastSamples) continue;
      const medians: [number, number] = [percentile(a, 50) ?? Number.NaN, percentile(b, 50) ?? Number.NaN];
      const change = medians[1] / medians[0] - 1;
      found.push({ group, figure, counts: [a.length, b.length], medians, change, p: mannWhitneyP(a, b) });
    }
  }
  const adjusted = holmAdjusted(found.map(({ p }) => p));
  return found.map((each, index) => {
    const p = adjusted[index] ?? 1;
    const matters = p <= options.alpha && Math.abs(each.change) >= options.threshold;
    return Object.assign(each, { p, verdict: matters ? (each.change > 0 ? 'slower' : 'faster') : 'same' } as const);
  });
}

function pairs(first: SampleSet, second: SampleSet) {
  const [names, others] = [Object.keys(first.groups), Object.keys(second.groups)];
  const [only, other] = [names[0], others[0]];
  if (names.length === 1 && others.length === 1 && only !== undefined && other !== undefined) {
    const label = only === other ? only : `${only} → ${other}`;
    return [[label, first.groups[only] ?? {}, second.groups[other] ?? {}] as const];
  }
  return names
    .filter((name) => others.includes(name))
    .map((name) => [name, first.groups[name] ?? {}, second.groups[name] ?? {}] as const);
}
