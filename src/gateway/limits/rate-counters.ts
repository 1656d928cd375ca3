/** Requests and tokens of a minute, counted for each key. Implementations pass one contract suite. */

export type RateWant = {
  what: 'requests' | 'tokens';
  /** May be more than the limit: then it is let in when the bucket is full, and leaves it empty for as long as it takes. */
  amount: number;
  limitPerMinute: number;
};
export type RateState = {
  what: 'requests' | 'tokens';
  limit: number;
  remaining: number;
  /** Until all of the limit is there again. */
  resetMs: number;
};
export type RateAnswer = {
  isTaken: boolean;
  states: RateState[];
  /** When it may be tried again; 0 where it was taken. */
  retryAfterMs: number;
  /** Which limit was in the way. */
  refusedBy?: 'requests' | 'tokens';
};

/**
 * A bucket for each key and kind: it holds the limit of one minute, and fills again evenly. So no window begins anew at
 * once, and nothing depends on the wall clock.
 */
export interface RateCounters {
  /** Takes all or nothing. */
  take(keyId: string, wants: readonly RateWant[]): Promise<RateAnswer>;
  /** What was taken by estimate turned out otherwise; negative gives back. Best effort, never throws. */
  adjust(keyId: string, want: RateWant): void;
  close(): Promise<void>;
}

export type BucketLevel = { level: number; atMs: number };
export const minuteMs = 60_000;

/** The level now, of a bucket that was last looked at earlier; a clock that went back counts as standing still. */
export function refilled(bucket: BucketLevel | undefined, limit: number, nowMs: number): number {
  if (bucket === undefined) return limit;
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  return Math.min(limit, bucket.level + (elapsedMs * limit) / minuteMs);
}

/** When `amount` can be taken from a bucket at `level`; more than the limit waits for a full one. */
export function waitMs(level: number, { amount, limitPerMinute: limit }: RateWant): number {
  const needed = Math.min(amount, limit);
  return level >= needed ? 0 : Math.ceil(((needed - level) * minuteMs) / limit);
}

export function stateOf(want: RateWant, level: number): RateState {
  const { what, limitPerMinute: limit } = want;
  return {
    what,
    limit,
    remaining: Math.max(0, Math.floor(level)),
    resetMs: Math.ceil(((limit - level) * minuteMs) / limit),
  };
}
