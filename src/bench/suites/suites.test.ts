import { describe, expect, it } from 'vitest';
import { summarise } from '../metrics/summary.ts';
import type { RequestRecord } from '../record.ts';
import { poissonArrivals } from './arrivals.ts';
import { overSaturation } from './load.ts';
import { loadMaterial } from './material.ts';
import { qualityItems } from './quality.ts';
import { refusalOf } from './scenarios.ts';

function level(count: number, ttftMs: number, tokens: number, outcome: RequestRecord['outcome'] = 'ok') {
  return summarise(
    Array.from({ length: count }, () => ({
      type: 'request' as const,
      target: 't',
      suite: 'load',
      case: 'c',
      warmup: false,
      attempt: 1,
      outcome,
      startedMs: 0,
      chunks: [
        { atMs: ttftMs, kind: 'text' as const },
        { atMs: 1000, kind: 'text' as const },
      ],
      endMs: 1000,
      usage: { promptTokens: 1, completionTokens: tokens },
    })),
  );
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
