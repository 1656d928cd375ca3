import { describe, expect, it } from 'vitest';
import { DuanyunClientError, retryAfterSeconds } from './errors.ts';
import { defaultRetryRules, mayRetry, retryDelayMs } from './retry.ts';

const error = (code: string, details = {}): DuanyunClientError => new DuanyunClientError(code, 'x', details);

describe('another attempt', () => {
  it.each([
    [error('queue_full', { status: 429 }), true],
    [error('budget_exceeded', { status: 429 }), false],
    [error('internal', { status: 500 }), false],
    [error('invalid_request', { status: 400 }), false],
    [error('server_unreachable'), true],
    [error('response_invalid', { status: 502 }), true],
    [error('response_invalid', { status: 200 }), false],
    [error('response_invalid', { status: 404 }), false],
    [error('a_code_of_the_future', { status: 400 }), false],
    [error('queue_full', { status: 429, retryAfterSeconds: 31 }), false],
    [new TypeError('a defect'), false],
  ])('%s: %s', (given, expected) => {
    expect(mayRetry(given, 0, defaultRetryRules)).toBe(expected);
  });

  it('is made twice at most', () => {
    expect([0, 1, 2].map((attempt) => mayRetry(error('queue_full'), attempt, defaultRetryRules))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('waits longer each time, never less than was asked, and not all at the same moment', () => {
    expect([0, 1, 2, 9].map((attempt) => retryDelayMs(attempt, undefined, 1))).toEqual([500, 1000, 2000, 8000]);
    expect(retryDelayMs(0, undefined, 0)).toBe(250);
    for (const random of [0, 0.5, 1]) expect(retryDelayMs(0, 3, random)).toBeGreaterThanOrEqual(3000);
    expect(retryDelayMs(0, 3, 0.1)).not.toBe(retryDelayMs(0, 3, 0.9));
  });
});

describe('Retry-After', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['7', 7],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %j s', (header, seconds) => {
    expect(retryAfterSeconds(header, nowMs)).toBe(seconds);
  });
});
