/** Weights for the engine inside the page: what this server's store holds and a page can run, to its own page alone. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Hono } from 'hono';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel, ModelAdministration } from '../../core/model-store.ts';
import { pageWeights } from '../../protocol/page-weights.ts';
import type { EntryContext, EntryEnv } from '../entry.ts';
import { baseHeaders, json } from '../respond.ts';

export function addWeightRoutes(app: Hono<EntryEnv>, admin: ModelAdministration): void {
  app.get('/v1/duanyun/weights', async (c) => {
    checkSameOrigin(c);
    const here = new Set((await admin.installed()).map(({ entry }) => entry.id));
    const data = admin.catalogue().flatMap((entry) => pageWeights(entry, here.has(entry.id)));
    return json(c, { object: 'list', data });
  });

  app.get('/v1/duanyun/weights/:sha256', async (c) => {
    checkSameOrigin(c);
    const sha256 = c.req.param('sha256');
    const found = (await admin.installed()).find(
      ({ entry }) => pageWeights(entry, true)[0]?.sha256 === sha256.toLowerCase(),
    );
    if (found === undefined) throw makeError('not_found', { what: 'A file of weights with this sha256' });
    return send(c, found, sha256.toLowerCase());
  });
}

/** Browsers say who asks; an address that is typed, and programs, say `none` or nothing. */
function checkSameOrigin(c: EntryContext): void {
  const site = c.req.header('sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  throw makeError('forbidden_origin', { origin: c.req.header('origin') ?? site });
}

async function send(c: EntryContext, model: InstalledModel, sha256: string): Promise<Response> {
  // The published file: the one that was optimised for this machine has another hash.
  const path = model.tuned?.sourcePath ?? model.weightsPath;
  const { size } = await stat(path);
  const headers: Record<string, string> = {
    ...baseHeaders(c),
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    'content-type': 'application/octet-stream',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    etag: `"${sha256}"`,
  };
  const range = c.req.header('range');
  const start = range === undefined ? 0 : startOf(range);
  if (start === undefined || start >= size) {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } });
  }
  headers['content-length'] = String(size - start);
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${size - 1}/${size}`;
  const file = createReadStream(path, { start, highWaterMark: 1024 * 1024 });
  const body = Readable.toWeb(file) as ReadableStream<Uint8Array>;
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** Only "from here to the end" is served: it is all that resuming takes (RFC 9110, 14.2). */
function startOf(range: string): number | undefined {
  const digits = /^bytes=(\d{1,15})-$/.exec(range.trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
