import { describe, expect, it } from 'vitest';
import type { LoadClient } from '../client/load-client.ts';
import { summarise } from '../metrics/summary.ts';
import type { RequestRecord } from '../record.ts';
import { poissonArrivals } from './arrivals.ts';
import { overSaturation } from './load.ts';
import { loadMaterial } from './material.ts';
import { qualityItems } from './quality.ts';
import { refusalOf } from './scenarios.ts';
import { sendPatiently, type SuiteContext } from './suite.ts';

function timedRecord(ttftMs: number, tokens: number, outcome: RequestRecord['outcome']): RequestRecord {
  return {
    type: 'request',
    target: 't',
    suite: 'load',
    case: 'c',
    warmup: false,
    attempt: 1,
    outcome,
    startedMs: 0,
    chunks: [
      { atMs: ttftMs, kind: 'text' },
      { atMs: 1000, kind: 'text' },
    ],
    endMs: 1000,
    usage: { promptTokens: 1, completionTokens: tokens },
  };
}

function level(count: number, ttftMs: number, tokens: number, outcome: RequestRecord['outcome'] = 'ok') {
  return summarise(Array.from({ length: count }, () => timedRecord(ttftMs, tokens, outcome)));
}

describe('arrivals', () => {
  it('are the same for the same seed and keep the rate', () => {
    const times = poissonArrivals(2000, 5, 7);
    expect(times).toEqual(poissonArrivals(2000, 5, 7));
    expect(times).not.toEqual(poissonArrivals(2000, 5, 8));
    expect(times.at(-1)! / 1000).toBeGreaterThan(360);
    expect(times.at(-1)! / 1000).toBeLessThan(440);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });
});

describe('over-saturation', () => {
  it('stops when more users only wait longer', () => {
    expect(overSaturation(level(4, 100, 10), level(8, 400, 5))).toMatch(/no longer grows/);
    expect(overSaturation(level(4, 100, 10), level(8, 400, 10))).toBeUndefined();
    expect(overSaturation(level(4, 100, 10), level(8, 110, 5))).toBeUndefined();
  });
  it('stops when most are turned away', () => {
    expect(overSaturation(undefined, level(4, 100, 10, 'rate-limited'))).toMatch(/0 of 4/);
  });
});

describe('a retry', () => {
  /** A client whose answers are these outcomes, one after the other. */
  function context(outcomes: RequestRecord['outcome'][]): { context: SuiteContext; written: RequestRecord[] } {
    const written: RequestRecord[] = [];
    const client = {
      send: (_: unknown, call: { attempt?: number }) => {
        const answer = timedRecord(100, 5, outcomes.shift() ?? 'ok');
        return Promise.resolve({ ...answer, attempt: call.attempt ?? 1, retryAfterSeconds: 0 });
      },
    } as unknown as LoadClient;
    const write = (line: unknown) => written.push(line as RequestRecord);
    const target = { name: 't', url: 'http://127.0.0.1:1', model: 'm' };
    return {
      context: { target, client, signal: new AbortController().signal, write } as unknown as SuiteContext,
      written,
    };
  }
  const call = { suite: 's', case: 'c', messages: [], maxTokens: 1 };

  it('is a record of its own, and the one before stays what it was', async () => {
    const { context: suite, written } = context(['rate-limited', 'ok']);
    expect(await sendPatiently(suite, call)).toMatchObject({ outcome: 'ok', attempt: 2 });
    expect(written.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
      ['rate-limited', 1],
      ['ok', 2],
    ]);
  });

  it('happens twice at most, and never after another failure', async () => {
    const limited = context(['rate-limited', 'rate-limited', 'rate-limited', 'ok']);
    expect(await sendPatiently(limited.context, call)).toMatchObject({ outcome: 'rate-limited', attempt: 3 });
    const broken = context(['broken', 'ok']);
    expect(await sendPatiently(broken.context, call)).toMatchObject({ outcome: 'broken', attempt: 1 });
    expect(broken.written).toHaveLength(1);
  });
});

it('the quality set accepts right answers and refuses wrong ones that contain them', () => {
  const verdict = (name: string, text: string) => qualityItems.find((item) => item.name === name)!.right.test(text);
  expect(verdict('zh-sum', '答案是42。')).toBe(true);
  expect(verdict('zh-sum', '142')).toBe(false);
  expect(verdict('en-capital', 'Paris.')).toBe(true);
  expect(verdict('en-capital', 'comparison')).toBe(false);
});

describe('scenarios', () => {
  const record = (outcome: RequestRecord['outcome'], detail: string) =>
    ({ outcome, detail, status: 500 }) as RequestRecord;
  it('a server that lacks pictures is not taken for one that failed', () => {
    expect(refusalOf(record('refused', 'no images'), {})).toBe('no images');
    const lack = record('server-error', 'image input is not supported - hint: provide the mmproj');
    expect(refusalOf(lack, { needs: 'picture' })).toMatch(/mmproj/);
    expect(refusalOf(lack, {})).toBeUndefined();
    expect(refusalOf(record('server-error', 'out of memory'), { needs: 'picture' })).toBeUndefined();
  });
  it('the material is there, and is what it says', async () => {
    const material = await loadMaterial({}, () => Promise.reject(new Error('not asked for')));
    expect(material.pictureUrl).toMatch(/^data:image\/png;base64,iVBOR/);
    expect(Buffer.from(material.audioBase64, 'base64').subarray(0, 4).toString()).toBe('RIFF');
  });
});
