import type { Measurement } from './contender.ts';
import { median } from './workload.ts';

/**
 * Tokens of all streams, in whole steps from the one with which the last stream begins to the one with which the first stream ends.
 * Tokens of one step arrive some microseconds apart: all of the last step count, none of the first.
 *
 * @param streams when the tokens of each stream arrived, ms, two or more each
 */
export function whileAllRun(streams: readonly (readonly number[])[]): Measurement {
  const from = Math.max(...streams.map((arrivals) => arrivals[0] ?? Number.NaN));
  const to = Math.min(...streams.map((arrivals) => arrivals.at(-1) ?? Number.NaN));
  const gaps = streams.flatMap((arrivals) =>
    arrivals.slice(1).map((arrival, index) => arrival - (arrivals[index] ?? Number.NaN)),
  );
  const sameStep = median(gaps) / 2;
  const isWithin = (arrival: number): boolean => arrival > from + sameStep && arrival <= to + sameStep;
  const tokens = streams.reduce((sum, arrivals) => sum + arrivals.filter(isWithin).length, 0);
  return { tokens, milliseconds: to - from };
}
