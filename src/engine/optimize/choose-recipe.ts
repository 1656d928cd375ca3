/** From measured candidates to the one that a goal asks for. Pure. */

export const optimizeGoals = ['speed', 'balanced', 'small', 'exact'] as const;
export type OptimizeGoal = (typeof optimizeGoals)[number];

/** Mean KL divergence from the source file in nats a token that a goal accepts at most. */
export const klLimits: Readonly<Record<OptimizeGoal, number>> = {
  exact: 0.004,
  balanced: 0.022,
  speed: 0.033,
  small: 0.066,
};

/** Ratios against the source file, measured in turns in one run. */
export type SpeedRatios = { prefill: Spread; decode: Spread; eightStreams: Spread };
export type Spread = { median: number; least: number; most: number };
export type Quality = {
  /** Mean over the tokens of the evaluation text, nats. */
  kl: number;
  /** Standard error of that mean. */
  klError: number;
  /** Share of tokens whose most likely continuation is the same, 0–1. */
  sameTop: number;
  perplexity: number;
};
export type MeasuredCandidate = { id: string; sizeBytes: number; quality: Quality; speed: SpeedRatios };

/** A gain below this is not told from noise, and not worth another file. */
const worthwhileGain = 1.03;

/** One figure for "how fast": decoding weighs twice, because answers take longer than prompts. */
export function overallSpeed({ prefill, decode, eightStreams }: SpeedRatios): number {
  return (prefill.median * decode.median ** 2 * eightStreams.median) ** (1 / 4);
}

/** Candidates that no other one beats in both speed and quality, most exact first. */
export function paretoFront(candidates: readonly MeasuredCandidate[]): MeasuredCandidate[] {
  const beats = (left: MeasuredCandidate, right: MeasuredCandidate) =>
    left.quality.kl <= right.quality.kl &&
    overallSpeed(left.speed) >= overallSpeed(right.speed) &&
    (left.quality.kl < right.quality.kl || overallSpeed(left.speed) > overallSpeed(right.speed));
  return candidates
    .filter((candidate) => !candidates.some((other) => beats(other, candidate)))
    .toSorted((left, right) => left.quality.kl - right.quality.kl);
}

/** `undefined`: the source file is as good as any. */
export function chooseCandidate(
  candidates: readonly MeasuredCandidate[],
  goal: OptimizeGoal,
  sourceBytes: number,
  klLimit = klLimits[goal],
): MeasuredCandidate | undefined {
  const fitting = candidates.filter(({ quality }) => quality.kl <= klLimit);
  if (goal === 'small') {
    return fitting
      .filter(({ sizeBytes }) => sizeBytes < sourceBytes)
      .toSorted((left, right) => left.sizeBytes - right.sizeBytes)[0];
  }
  return fitting
    .filter(({ speed }) => overallSpeed(speed) >= worthwhileGain)
    .toSorted((left, right) => overallSpeed(right.speed) - overallSpeed(left.speed))[0];
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}
