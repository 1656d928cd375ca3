import type { Embeddings, Health, Model, Module, Receipt, RouteExplanation } from './answer-types.ts';
import { Caller, type CallOptions, detailsOf } from './call.ts';
import type { ChatAnswer } from './chat-answer.ts';
import { ChatStream } from './chat-stream.ts';
import type { ChatRequest, RouteWishes } from './chat-types.ts';
import { DuanyunClientError, routeFrom } from './errors.ts';
import { defaultRetryRules } from './retry.ts';
import {
  isLastOfSpeech,
  type Recording,
  type SpeechEvent,
  speechEvent,
  speechForm,
  type SpeechRequest,
  type Transcription,
} from './speech.ts';
import { type AnswerHead, chooseTransport, type FetchFunction, type TransportKind } from './transport.ts';

export type DuanyunClientOptions = {
  /** Address of the server, with or without `/v1`. In a page that the server itself serves: `''`. Default `http://127.0.0.1:8000`. */
  baseUrl?: string | undefined;
  /** Sent as a bearer token. */
  apiKey?: string | undefined;
  /** Sent with every request. */
  headers?: Record<string, string> | undefined;
  /** Instead of the global one: `expo/fetch`, an instrumented one, one for tests. */
  fetch?: FetchFunction | undefined;
  /** How answers travel. Default `auto`: `fetch`, and `XMLHttpRequest` where fetch cannot stream (React Native). */
  transport?: TransportKind | undefined;
  /** For a whole call with all its attempts; 0 sets no limit. Default 10 minutes, none for streams. */
  timeoutMs?: number | undefined;
  /** How long a stream may be silent. The server sends comments while it works. 0 sets no limit. Default 60 s. */
  silenceMs?: number | undefined;
  /** Further attempts after the first. Default 2. */
  maxRetries?: number | undefined;
  /** An error that asks to wait longer is thrown at once. Default 30. */
  maxRetryAfterSeconds?: number | undefined;
};

/** A question, or a whole request. */
export type ChatInput = string | ChatRequest;

const defaultBaseUrl = 'http://127.0.0.1:8000';
const defaultSilenceMs = 60_000;

/**
 * A Duanyun server. Every method throws `DuanyunClientError` with a code of docs/errors.md, or the reason of the signal
 * that ended it.
 */
export class DuanyunClient {
  readonly #caller: Caller;

