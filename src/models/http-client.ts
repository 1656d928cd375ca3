import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, request as undiciRequest, type Dispatcher } from 'undici';
import { DownloadFault } from './download-fault.ts';

export type ProxySettings = { httpProxy?: string; httpsProxy?: string; noProxy?: string };

export type HttpClientOptions = {
  /** Milliseconds until a connection must stand. Default 3000: a blocked hub must cost seconds. */
  connectTimeoutMs?: number;
  /** Milliseconds without a byte (headers included) after which a mirror counts as stalled. Default 15000. */
  stallTimeoutMs?: number;
  /** PEM text to trust beside the built-in roots. */
  certificatePem?: string;
  proxy?: ProxySettings;
  /** Value of the Authorization header by origin (`https://host`). Never sent to any other origin. */
  authorizations?: ReadonlyMap<string, string>;
};

export type HttpResponse = {
  status: number;
  /** Where the redirects ended. */
  url: string;
  header(name: string): string | undefined;
  /** The chunks of the body. Stops with a `DownloadFault` when no byte comes for the stall limit. */
  body(): AsyncGenerator<Uint8Array>;
  /** Throws the rest of the body away and closes the connection. */
  discard(): void;
};

export type HttpRequest = {
  method?: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  signal: AbortSignal;
  /** Milliseconds until the headers must be here; default the stall limit. */
  headersTimeoutMs?: number;
  /** Return the redirect itself when it carries this header (Hugging Face states size and hash there). */
  stopAtHeader?: string;
};

const redirectLimit = 8;

/** HTTP for the model store: follows redirects by hand so that no credential reaches another host. */
export class HttpClient {
  readonly #dispatcher: Dispatcher;
  readonly #authorizations: ReadonlyMap<string, string>;
  readonly #stallTimeoutMs: number;

  constructor(options: HttpClientOptions = {}) {
    this.#authorizations = options.authorizations ?? new Map();
    this.#stallTimeoutMs = options.stallTimeoutMs ?? 15_000;
    const connect = {
      timeout: options.connectTimeoutMs ?? 3000,
      ...(options.certificatePem === undefined ? {} : { ca: [...rootCertificates, options.certificatePem] }),
    };
    // The watchdog below replaces undici's own body and header timers.
    const common = { connect, bodyTimeout: 0, headersTimeout: 0, allowH2: false };
    const { proxy } = options;
    // Empty strings keep undici from reading the environment itself.
    this.#dispatcher =
      proxy === undefined
        ? new Agent(common)
        : new EnvHttpProxyAgent({
            ...common,
            httpProxy: proxy.httpProxy ?? '',
            httpsProxy: proxy.httpsProxy ?? proxy.httpProxy ?? '',
            noProxy: proxy.noProxy ?? '',
          });
  }

  /** Throws `DownloadFault` for anything but an answer with a status, and the signal's reason when aborted. */
  async request(url: string, request: HttpRequest): Promise<HttpResponse> {
    let target = new URL(url);
    const known = credentialsOf(target);
    for (let hop = 0; hop <= redirectLimit; hop++) {
      const response = await this.#once(target, request, known);
      const location = response.header('location');
      if (response.status < 300 || response.status > 399 || location === undefined) return response;
      if (request.stopAtHeader !== undefined && response.header(request.stopAtHeader) !== undefined) return response;
      response.discard();
      const next = new URL(location, target);
      if (next.protocol !== 'https:' && next.protocol !== target.protocol) {
        throw new DownloadFault(`${target.host} redirects to an unencrypted address`);
      }
      target = next;
    }
    throw new DownloadFault(`${target.host} redirects more than ${redirectLimit} times`);
  }

  async dispose(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #once(target: URL, request: HttpRequest, known: Credentials | undefined): Promise<HttpResponse> {
    request.signal.throwIfAborted();
    const abort = new AbortController();
    const forward = (): void => abort.abort(request.signal.reason);
    request.signal.addEventListener('abort', forward, { once: true });
    const stalled = (): void => abort.abort(new DownloadFault(`${target.host} sent nothing for too long`));
    const watchdog = setTimeout(stalled, request.headersTimeoutMs ?? this.#stallTimeoutMs);
    const release = (): void => {
      clearTimeout(watchdog);
      request.signal.removeEventListener('abort', forward);
    };
    const authorization =
      known?.origin === target.origin ? known.authorization : this.#authorizations.get(target.origin);
    let response: Dispatcher.ResponseData;
    try {
      response = await undiciRequest(withoutCredentials(target), {
        dispatcher: this.#dispatcher,
        method: request.method ?? 'GET',
        headers: {
          'user-agent': 'duanyun',
          // A compressed transfer would make byte ranges meaningless.
          'accept-encoding': 'identity',
          ...request.headers,
          ...(authorization === undefined ? {} : { authorization }),
        },
        signal: abort.signal,
      });
    } catch (error) {
      release();
      request.signal.throwIfAborted();
      throw asFault(error, target.host);
    }
    const { body } = response;
    body.on('error', () => {});
    clearTimeout(watchdog);
    const stallTimeoutMs = this.#stallTimeoutMs;
    return {
      status: response.statusCode,
      url: target.href,
      header: (name) => {
        const value = response.headers[name.toLowerCase()];
        return Array.isArray(value) ? value[0] : value;
      },
      async *body() {
        let timer = setTimeout(stalled, stallTimeoutMs);
        try {
          for await (const chunk of body as AsyncIterable<Uint8Array>) {
            // A slow reader (disk, lock) must not count as a stalled mirror: the time runs only while we wait.
            clearTimeout(timer);
            yield chunk;
            timer = setTimeout(stalled, stallTimeoutMs);
          }
        } catch (error) {
          request.signal.throwIfAborted();
          throw asFault(error, target.host);
        } finally {
          clearTimeout(timer);
          release();
          body.destroy();
        }
      },
      discard: () => {
        release();
        body.destroy();
      },
    };
  }
}

type Credentials = { origin: string; authorization: string };

function credentialsOf(url: URL): Credentials | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { origin: url.origin, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function withoutCredentials(url: URL): URL {
  const clean = new URL(url);
  clean.username = '';
  clean.password = '';
  return clean;
}

function asFault(error: unknown, host: string): DownloadFault {
  if (error instanceof DownloadFault) return error;
  const code = (error as { code?: unknown }).code;
  const known: Record<string, string> = {
    UND_ERR_CONNECT_TIMEOUT: 'cannot be reached in time',
    ENOTFOUND: 'has no address',
    EAI_AGAIN: 'cannot be looked up',
    ECONNREFUSED: 'refuses the connection',
    ECONNRESET: 'broke the connection',
    UND_ERR_SOCKET: 'broke the connection',
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'broke the connection',
  };
  const text = typeof code === 'string' ? (known[code] ?? code) : 'failed';
  return new DownloadFault(`${host} ${text}`, { cause: error });
}
