/**
 * The one door to the cloud. Nothing else in this program can open a connection to an upstream: the HTTP client lives in
 * this file and is not exported. What goes out is made from an object that was judged here, and only when the judgement
 * came to its end and said "not private". `egress-gate.test.ts` also holds that no other file imports an HTTP client.
 */
import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher, request as undiciRequest } from 'undici';
import { connectionFault } from './connection-fault.ts';
import { EgressVerdicts } from './egress-verdicts.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type EgressTarget = {
  /** `https://host[:port][/path]`; the API lies under `/v1`, which is added where it is missing. */
  url: string;
  apiKey?: string;
  /** Until the connection stands, TLS included. Default 3 s. */
  connectTimeoutMs?: number;
  /** Idle connections are kept this long. Default 30 s. */
  keepAliveMs?: number;
  /** PEM text to trust beside the built-in roots. */
  certificatePem?: string;
  proxy?: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
};

export type EgressResponse = {
  status: number;
  header(name: string): string | undefined;
  body: AsyncIterable<Uint8Array>;
  /** Throws the rest away and closes the connection. */
  discard(): void;
};

export type EgressTransport = {
  /**
   * POSTs what `render` makes of a judged object. A redirect is a fault: it would carry the content to somebody else.
   *
   * @throws `egress_refused` before anything is sent; UpstreamFault; the signal's reason
   */
  send<Subject extends object>(
    subject: Subject,
    render: (subject: Subject) => { path: string; body: object },
    signal: AbortSignal,
  ): Promise<EgressResponse>;
  /**
   * POSTs bytes that were made from a judged object, and feeds the answer to `handler`. For the role `cloud`.
   *
   * @throws `egress_refused`, UpstreamFault
   */
  relay(subject: object, call: { path: string; body: Buffer }, handler: Dispatcher.DispatchHandler): void;
  /** A GET without any content, for health and load. `text` is cut at 1 MiB. */
  probe(path: '/health' | '/v1/models' | '/metrics', timeoutMs: number): Promise<{ status: number; text: string }>;
  dispose(): Promise<void>;
};

const maxProbeCharacters = 1024 * 1024;

export class EgressGate extends EgressVerdicts {
  /** The only way to a transport. Its owner disposes of it. */
  connect(target: EgressTarget): EgressTransport {
    return this.#open(target);
  }

  #open(target: EgressTarget): EgressTransport {
    const { apiUrl, rootUrl } = addresses(target.url);
    const dispatcher = newDispatcher(target);
    const headers = {
      'user-agent': 'duanyun',
      'accept-encoding': 'identity',
      ...(target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }),
    };
    const jsonHeaders = { ...headers, 'content-type': 'application/json' };
    const api = new URL(apiUrl);
    let disposed = false;
    return {
      send: async (subject, render, signal) => {
        this.admit(subject);
        if (disposed) throw new UpstreamFault('connect', 'the connection to the cloud is closed');
        const { path, body } = render(subject);
        const bytes = Buffer.from(JSON.stringify(body));
        // Judged once more after the rendering, right before the bytes: `seal` may have come in between.
        this.admit(subject);
        const response = await exchange(signal, `${apiUrl}${path}`, {
          dispatcher,
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', 'content-length': String(bytes.length) },
          body: Readable.from(this.#counted(subject, bytes), { objectMode: false }),
          signal,
        });
        if (response.status >= 300 && response.status < 400) {
          response.discard();
          throw new UpstreamFault('redirect', 'the upstream answered with a redirect, which is refused');
        }
        return response;
      },
      relay: (subject, { path, body }, handler) => {
        this.admit(subject);
        if (disposed) throw new UpstreamFault('connect', 'the connection to the cloud is closed');
        this.count(subject, body.length);
        dispatcher.dispatch(
          { origin: api.origin, path: `${api.pathname}${path}`, method: 'POST', headers: jsonHeaders, body },
          handler,
        );
      },
      probe: async (path, timeoutMs) => {
        const signal = AbortSignal.timeout(timeoutMs);
        const response = await exchange(signal, `${rootUrl}${path}`, { dispatcher, method: 'GET', headers, signal });
        return { status: response.status, text: await limitedText(response) };
      },
      dispose: async () => {
        disposed = true;
        await dispatcher.destroy();
      },
    };
  }

  /** Pulled by the client once the connection stands, so what never got a connection counts as nothing. */
  async *#counted(subject: object, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    this.admit(subject);
    this.count(subject, bytes.length);
    await Promise.resolve();
    yield bytes;
  }
}

function addresses(url: string): { apiUrl: string; rootUrl: string } {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.search = '';
  parsed.hash = '';
  const rootUrl = parsed.href.replace(/\/+$/, '').replace(/\/v1$/, '');
  return { apiUrl: `${rootUrl}/v1`, rootUrl };
}

function newDispatcher(target: EgressTarget): Dispatcher {
  const connect = {
    timeout: target.connectTimeoutMs ?? 3000,
    ...(target.certificatePem === undefined ? {} : { ca: [...rootCertificates, target.certificatePem] }),
  };
  // The callers' watchdogs replace the client's own timers: comments must not count as progress.
  const common = {
    connect,
    bodyTimeout: 0,
    headersTimeout: 0,
    allowH2: false,
    keepAliveTimeout: target.keepAliveMs ?? 30_000,
  };
  const { proxy } = target;
  if (proxy === undefined) return new Agent(common);
  // Empty strings keep the client from reading the environment itself.
  return new EnvHttpProxyAgent({
    ...common,
    httpProxy: proxy.httpProxy ?? '',
    httpsProxy: proxy.httpsProxy ?? proxy.httpProxy ?? '',
    noProxy: proxy.noProxy ?? '',
  });
}

async function exchange(
  signal: AbortSignal,
  url: string,
  options: NonNullable<Parameters<typeof undiciRequest<null>>[1]>,
): Promise<EgressResponse> {
  let response: Dispatcher.ResponseData;
  try {
    response = await undiciRequest(url, options);
  } catch (error) {
    signal.throwIfAborted();
    throw connectionFault(error);
  }
  const { body } = response;
  body.on('error', () => {});
  return {
    status: response.statusCode,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body: faultsOf(body, signal),
    discard: () => void body.destroy(),
  };
}

async function* faultsOf(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw connectionFault(error, true);
  }
}

async function limitedText(response: EgressResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxProbeCharacters) break;
  }
  return text;
}