  constructor(options: DuanyunClientOptions = {}) {
    this.#caller = new Caller({
      root: serverRoot(options.baseUrl ?? defaultBaseUrl),
      headers: {
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
        ...options.headers,
      },
      transport: chooseTransport(options.transport ?? 'auto', options.fetch),
      timeoutMs: options.timeoutMs,
      silenceMs: options.silenceMs ?? defaultSilenceMs,
      retry: {
        maxRetries: options.maxRetries ?? defaultRetryRules.maxRetries,
        maxRetryAfterSeconds: options.maxRetryAfterSeconds ?? defaultRetryRules.maxRetryAfterSeconds,
      },
    });
  }

  /** The whole answer. It travels as a stream all the same, so that a dead connection is noticed. */
  chat(input: ChatInput, options: CallOptions = {}): Promise<ChatAnswer> {
    return this.stream(input, options).answer();
  }

  /** The answer as it comes. Nothing is sent before it is read. */
  stream(input: ChatInput, options: CallOptions = {}): ChatStream {
    const json = { ...chatBody(input), stream: true, stream_options: { include_usage: true } };
    const call = { method: 'POST', path: '/v1/chat/completions', json } as const;
    return new ChatStream((signal) => this.#caller.stream(call, { ...options, signal }), options.signal);
  }

  /** Where a request would run, and why; runs nothing. */
  async route(input: ChatInput, options: CallOptions = {}): Promise<RouteExplanation> {
    const call = { method: 'POST', path: '/v1/route', json: chatBody(input) } as const;
    return this.#object<RouteExplanation>(await this.#caller.json(call, options), 'decision');
  }

  /** @param id `answer.route.receiptId` */
  async receipt(id: string, options: CallOptions = {}): Promise<Receipt> {
    const call = { method: 'GET', path: `/v1/receipts/${encodeURIComponent(id)}` } as const;
    return this.#object<Receipt>(await this.#caller.json(call, options), 'id');
  }

  /** What a recording says, with times. */
  transcribe(
    recording: Recording,
    request: SpeechRequest & { words?: boolean } = {},
    options: CallOptions = {},
  ): Promise<Transcription> {
    const granularities = request.words === true ? { 'timestamp_granularities[]': ['segment', 'word'] } : {};
    return this.#speech('/v1/audio/transcriptions', recording, request, granularities, options);
  }

  /** What a recording says, in English. */
  translate(recording: Recording, request: SpeechRequest = {}, options: CallOptions = {}): Promise<Transcription> {
    return this.#speech('/v1/audio/translations', recording, request, {}, options);
  }

  /** What a recording says, as it is heard. */
  async *streamTranscription(
    recording: Recording,
    request: SpeechRequest = {},
    options: CallOptions = {},
  ): AsyncGenerator<SpeechEvent> {
    const form = speechForm(recording, request, { response_format: 'json', stream: 'true' });
    const call = { method: 'POST', path: '/v1/audio/transcriptions', form } as const;
    for await (const part of this.#caller.stream(call, options, isLastOfSpeech)) {
      if (part.type === 'value') yield speechEvent(part.value);
    }
  }

  /** Subtitles of a recording. */
  async subtitles(
    recording: Recording,
    request: SpeechRequest & { format: 'srt' | 'vtt' },
    options: CallOptions = {},
  ): Promise<string> {
    const form = speechForm(recording, request, { response_format: request.format });
    return (await this.#caller.text({ method: 'POST', path: '/v1/audio/transcriptions', form }, options)).text;
  }

  /** Vectors that compare only within one model. */
  async embed(
    input: string | string[],
    request: { model?: string | undefined; duanyun?: RouteWishes | undefined } = {},
    options: CallOptions = {},
  ): Promise<Embeddings> {
    const json = { ...request, input, encoding_format: 'float' };
    const answer = await this.#caller.json({ method: 'POST', path: '/v1/embeddings', json }, options);
    type Wire = { data: { index: number; embedding: number[] }[]; model: string; usage?: { prompt_tokens?: number } };
    const body = this.#object<Wire>(answer, 'data');
    const vectors = [...body.data].sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
    const route = routeFrom(answer.head);
    const promptTokens = body.usage?.prompt_tokens ?? 0;
    return { model: body.model, vectors, promptTokens, ...(route === undefined ? {} : { route }) };
  }

  /** The models that can be named in a request. */
  async models(options: CallOptions = {}): Promise<Model[]> {
    const answer = await this.#caller.json({ method: 'GET', path: '/v1/models' }, options);
    return this.#object<{ data: Model[] }>(answer, 'data').data;
  }

  async model(id: string, options: CallOptions = {}): Promise<Model> {
    const call = { method: 'GET', path: `/v1/models/${encodeURIComponent(id)}` } as const;
    return this.#object<Model>(await this.#caller.json(call, options), 'id');
  }

  /** The parts of the device engine, with state and memory. */
  async modules(options: CallOptions = {}): Promise<Module[]> {
    const answer = await this.#caller.json({ method: 'GET', path: '/v1/modules' }, options);
    return this.#object<{ data: Module[] }>(answer, 'data').data;
  }

  /** Before its first use. */
  loadModule(name: Module['name'], options: CallOptions = {}): Promise<Module> {
    return this.#module(name, 'load', options);
  }

  /** Waits for the uses that are running. */
  unloadModule(name: Module['name'], options: CallOptions = {}): Promise<Module> {
    return this.#module(name, 'unload', options);
  }

  /** Also where it cannot answer yet: then `status` says `loading` or `unavailable`, and `reason` why. */
  async health(options: CallOptions = {}): Promise<Health> {
    const call = { method: 'GET', path: '/health', accept: [503] } as const;
    return this.#object<Health>(await this.#caller.json(call, options), 'status');
  }

  async #module(name: string, action: 'load' | 'unload', options: CallOptions): Promise<Module> {
    const call = { method: 'POST', path: `/v1/modules/${encodeURIComponent(name)}/${action}`, json: {} } as const;
    return this.#object<Module>(await this.#caller.json(call, options), 'name');
  }

  async #speech(
    path: string,
    recording: Recording,
    request: SpeechRequest,
    fields: Record<string, string[]>,
    options: CallOptions,
  ): Promise<Transcription> {
    const form = speechForm(recording, request, { response_format: 'verbose_json', ...fields });
    return this.#object<Transcription>(await this.#caller.json({ method: 'POST', path, form }, options), 'text');
  }

  /** The body, where it is an object with that field. What is in it beside that is believed. */
  #object<Body>({ body, head }: { body: unknown; head: AnswerHead }, field: keyof Body & string): Body {
    if (typeof body === 'object' && body !== null && field in body) return body as Body;
    const message = `The server answered with JSON that has no "${field}".`;
    throw new DuanyunClientError('response_invalid', message, { ...detailsOf(head), retryable: false });
  }
}

/** @throws `invalid_request` for what this library cannot read the answer of */
function chatBody(input: ChatInput): ChatRequest {
  if (typeof input === 'string') return { messages: [{ role: 'user', content: input }] };
  const { n } = input as { n?: unknown };
  if (n === undefined || n === null || n === 1) return input;
  throw new DuanyunClientError('invalid_request', 'n: this library reads one answer a request.', { param: 'n' });
}

/** Without `URL`, which React Native has in part only. */
function serverRoot(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
}
