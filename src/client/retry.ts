/** When another attempt is made, and how long before it. Pure. */
import { DuanyunClientError } from './errors.ts';

export type RetryRules = {
  maxRetries: number;
  /** An error that asks to wait longer than this is thrown at once, with what it asked for. */
  maxRetryAfterSeconds: number;
};

export const defaultRetryRules: RetryRules = { maxRetries: 2, maxRetryAfterSeconds: 30 };

const firstDelayMs = 500;
const maxDelayMs = 8000;

/** @param attempt 0 is the first one */
export function mayRetry(error: unknown, attempt: number, rules: RetryRules): error is DuanyunClientError {
  if (!(error instanceof DuanyunClientError) || !error.retryable || attempt >= rules.maxRetries) return false;
  return (error.retryAfterSeconds ?? 0) <= rules.maxRetryAfterSeconds;
}

/**
 * Never shorter than what the server asked for. The jitter keeps clients that were refused together from coming back
 * together.
 *
 * @param random 0–1
 */
export function retryDelayMs(attempt: number, retryAfterSeconds: number | undefined, random: number): number {
  const ownMs = Math.min(maxDelayMs, firstDelayMs * 2 ** attempt) * (0.5 + random / 2);
  if (retryAfterSeconds === undefined) return ownMs;
  const askedMs = retryAfterSeconds * 1000;
  return askedMs + random * Math.max(250, askedMs / 4);
}
