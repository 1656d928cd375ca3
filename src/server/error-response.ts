import { type DuanyunError, makeError, toDuanyunError } from '../core/errors.ts';
import { errorBody } from '../protocol/error-body.ts';

/** Seconds that a client should wait where the error itself does not say. */
const defaultRetryAfterSeconds = 1;

/** The one place where an error becomes an HTTP answer. */
export function errorResponse(error: DuanyunError, headers: Record<string, string> = {}): Response {
  const all: Record<string, string> = { ...headers, 'content-type': 'application/json' };
  if (error.status === 429 || error.status === 503) {
    all['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? defaultRetryAfterSeconds)));
  }
  if (error.status === 401) all['www-authenticate'] = 'Bearer';
  // The rest of a body that was not read would be taken for the next request.
  if (error.status === 413 || error.status === 408) all['connection'] = 'close';
  return new Response(JSON.stringify(errorBody(error)), { status: error.status, headers: all });
}

/** `error` as one of ours. What a client aborted is `client_closed`, whatever it surfaced as. */
export function normalised(error: unknown, requestId: string, signal?: AbortSignal): DuanyunError {
  if (signal?.aborted === true && error === signal.reason) {
    const own = toDuanyunError(error, requestId);
    return own.code === 'internal' ? makeError('client_closed', {}) : own;
  }
  return toDuanyunError(error, requestId);
}
