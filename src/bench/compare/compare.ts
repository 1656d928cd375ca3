/** Whether the second result is worse than the first by more than chance: slower, fewer answers, or fewer that are right. */
import { fisherExactP, holmAdjusted, mannWhitneyP } from '../metrics/significance.ts';
import { percentile } from '../metrics/statistics.ts';
import {
  comparedFigures,
  type ComparedFigure,
  type SampleSet,
  type Share,
  type TargetSamples,
} from './import-results.ts';

export type Comparison = {
  target: string;
  /** What was measured: `scenarios/code, warm`; empty for the shares, which are of everything. */
  group: string;
  figure: ComparedFigure | 'answered' | 'correct';
  /** Samples on each side. */
  counts: [number, number];
  /** Medians in ms, or shares from 0 to 1. */
  values: [number, number];
  /** Second ÷ first − 1; for shares second − first. */
  change: number;
  /** Mann–Whitney U, or Fisher's exact test for shares; Holm-adjusted for all comparisons made. */
  p: number;
  verdict: 'worse' | 'better' | 'same';
};
export type CompareOptions = {
  /** Highest adjusted p that counts as no chance. */
  alpha: number;
  /** Least change of a median that matters: 0.05 is 5 %. */
  threshold: number;
  /** Take only these targets, and hold them against each other whatever they are called. */
  firstTarget?: string | undefined;
  secondTarget?: string | undefined;
};

export type ComparedPair = { target: string; first: TargetSamples; second: TargetSamples };
const leastSamples = 3;

/** Targets of one name belong together; so do the only two there are, so that a run can be held against another tool's. */
export function pairTargets(first: SampleSet, second: SampleSet, options: CompareOptions): ComparedPair[] {
  const names = Object.keys(first.targets).filter((name) => name === (options.firstTarget ?? name));
  const others = Object.keys(second.targets).filter((name) => name === (options.secondTarget ?? name));
  const [only, other] = [names[0], others[0]];
  if (names.length === 1 && others.length === 1 && only !== undefined && other !== undefined) {
    const target = only === other ? only : `${only} → ${other}`;
    return pairOf(target, first.targets[only], second.targets[other]);
  }
  return names.flatMap((name) => pairOf(name, first.targets[name], second.targets[name]));
}

function pairOf(target: string, first?: TargetSamples, second?: TargetSamples): ComparedPair[] {
  return first === undefined || second === undefined ? [] : [{ target, first, second }];
}

/** Figures with fewer than three samples on a side are left out: nothing can be said of them. */
export function compareSamples(first: SampleSet, second: SampleSet, options: CompareOptions): Comparison[] {
  const found: Omit<Comparison, 'verdict'>[] = [];
  for (const pair of pairTargets(first, second, options)) {
    found.push(...shareRows(pair, 'answered'), ...shareRows(pair, 'correct'));
    for (const [group, before, after] of groupsOf(pair)) {
      for (const figure of comparedFigures) {
        const [a, b] = [before[figure] ?? [], after[figure] ?? []];
        if (a.length < leastSamples || b.length < leastSamples) continue;
        const values: [number, number] = [percentile(a, 50) ?? Number.NaN, percentile(b, 50) ?? Number.NaN];
        const change = values[1] / values[0] - 1;
        const counts: [number, number] = [a.length, b.length];
        found.push({ target: pair.target, group, figure, counts, values, change, p: mannWhitneyP(a, b) });
      }
    }
  }
  const adjusted = holmAdjusted(found.map(({ p }) => p));
  return found.map((each, index) => {
    const p = adjusted[index] ?? 1;
    return Object.assign(each, { p, verdict: verdictOf(each, p, options) });
  });
}

function verdictOf(
  { figure, change }: Omit<Comparison, 'verdict'>,
  p: number,
  options: CompareOptions,
): Comparison['verdict'] {
  const isShare = figure === 'answered' || figure === 'correct';
  if (p > options.alpha || change === 0) return 'same';
  // Milliseconds should be few, answers many; an answer that is missing matters however few they are.
  if (isShare) return change < 0 ? 'worse' : 'better';
  if (Math.abs(change) < options.threshold) return 'same';
  return change > 0 ? 'worse' : 'better';
}

function shareRows(
  { target, first, second }: ComparedPair,
  figure: 'answered' | 'correct',
): Omit<Comparison, 'verdict'>[] {
  const [before, after] = [first[figure], second[figure]];
  if (before.all < leastSamples || after.all < leastSamples) return [];
  const values: [number, number] = [before.good / before.all, after.good / after.all];
  const p = fisherExactP(...cells(before), ...cells(after));
  return [{ target, group: '', figure, counts: [before.all, after.all], values, change: values[1] - values[0], p }];
}

function cells({ good, all }: Share): [number, number] {
  return [good, all - good];
}

function groupsOf({ first, second }: ComparedPair) {
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
