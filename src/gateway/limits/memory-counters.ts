import type { Clock } from '../../core/clock.ts';
import {
  type BucketLevel,
  type RateAnswer,
  type RateCounters,
  refilled,
  type RateWant,
  stateOf,
  waitMs,
} from './rate-counters.ts';

/** Buckets of this process. Full ones are forgotten, so their number follows the keys that are in use. */
export class MemoryCounters implements RateCounters {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, BucketLevel & { limit: number }>();
  #takes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(keyId: string, wants: readonly RateWant[]): Promise<RateAnswer> {
    const now = this.#clock.now();
    const levels = wants.map((want) => refilled(this.#buckets.get(name(keyId, want)), want.limitPerMinute, now));
    const waits = wants.map((want, index) => waitMs(levels[index] ?? 0, want));
    const retryAfterMs = Math.max(0, ...waits);
    const isTaken = retryAfterMs === 0;
    const states = wants.map((want, index) => {
      const level = (levels[index] ?? 0) - (isTaken ? want.amount : 0);
      if (isTaken) this.#buckets.set(name(keyId, want), { level, atMs: now, limit: want.limitPerMinute });
      return stateOf(want, level);
    });
    this.#takes++;
    if (this.#takes % 1024 === 0) this.#forgetFull(now);
    if (isTaken) return { isTaken, states, retryAfterMs: 0 };
    const refusedBy = wants[waits.indexOf(retryAfterMs)]?.what ?? 'requests';
    return { isTaken, states, retryAfterMs, refusedBy };
  }

  adjust(keyId: string, want: RateWant): void {
    const now = this.#clock.now();
    const level = refilled(this.#buckets.get(name(keyId, want)), want.limitPerMinute, now) - want.amount;
    const limit = want.limitPerMinute;
    this.#buckets.set(name(keyId, want), { level: Math.min(limit, level), atMs: now, limit });
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }

  #forgetFull(now: number): void {
    for (const [bucket, state] of this.#buckets) {
      if (refilled(state, state.limit, now) >= state.limit) this.#buckets.delete(bucket);
    }
  }
}

function name(keyId: string, { what }: RateWant): string {
  return `${keyId} ${what}`;
}
