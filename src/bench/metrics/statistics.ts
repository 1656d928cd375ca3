/** Numbers about numbers. Every function takes plain arrays; an empty one gives `undefined`, never 0. */
import { seededRandom } from './random.ts';

export function mean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Linear interpolation between the two nearest ranks, as numpy's default and so as `vllm bench serve`.
 *
 * @param percent 0–100
 */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const position = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (position - Math.floor(position));
}

export type Interval = { low: number; high: number };

const resamples = 2000;

/** Percentile bootstrap of the mean, 95 %, seeded. Fewer than 3 values say nothing of their spread: `undefined`. */
export function meanInterval(values: readonly number[]): Interval | undefined {
  if (values.length < 3) return undefined;
  const random = seededRandom(values.length);
  const means = Array.from({ length: resamples }, () => resampledMean(values, random));
  return intervalOf(means);
}

/** The ratio of two means with its 95 % bootstrap interval. The interval is absent where one side has fewer than 3 values. */
export function meanRatio(
  top: readonly number[],
  bottom: readonly number[],
): { ratio: number; interval?: Interval } | undefined {
  const above = mean(top);
  const below = mean(bottom);
  if (above === undefined || below === undefined || below === 0) return undefined;
  const ratio = above / below;
  if (top.length < 3 || bottom.length < 3) return { ratio };
  const random = seededRandom(top.length + bottom.length);
  const ratios = Array.from({ length: resamples }, () => resampledMean(top, random) / resampledMean(bottom, random));
  return { ratio, interval: intervalOf(ratios) };
}

function resampledMean(values: readonly number[], random: () => number): number {
  let sum = 0;
  for (let count = 0; count < values.length; count++) sum += values[Math.floor(random() * values.length)] ?? 0;
  return sum / values.length;
}

function intervalOf(values: readonly number[]): Interval {
  return { low: percentile(values, 2.5) ?? Number.NaN, high: percentile(values, 97.5) ?? Number.NaN };
}
