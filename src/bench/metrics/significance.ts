/** Whether two samples differ by more than chance. */

/**
 * Two-sided Mann–Whitney U test: the probability of ranks at least this far apart were both samples from one distribution.
 * No assumption of normality, which latencies do not have. Exact for up to 20 values a side without ties, else the normal
 * approximation with the corrections for ties and continuity (Mann and Whitney 1947).
 */
export function mannWhitneyP(first: readonly number[], second: readonly number[]): number {
  const sizes = [first.length, second.length] as const;
  if (sizes[0] === 0 || sizes[1] === 0) return 1;
  const all = [...first.map((value) => ({ value, own: true })), ...second.map((value) => ({ value, own: false }))];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let tieTerm = 0;
  for (let start = 0; start < all.length;) {
    let end = start;
    while (end < all.length && all[end]?.value === all[start]?.value) end++;
    const rank = (start + 1 + end) / 2;
    const tied = end - start;
    tieTerm += tied ** 3 - tied;
    for (const { own } of all.slice(start, end)) if (own) rankSum += rank;
    start = end;
  }
  const u = rankSum - (sizes[0] * (sizes[0] + 1)) / 2;
  if (tieTerm === 0 && Math.max(...sizes) <= 20) return exactP(u, ...sizes);
  const total = all.length;
  const deviation = Math.sqrt(((sizes[0] * sizes[1]) / 12) * (total + 1 - tieTerm / (total * (total - 1))));
  if (!(deviation > 0)) return 1;
  const distance = Math.max(0, Math.abs(u - (sizes[0] * sizes[1]) / 2) - 0.5);
  return Math.min(1, 2 * upperNormal(distance / deviation));
}

/** Counts the arrangements with a U as extreme as this one. */
function exactP(u: number, n: number, m: number): number {
  // waysOf[i][k]: arrangements of i first-sample values whose U is k; grows by one second-sample value a round.
  let waysOf = Array.from({ length: n + 1 }, () => new Float64Array(n * m + 1));
  for (const row of waysOf) row[0] = 1;
  for (let others = 1; others <= m; others++) {
    const next = waysOf.map(() => new Float64Array(n * m + 1));
    for (const [own, row] of next.entries()) {
      for (let k = 0; k <= n * m; k++) {
        const fromOwn = own > 0 && k >= others ? (next[own - 1]?.[k - others] ?? 0) : 0;
        row[k] = fromOwn + (waysOf[own]?.[k] ?? 0);
      }
    }
    waysOf = next;
  }
  const counts = waysOf[n] ?? new Float64Array();
  const total = counts.reduce((sum, count) => sum + count, 0);
  const least = Math.min(u, n * m - u);
  const tail = counts.slice(0, Math.floor(least) + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * tail) / total);
}

/** 1 − Φ(z) by Abramowitz and Stegun 26.2.17; absolute error below 7.5e-8. */
function upperNormal(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * z);
  const series = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
  const sum = series.reduceRight((total, coefficient) => (total + coefficient) * t, 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

/**
 * Two-sided Fisher's exact test of a 2 × 2 table (Fisher 1922): the probability of a table at most as likely as this one,
 * its margins given.
 */
export function fisherExactP(goodA: number, badA: number, goodB: number, badB: number): number {
  const [allA, allB, good] = [goodA + badA, goodB + badB, goodA + goodB];
  const logLikelihood = (x: number): number =>
    logChoose(allA, x) + logChoose(allB, good - x) - logChoose(allA + allB, good);
  const seen = logLikelihood(goodA);
  let sum = 0;
  for (let x = Math.max(0, good - allB); x <= Math.min(allA, good); x++) {
    // Equal likelihoods may differ in their last digits.
    if (logLikelihood(x) <= seen + 1e-7) sum += Math.exp(logLikelihood(x));
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const logFactorials = [0];
function logFactorial(n: number): number {
  for (let k = logFactorials.length; k <= n; k++) logFactorials[k] = (logFactorials[k - 1] ?? 0) + Math.log(k);
  return logFactorials[n] ?? Number.NaN;
}

/** Holm's step-down correction: each p adjusted for how many were looked at, so that 40 comparisons raise no false alarm. */
export function holmAdjusted(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).toSorted((a, b) => a.value - b.value);
  const adjusted = Array.from({ length: values.length }, () => 1);
  let floor = 0;
  for (const [position, { value, index }] of order.entries()) {
    floor = Math.max(floor, Math.min(1, value * (values.length - position)));
    adjusted[index] = floor;
  }
  return adjusted;
}
