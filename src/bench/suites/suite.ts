/** What every suite gets, and the two ways to send many requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatCall, LoadClient, Target } from '../client/load-client.ts';
import type { Limits } from '../metrics/request-metrics.ts';
import type { Material } from './material.ts';
import type { NoteRecord, RequestRecord, ResultLine, RunRecord } from '../record.ts';

export type SuiteContext = {
  target: Target;
  client: LoadClient;
  /** Ctrl-C, or the end of the time that this suite may take on this target. */
  signal: AbortSignal;
  quick: boolean;
  limits: Limits;
  seed: number;
  material: Material;
  write(line: Exclude<ResultLine, RunRecord>): void;
};

export type Suite = { name: string; run(context: SuiteContext): Promise<void> };

const longestWaitSeconds = 30;
const attempts = 3;

/** Sends and writes the record down. */
export async function send(context: SuiteContext, call: ChatCall): Promise<RequestRecord> {
  const record = await context.client.send(context.target, call, context.signal);
  context.write(record);
  return record;
}

/** Waits as a 429 asks and tries again; each try is a record of its own. For suites that send one request at a time. */
export async function sendPatiently(context: SuiteContext, call: ChatCall): Promise<RequestRecord> {
  for (let attempt = 1; ; attempt++) {
    const record = await send(context, { ...call, attempt });
    if (record.outcome !== 'rate-limited' || attempt === attempts || context.signal.aborted) return record;
    const waitSeconds = Math.min(record.retryAfterSeconds ?? 1, longestWaitSeconds);
    await sleep(waitSeconds * 1000, undefined, { signal: context.signal }).catch(() => {});
  }
}

export function note(
  context: SuiteContext,
  suite: string,
  kind: NoteRecord['kind'],
  text: string,
  more: Partial<Pick<NoteRecord, 'case' | 'value'>> = {},
): void {
  context.write({ type: 'note', target: context.target.name, suite, kind, text, ...more });
}

/** `concurrency` users who each send their next request when the last one ended. */
export async function inTurns(
  concurrency: number,
  total: number,
  signal: AbortSignal,
  fire: (index: number) => Promise<RequestRecord>,
): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  let next = 0;
  const user = async (): Promise<void> => {
    while (next < total && !signal.aborted) {
      const index = next++;
      records.push(await fire(index));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, total) }, user));
  return records;
}

/** Requests at set times, whether or not the earlier ones have ended. */
export async function atTimes(
  timesMs: readonly number[],
  signal: AbortSignal,
  fire: (index: number) => Promise<RequestRecord>,
): Promise<RequestRecord[]> {
  const startMs = performance.now();
  const one = async (atMs: number, index: number): Promise<RequestRecord | undefined> => {
    const waitMs = atMs - (performance.now() - startMs);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    return signal.aborted ? undefined : fire(index);
  };
  const records = await Promise.all(timesMs.map(one));
  return records.filter((record) => record !== undefined);
}
