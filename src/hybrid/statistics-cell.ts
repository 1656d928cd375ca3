/** The four fixed words that a receipt becomes in the statistics. */
import type { Receipt } from './receipts.ts';

export type StatisticsCell = {
  task: Receipt['task'];
  target: 'device' | 'cloud' | 'none';
  reason: StatisticsReason;
  latency: StatisticsLatency;
};
export type StatisticsReason =
  | 'private'
  | 'offline'
  | 'capability'
  | 'budget'
  | 'deadline'
  | 'ordered'
  | 'preferred'
  | 'scored'
  | 'fallback';
export type StatisticsLatency = '0.5' | '1' | '2' | '5' | '10' | 'more' | 'unknown';

export function cellOf(receipt: Receipt): StatisticsCell {
  return {
    task: receipt.task,
    target: receipt.target ?? 'none',
    reason: reasonOf(receipt),
    latency: latencyOf(receipt.timings.totalMs),
  };
}

function reasonOf({ privacy, attempts, reasons }: Receipt): StatisticsReason {
  if (privacy === 'device') return 'private';
  if (attempts.length > 1) return 'fallback';
  const any = (pattern: RegExp): boolean => reasons.some((reason) => pattern.test(reason));
  if (any(/-(offline|breaker-open|unavailable|not-configured|queue-full)$/)) return 'offline';
  if (any(/-(modality|tools|embeddings|context-length)$/)) return 'capability';
  if (any(/-(budget|daily-budget)$/)) return 'budget';
  if (any(/-deadline$/)) return 'deadline';
  if (any(/-only-(on-device|in-cloud)$/)) return 'ordered';
  return any(/-scores-better$/) ? 'scored' : 'preferred';
}

function latencyOf(totalMs: number | undefined): StatisticsLatency {
  if (totalMs === undefined) return 'unknown';
  const bounds: [number, StatisticsLatency][] = [
    [500, '0.5'],
    [1000, '1'],
    [2000, '2'],
    [5000, '5'],
    [10_000, '10'],
  ];
  return bounds.find(([limitMs]) => totalMs < limitMs)?.[1] ?? 'more';
}
