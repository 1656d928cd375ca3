import type { EntryContext } from './entry.ts';

/** Headers that every answer carries. A plain object: a `Headers` would cost more than all the rest of a small answer. */
export function baseHeaders(c: EntryContext): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': c.get('requestId') ?? 'unknown' };
  const rates = c.get('rateHeaders');
  if (rates !== undefined) Object.assign(headers, rates);
  const origin = c.req.header('origin');
  // Only allowed origins get this far, except when the refusal itself is answered: that one stays unreadable.
  if (origin !== undefined && c.get('originAllowed') === true) {
    headers['access-control-allow-origin'] = origin;
    headers['access-control-expose-headers'] =
      'x-request-id, x-duanyun-target, x-duanyun-reasons, x-duanyun-receipt, retry-after';
    headers['vary'] = 'origin';
  }
  return headers;
}

export function json(c: EntryContext, body: object, headers?: Record<string, string>, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...baseHeaders(c), ...headers, 'content-type': 'application/json' },
  });
}
