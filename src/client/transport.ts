/** How bytes travel: `fetch` where its body can be read in pieces, else `XMLHttpRequest`, else whole answers. */
import { hasXhr, xhrTransport } from './xhr-transport.ts';

export type TransportRequest = {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string | FormData | undefined;
  signal: AbortSignal;
};

export type AnswerHead = {
  status: number;
  /** Name in lower case. */
  header(name: string): string | undefined;
};

export type TransportAnswer = AnswerHead & {
  /** The body's text in pieces as they come, whole characters each. Leaving the loop early closes the connection. */
  pieces(): AsyncIterable<string>;
};

export type Transport = {
  /** Pieces come as the server sends them. If not, all of them come at the end. */
  readonly streams: boolean;
  send(request: TransportRequest): Promise<TransportAnswer>;
};

/** As much of `fetch` as is used, so that other implementations fit (`expo/fetch`, `undici`, one for tests). */
export type FetchFunction = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string | FormData; signal: AbortSignal },
) => Promise<FetchAnswer>;

export type FetchAnswer = {
  status: number;
  headers: { get(name: string): string | null };
  /** A `ReadableStream` of bytes. React Native's own `fetch` has none. */
  body?: unknown;
  text(): Promise<string>;
};

export type TransportKind = 'auto' | 'fetch' | 'xhr';

/**
 * @param kind `auto`: the given `fetch`; without one the global one where it can stream, else XMLHttpRequest
 */
export function chooseTransport(kind: TransportKind, ownFetch: FetchFunction | undefined): Transport {
  const fetchFunction = ownFetch ?? globalFetch;
  if (kind === 'xhr') return xhrTransport();
  if (kind === 'fetch' || ownFetch !== undefined) return fetchTransport(fetchFunction, true);
  if (fetchCanStream()) return fetchTransport(fetchFunction, true);
  return hasXhr() ? xhrTransport() : fetchTransport(fetchFunction, false);
}

/** Looked up at each call, so that tests and instrumentation may replace it. */
const globalFetch: FetchFunction = (url, init) => fetch(url, init);

/** React Native's `fetch` is a polyfill over XMLHttpRequest whose answers have no `body`. */
function fetchCanStream(): boolean {
  return typeof ReadableStream !== 'undefined' && typeof Response !== 'undefined' && 'body' in Response.prototype;
}

type ByteReader = {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
};

function fetchTransport(fetchFunction: FetchFunction, streams: boolean): Transport {
  return {
    streams,
    async send({ url, method, headers, body, signal }) {
      const answer = await fetchFunction(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
      return {
        status: answer.status,
        header: (name) => answer.headers.get(name) ?? undefined,
        pieces: () => fetchPieces(answer, signal),
      };
    },
  };
}

async function* fetchPieces(answer: FetchAnswer, signal: AbortSignal): AsyncGenerator<string> {
  const body = answer.body as { getReader?: () => ByteReader } | null | undefined;
  if (typeof body?.getReader !== 'function') {
    yield await answer.text();
    return;
  }
  const reader = body.getReader();
  // Keeps the bytes of a character that is split over two pieces.
  const decoder = new TextDecoder();
  let isOver = false;
  // The platform's own fetch breaks the body by itself; not every other one does.
  const onAbort = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOver = done;
      if (signal.aborted) throw new TypeError('The request was aborted.');
      const text = value === undefined ? '' : decoder.decode(value, { stream: true });
      if (text !== '') yield text;
      if (done) break;
    }
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!isOver) await reader.cancel().catch(() => {});
  }
}
