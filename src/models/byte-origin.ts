import { open } from 'node:fs/promises';
import { DownloadFault } from './download-fault.ts';
import type { HttpClient, HttpResponse } from './http-client.ts';

/** Something with a known size of which any range can be read: a file behind HTTP, or one on this machine. */
export interface ByteOrigin {
  readonly sizeBytes: number;
  /** False where every read starts over at byte 0: then only one read at a time makes sense. */
  readonly ranged: boolean;
  /** Chunks of the bytes `[start, end)`. Throws `DownloadFault`. */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A small range in memory. Refuses an origin that sends fewer bytes. */
export async function readExactly(
  origin: ByteOrigin,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (start < 0 || end > origin.sizeBytes)
    throw new DownloadFault('a range lies outside the file', { permanent: true });
  const chunks: Uint8Array[] = [];
  for await (const chunk of origin.read(start, end, signal)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== end - start) throw new DownloadFault('a range came back too short');
  return bytes;
}

/** Throws a `DownloadFault` that names the status unless it is 2xx. 4xx other than 408 and 429 are final. */
export function requireSuccess(response: HttpResponse): void {
  const { status } = response;
  if (status >= 200 && status <= 299) return;
  response.discard();
  const permanent = status >= 400 && status <= 499 && status !== 408 && status !== 429;
  throw new DownloadFault(`${new URL(response.url).host} answers HTTP ${status}`, { permanent });
}

/**
 * Asks for one byte to learn the size and whether ranges work.
 * Throws `DownloadFault`; also where the server tells no size.
 */
export async function openHttpOrigin(client: HttpClient, url: string, signal: AbortSignal): Promise<ByteOrigin> {
  const response = await client.request(url, { headers: { range: 'bytes=0-0' }, signal });
  requireSuccess(response);
  const range = contentRange(response);
  const sizeBytes = range?.total ?? Number(response.header('content-length') ?? Number.NaN);
  response.discard();
  if (!Number.isSafeInteger(sizeBytes)) throw new DownloadFault(`${new URL(url).host} does not tell the file's size`);
  return httpOrigin(client, url, sizeBytes, range !== undefined);
}

/** The same without the question, where size and support for ranges are known. */
export function httpOrigin(client: HttpClient, url: string, sizeBytes: number, ranged: boolean): ByteOrigin {
  return {
    sizeBytes,
    ranged,
    async *read(start, end, signal) {
      if (start >= end) return;
      const response = await client.request(url, { headers: { range: `bytes=${start}-${end - 1}` }, signal });
      requireSuccess(response);
      const range = contentRange(response);
      if (response.status === 206 && (range?.start !== start || (range.total ?? sizeBytes) !== sizeBytes)) {
        response.discard();
        throw new DownloadFault(`${new URL(url).host} answers another range than asked`, { permanent: true });
      }
      yield* cut(response, response.status === 206 ? start : 0, start, end);
    },
  };
}

/** The part `[start, end)` of a body that begins at `bodyStart`. */
async function* cut(response: HttpResponse, bodyStart: number, start: number, end: number): AsyncGenerator<Uint8Array> {
  let position = bodyStart;
  for await (const chunk of response.body()) {
    const from = Math.max(0, start - position);
    const to = Math.min(chunk.length, end - position);
    position += chunk.length;
    if (from < to) yield chunk.subarray(from, to);
    if (position >= end) return;
  }
  throw new DownloadFault(`${new URL(response.url).host} broke off before the end`);
}

function contentRange(response: HttpResponse): { start: number; total: number | undefined } | undefined {
  if (response.status !== 206) return undefined;
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header('content-range') ?? '');
  if (match === null) return undefined;
  return { start: Number(match[1]), total: match[2] === '*' ? undefined : Number(match[2]) };
}

/** A file on this machine. Throws `DownloadFault` where it cannot be opened. */
export async function openFileOrigin(path: string): Promise<ByteOrigin> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new DownloadFault('the local file cannot be opened', { cause: error, permanent: true });
  });
  let size: number;
  try {
    ({ size } = await handle.stat());
  } finally {
    await handle.close();
  }
  return {
    sizeBytes: size,
    ranged: true,
    async *read(start, end, signal) {
      if (start >= end) return;
      const file = await open(path, 'r');
      // `end` is inclusive here. The stream closes the handle.
      yield* file.createReadStream({
        start,
        end: end - 1,
        highWaterMark: 1024 * 1024,
        signal,
      }) as AsyncIterable<Buffer>;
    },
  };
}
