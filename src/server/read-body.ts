import type { IncomingMessage } from 'node:http';
import { makeError } from '../core/errors.ts';
import { type JsonLimits, parseJsonBody } from '../protocol/json-body.ts';
import type { EntryContext } from './entry.ts';
import type { ServerOptions } from './options.ts';

type BodyLimits = Pick<ServerOptions, 'maxBodyBytes' | 'bodyTimeoutMs'>;

/**
 * The JSON body of a request. The limit holds for the announced and for the received length, the deadline for the
 * whole body.
 *
 * @throws `unsupported_media_type`, `body_too_large`, `request_timeout`, `client_closed` and what `parseJsonBody` throws
 */
export async function readJson(c: EntryContext, options: BodyLimits, jsonLimits?: JsonLimits): Promise<unknown> {
  checkMediaType(c);
  return parseJsonBody(await readBytes(c, options), jsonLimits);
}

/** A `multipart/form-data` body, as forms in browsers and OpenAI's clients send files. Throws as `readJson`, and `invalid_request`. */
export async function readForm(c: EntryContext, options: BodyLimits): Promise<FormData> {
  const contentType = c.req.header('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw makeError('unsupported_media_type', { expected: 'multipart/form-data' });
  }
  const bytes = await readBytes(c, options);
  try {
    return await new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': contentType },
    }).formData();
  } catch (cause) {
    throw makeError('invalid_request', { reason: 'The body is not valid multipart/form-data.' }, { cause });
  }
}

async function readBytes(c: EntryContext, options: BodyLimits): Promise<Uint8Array> {
  const ownMib = c.get('caller')?.limits.maxBodyMib;
  const limits =
    ownMib === undefined
      ? options
      : { ...options, maxBodyBytes: Math.min(options.maxBodyBytes, Math.round(ownMib * 1024 * 1024)) };
  const announced = Number(c.req.header('content-length') ?? 0);
  if (announced > limits.maxBodyBytes) throw tooLarge(limits);
  const incoming = c.env?.incoming;
  return incoming === undefined ? readWeb(c.req.raw, limits) : readIncoming(incoming, limits);
}

function checkMediaType(c: EntryContext): void {
  const mediaType = (c.req.header('content-type') ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(mediaType)) {
    throw makeError('unsupported_media_type', { expected: 'application/json' });
  }
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw makeError('unsupported_media_type', { expected: 'uncompressed application/json' });
}

function tooLarge(limits: BodyLimits): Error {
  return makeError('body_too_large', { limitMiB: Math.round((limits.maxBodyBytes / 1024 / 1024) * 100) / 100 });
}

/** Straight from the connection: a web stream in between would cost more than the parsing. */
function readIncoming(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      act();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limits.maxBodyBytes) return;
      incoming.pause();
      settle(() => reject(tooLarge(limits)));
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const onError = (cause: Error): void => settle(() => reject(makeError('client_closed', {}, { cause })));
    const onClose = (): void => settle(() => reject(makeError('client_closed', {})));
    const timer = setTimeout(() => {
      incoming.pause();
      settle(() => reject(timedOut(limits)));
    }, limits.bodyTimeoutMs);
    if (incoming.destroyed && !incoming.readableEnded) onClose();
    else incoming.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** For requests that no connection stands behind. */
async function readWeb(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limits.maxBodyBytes) throw tooLarge(limits);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function timedOut(limits: BodyLimits): Error {
  return makeError('request_timeout', { seconds: limits.bodyTimeoutMs / 1000 });
}
