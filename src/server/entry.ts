import { randomUUID } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Clock } from '../core/clock.ts';
import { type DuanyunError, makeError } from '../core/errors.ts';
import type { InferenceService } from '../core/inference.ts';
import type { Log, LogFields } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Caller } from '../gateway/keys/key-record.ts';
import type { Pass } from '../gateway/gateway.ts';
import type { Drain } from './drain.ts';
import { addressOf, type GatewaySide } from './gateway-side.ts';
import type { ServerOptions } from './options.ts';

/** What the routes share. */
export type Entry = {
  service: InferenceService;
  options: ServerOptions;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  drain: Drain;
  /** In the role `cloud` only. */
  gateway?: GatewaySide;
};

/** `incoming` and `outgoing` are there when a real connection stands behind the request, not in `app.request`. */
export type EntryEnv = {
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    startedMs: number;
    originAllowed: boolean | undefined;
    /** Set by a handler that goes on after its response has begun; it then logs and counts the request itself. */
    streaming: boolean | undefined;
    /** In the role `cloud`: whose key it is, its right to run, and what is left of its limits. */
    caller: Caller | undefined;
    pass: Pass | undefined;
    rateHeaders: Record<string, string> | undefined;
  };
};
export type EntryContext = Context<EntryEnv>;

export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`;
}

/** Counts and logs a request that is over. Nothing of what it said is logged. */
export function finishRequest(
  entry: Entry,
  c: EntryContext,
  status: number,
  error?: DuanyunError,
  more: LogFields = {},
): void {
  const elapsedMs = entry.clock.now() - c.get('startedMs');
  const route = routeLabel(c);
  entry.metrics.count('duanyun_http_requests_total', {
    route,
    method: methodLabel(c.req.method),
    status: String(status),
  });
  entry.metrics.observe('duanyun_http_request_duration_seconds', elapsedMs / 1000, { route });
  entry.gateway?.gateway.finished({
    requestId: c.get('requestId') ?? 'unknown',
    caller: c.get('caller'),
    address: addressOf(entry.gateway, c),
    route,
    status,
    code: error?.code,
    durationMs: elapsedMs,
    pass: c.get('pass'),
  });
  const fields: Record<string, unknown> = {
    requestId: c.get('requestId'),
    method: c.req.method,
    route,
    status,
    durationMs: Math.round(elapsedMs * 10) / 10,
    ...(entry.gateway === undefined ? {} : { key: c.get('caller')?.id ?? 'none' }),
    ...more,
  };
  if (error === undefined) {
    entry.log.info(fields, 'request');
    return;
  }
  fields['code'] = error.code;
  if (error.param !== undefined) fields['param'] = error.param;
  if (error.status < 500) {
    entry.log.info(fields, 'request refused');
    return;
  }
  entry.log.error({ ...fields, detail: error.detail ?? error.message }, 'request failed');
}

/** The pattern of the route, not the path: a client must not be able to make up label values. */
function routeLabel(c: EntryContext): string {
  const pattern = c.req.routePath;
  return pattern === '' || pattern.includes('*') ? 'none' : pattern;
}

function methodLabel(method: string): string {
  return ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'].includes(method) ? method : 'other';
}

/**
 * A place among the requests that are being answered.
 *
 * @throws `queue_full`, `shutting_down`
 */
export function admit(entry: Entry, controller: AbortController): () => void {
  if (entry.drain.active >= entry.options.maxConcurrentRequests) {
    const parameters = { queued: entry.drain.active, retryAfterSeconds: 1 };
    throw makeError('queue_full', parameters, { retryAfterSeconds: 1 });
  }
  const leave = entry.drain.enter(controller);
  entry.metrics.gauge('duanyun_http_in_flight', entry.drain.active);
  return () => {
    leave();
    entry.metrics.gauge('duanyun_http_in_flight', entry.drain.active);
  };
}
