/** What the tables are made of. */
import { z } from 'zod';
import type { Limits } from '../metrics/request-metrics.ts';
import { meanRatio } from '../metrics/statistics.ts';
import type { Distribution } from '../metrics/summary.ts';
import type { RequestRecord } from '../record.ts';
import type { Results } from '../results-file.ts';
import { both, same, type Text } from './texts.ts';

export type Table = { title: Text; head: Text[]; rows: Text[][]; notes: Text[] };

const limitsSchema = z
  .object({
    ttftMs: z.number().exactOptional(),
    tpotMs: z.number().exactOptional(),
    e2elMs: z.number().exactOptional(),
  })
  .catch({});

export const missing = both('未测得', 'not measured');

export function limitsOf({ run }: Results): Limits {
  return limitsSchema.parse(run.options['limits'] ?? {});
}

export function requestsOf(results: Results, target: string, suite: string, name?: string): RequestRecord[] {
  return results.requests.filter(
    (record) => record.target === target && record.suite === suite && (name === undefined || record.case === name),
  );
}

export function targetHeads({ run }: Results): Text[] {
  return run.targets.map(({ name }) => same(name));
}

export function shown(value: Distribution, unit: string, digits: number): Text {
  const { interval } = value;
  const range = interval === undefined ? '' : ` [${interval.low.toFixed(digits)}–${interval.high.toFixed(digits)}]`;
  return same(`${value.mean.toFixed(digits)} ${unit}${range}`);
}

export function ratio(top: Distribution | Text | undefined, bottom: Distribution | Text | undefined): Text {
  if (top === undefined || bottom === undefined || !('mean' in top) || !('mean' in bottom)) return same('–');
  const found = meanRatio(top.values, bottom.values);
  if (found === undefined) return same('–');
  const { interval } = found;
  return same(
    `${found.ratio.toFixed(2)}${interval === undefined ? '' : ` [${interval.low.toFixed(2)}–${interval.high.toFixed(2)}]`}`,
  );
}

export function limitNote({ ttftMs, tpotMs, e2elMs }: Limits): Text {
  const parts = [
    ...(ttftMs === undefined ? [] : [`TTFT ≤ ${ttftMs} ms`]),
    ...(tpotMs === undefined ? [] : [`TPOT ≤ ${tpotMs} ms`]),
    ...(e2elMs === undefined ? [] : [`E2EL ≤ ${e2elMs} ms`]),
  ].join(', ');
  return both(`限值：${parts === '' ? '无' : parts}`, `Limits: ${parts === '' ? 'none' : parts}`);
}
