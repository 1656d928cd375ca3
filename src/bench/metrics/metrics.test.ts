import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../record.ts';
import { isWithin, metricsOf } from './request-metrics.ts';
import { fisherExactP, holmAdjusted, mannWhitneyP } from './significance.ts';
import { meanInterval, meanRatio, percentile } from './statistics.ts';
import { summarise } from './summary.ts';

function record(change: Partial<RequestRecord> = {}): RequestRecord {
  return {
    type: 'request',
    target: 'a',
    suite: 'load',
    case: '1',
    warmup: false,
    attempt: 1,
    outcome: 'ok',
    startedMs: 0,
    chunks: [100, 150, 210].map((atMs) => ({ atMs, kind: 'text' as const })),
    endMs: 220,
    usage: { promptTokens: 5, completionTokens: 7 },
    ...change,
  };
}

describe('metricsOf', () => {
  it('follows the definitions of vllm bench serve', () => {
    expect(metricsOf(record())).toMatchObject({
      ttftMs: 100,
      e2elMs: 220,
      tpotMs: 20,
      itlMs: [50, 60],
      outputTokens: 7,
      tokensFrom: 'usage',
      tokensPerSecond: 50,
    });
  });

  it('counts reasoning as first output and tells the first answer apart', () => {
    const chunks = [
      { atMs: 10, kind: 'reasoning' as const },
      { atMs: 90, kind: 'text' as const },
    ];
    expect(metricsOf(record({ chunks }))).toMatchObject({ ttftMs: 10, firstAnswerMs: 90 });
  });

  it('says that tokens were counted by chunks where the server gave no usage', () => {
    const { usage: _, ...without } = record();
    expect(metricsOf(without)).toMatchObject({ outputTokens: 3, tokensFrom: 'chunks', tpotMs: 60 });
  });

  it('has no speed for an answer that came in one piece', () => {
    expect(metricsOf(record({ chunks: [{ atMs: 219, kind: 'text' }] })).tpotMs).toBeUndefined();
  });
});

describe('summarise', () => {
  it('leaves warm-ups out, counts failures and keeps them out of the latencies', () => {
    const summary = summarise(
      [
        record({ warmup: true, endMs: 9000 }),
        record(),
        record({ startedMs: 780 }),
        record({ outcome: 'rate-limited', chunks: [], endMs: 2 }),
      ],
      { ttftMs: 100, e2elMs: 1000 },
    );
    expect(summary).toMatchObject({ requests: 3, outcomes: { ok: 2, 'rate-limited': 1 }, durationSeconds: 1 });
    expect(summary).toMatchObject({ goodput: 2, outputTokensPerSecond: 14, ttftMs: { mean: 100, count: 2 } });
  });

  it('has no figures where nothing was answered, instead of zeros', () => {
    const summary = summarise([record({ outcome: 'empty', chunks: [] })]);
    expect(summary.ttftMs).toBeUndefined();
    expect(summary.goodput).toBe(0);
  });

  it('holds a request against every limit', () => {
    expect(isWithin(record(), { ttftMs: 100, tpotMs: 20, e2elMs: 220 })).toBe(true);
    expect(isWithin(record(), { tpotMs: 19 })).toBe(false);
    expect(isWithin(record({ outcome: 'broken' }), {})).toBe(false);
  });
});

describe('statistics', () => {
  it('interpolates percentiles as numpy does', () => {
    expect(percentile([1, 2, 3, 4], 50)).toBe(2.5);
    expect(percentile([10, 20, 30], 99)).toBeCloseTo(29.8);
    expect(percentile([], 50)).toBeUndefined();
  });

  it('gives an interval around the mean that narrows with more values', () => {
    const few = meanInterval([1, 2, 3, 4, 5]);
    const many = meanInterval(Array.from({ length: 100 }, (_, index) => 1 + (index % 5)));
    expect(few!.low).toBeLessThan(3);
    expect(few!.high).toBeGreaterThan(3);
    expect(many!.high - many!.low).toBeLessThan((few!.high - few!.low) / 2);
    expect(meanInterval([1, 2])).toBeUndefined();
  });

  it('gives the ratio of two means with its interval', () => {
    const ratio = meanRatio([20, 21, 19], [10, 10.5, 9.5]);
    expect(ratio!.ratio).toBe(2);
    expect(ratio!.interval!.low).toBeGreaterThan(1.8);
  });
});

describe('significance', () => {
  // Values from scipy.stats.mannwhitneyu, two-sided.
  it('agrees with scipy, exact and approximated', () => {
    expect(mannWhitneyP([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(0.007_936_5, 6);
    expect(mannWhitneyP([1, 3, 5], [2, 4, 6])).toBeCloseTo(0.7, 6);
    expect(mannWhitneyP([1, 2, 2, 3], [2, 3, 3, 4])).toBeCloseTo(0.1720337089218229, 4);
  });

  it('sees no difference between a sample and itself', () => {
    expect(mannWhitneyP([5, 5, 5], [5, 5, 5])).toBe(1);
  });

  it('corrects for the number of comparisons', () => {
    expect(holmAdjusted([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  });
});

it('Fisher’s exact test gives the known probabilities', () => {
  // The example of Fisher's tea taster, and one of the usual textbooks.
  expect(fisherExactP(3, 1, 1, 3)).toBeCloseTo(0.4857, 4);
  expect(fisherExactP(1, 9, 11, 3)).toBeCloseTo(0.002759, 5);
  expect(fisherExactP(5, 0, 5, 0)).toBe(1);
});
