/** AUROC and bootstrap intervals. */

export type Interval = { value: number; low: number; high: number };

/** Probability that a positive has a higher score than a negative; ties count half. `NaN` where one kind is missing. */
export function auroc(scores: readonly number[], positives: readonly boolean[]): number {
  const order = scores.map((score, index) => ({ score, positive: positives[index] === true }));
  order.sort((left, right) => left.score - right.score);
  let rankSum = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && order[end]?.score === order[start]?.score) end++;
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index++) if (order[index]?.positive === true) rankSum += rank;
    start = end;
  }
  const count = order.filter(({ positive }) => positive).length;
  return (rankSum - (count * (count + 1)) / 2) / (count * (order.length - count));
}

/** 95 % percentile interval over `rounds` resamples of the indices. */
export function bootstrap(
  size: number,
  statistic: (indices: readonly number[]) => number,
  random: () => number,
  rounds = 1000,
): Interval {
  const all = Array.from({ length: size }, (_, index) => index);
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const value = statistic(all.map(() => Math.floor(random() * size)));
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((left, right) => left - right);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
  return { value: statistic(all), low: at(0.025), high: at(0.975) };
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

/** As a share in percent, or with so many digits. */
export function shown({ value, low, high }: Interval, digits?: number): string {
  const text = (each: number): string => (digits === undefined ? percent(each) : each.toFixed(digits));
  return `${text(value)} [${text(low)}–${text(high)}]`;
}
