/**
 * The one door to the cloud. Nothing else in this program can open a connection to an upstream: the HTTP client lives in
 * this file and is not exported. What goes out is made from an object that was judged here, and only when the judgement
 * came to its end and said "not private". `egress-gate.test.ts` also holds that no other file imports an HTTP client.
 */
import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher, request as undiciRequest } from 'undici';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import { connectionFault } from './connection-fault.ts';
import { UpstreamFault } from './upstream-fault.ts';

/** What a detector, with the policy applied, says of one object. */
export type EgressJudgement = { private: boolean; reasons: string[] };
export type EgressVerdict = EgressJudgement & {
  /** The detector threw, took too long, was missing, or gave no judgement. Always private. */
  failure?: 'detector-failed' | 'detector-timeout' | 'detector-missing' | 'detector-malformed';
};
export type EgressDetector = () => EgressJudgement | Promise<EgressJudgement>;

export type EgressGateOptions = {
  clock: Clock;
  /** Longest time that a judgement may take; one that took longer does not count. Default 250 ms. */
  budgetMs?: number;
};

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

export class EgressGate {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #verdicts = new WeakMap<object, EgressVerdict>();
  readonly #bytes = new WeakMap<object, number>();

  constructor(options: EgressGateOptions) {
    this.#clock = options.clock;
    this.#budgetMs = options.budgetMs ?? 250;
  }

  /**
   * Judges an object that may be sent later. A second judgement can only make it stricter. Never throws.
   *
   * @param detect `undefined` where there is no detector: private
   */
  async judge(subject: object, detect: EgressDetector | undefined): Promise<EgressVerdict> {
    const verdict = await this.#examine(detect);
    const before = this.#verdicts.get(subject);
    const kept = before?.private === true && !verdict.private ? before : verdict;
    this.#verdicts.set(subject, kept);
    return kept;
  }

  /** Makes an object private for good, whatever was or will be judged. */
  seal(subject: object, reason: string): void {
    const reasons = [...(this.#verdicts.get(subject)?.reasons ?? []), reason];
    this.#verdicts.set(subject, { private: true, reasons });
  }

  /**
   * Gives a copy (another model name, another seed) the verdict of what it was made from; unjudged counts as private.
   * Whoever calls it answers for the content being the same.
   */
  inherit(copy: object, original: object): void {
    const verdict = this.#verdicts.get(original) ?? failed('detector-missing');
    const before = this.#verdicts.get(copy);
    this.#verdicts.set(copy, before?.private === true ? before : verdict);
  }

  /** Bytes of bodies made from this object that were handed to a connection, all attempts together. */
  bytesSent(subject: object): number {
    return this.#bytes.get(subject) ?? 0;
  }

  /** The only way to a transport. Its owner disposes of it. */
  connect(target: EgressTarget): EgressTransport {
    return this.#open(target);
  }

  async #examine(detect: EgressDetector | undefined): Promise<EgressVerdict> {
    if (detect === undefined) return failed('detector-missing');
    const startedMs = this.#clock.now();
    let judgement: unknown;
    try {
      const result = detect();
      judgement = result instanceof Promise ? await this.#inTime(result) : result;
    } catch {
      return failed('detector-failed');
    }
    if (judgement === overdue || this.#clock.now() - startedMs > this.#budgetMs) return failed('detector-timeout');
    const { private: isPrivate, reasons } = (judgement ?? {}) as Partial<EgressJudgement>;
    if (typeof isPrivate !== 'boolean' || !Array.isArray(reasons)) return failed('detector-malformed');
    return { private: isPrivate, reasons };
  }

  async #inTime<Value>(result: Promise<Value>): Promise<Value | typeof overdue> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof overdue>((resolve) => {
      timer = setTimeout(() => resolve(overdue), this.#budgetMs);
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #admit(subject: object): void {
    const verdict = this.#verdicts.get(subject);
    if (verdict === undefined) throw makeError('egress_refused', { reason: 'it was not examined' });
    if (verdict.private) throw makeError('egress_refused', { reason: 'it is private' });
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
        this.#admit(subject);
        if (disposed) throw new UpstreamFault('connect', 'the connection to the cloud is closed');
        const { path, body } = render(subject);
        const bytes = Buffer.from(JSON.stringify(body));
        // Judged once more after the rendering, right before the bytes: `seal` may have come in between.
        this.#admit(subject);
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
        this.#admit(subject);
        if (disposed) throw new UpstreamFault('connect', 'the connection to the cloud is closed');
        this.#bytes.set(subject, this.bytesSent(subject) + body.length);
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
    this.#admit(subject);
    this.#bytes.set(subject, this.bytesSent(subject) + bytes.length);
    await Promise.resolve();
    yield bytes;
  }
}

const overdue = Symbol('overdue');

function failed(failure: NonNullable<EgressVerdict['failure']>): EgressVerdict {
  return { private: true, reasons: [failure], failure };
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
