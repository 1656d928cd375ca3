/** Talks to a server over its OpenAI-compatible API, as any other client would. */
import { z } from 'zod';
import { DuanyunError, errorCatalogue, makeError, type ErrorCode } from '../../core/errors.ts';
import { readServerSentEvents } from './server-sent-events.ts';

export type ChatPart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string } }
  | { type: 'input_audio'; input_audio: { data: string; format: string } };
export type ChatTurn = { role: 'system' | 'user' | 'assistant'; content: string | ChatPart[] };
export type ChatQuestion = { model: string; messages: ChatTurn[]; temperature?: number; maxTokens?: number };
export type ChatUpdate =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  /** What the device made of the last message's sound and pictures before it answered. */
  | { type: 'read'; kind: 'recording' | 'picture'; text: string }
  | { type: 'usage'; completionTokens: number };
export type ServerState = { state: 'ready' } | { state: 'loading'; reason: string };

const probeTimeoutMs = 1_500;

const readParts = z.array(z.object({ message: z.number(), text: z.string() })).nullish();
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ completion_tokens: z.number() }).nullish(),
  duanyun: z.object({ recordings: readParts, pictures: readParts }).nullish(),
  error: z.object({ message: z.string(), code: z.string().nullish() }).nullish(),
});
const errorSchema = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) });
const identitySchema = z.object({ name: z.literal('duanyun') });

export class ChatClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** @param url address of the server, with or without `/v1` */
  constructor(url: string, apiKey: string | undefined) {
    this.#url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }

  /** Whether what listens there is a Duanyun server. Throws `server_unreachable`, `unauthorized`. */
  async probe(signal: AbortSignal): Promise<void> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]);
    const response = await this.#fetch('/', { signal: limited });
    if (response.status === 401) throw makeError('unauthorized', {});
    const body: unknown = await response.json().catch(() => undefined);
    if (!identitySchema.safeParse(body).success) {
      throw makeError('server_unreachable', { url: this.#url, reason: 'something else listens there' });
    }
  }

  /** Throws `server_unreachable`. */
  async state(signal: AbortSignal): Promise<ServerState> {
    const response = await this.#fetch('/health', { signal });
    if (response.ok) return { state: 'ready' };
    const body = (await response.json().catch(() => ({}))) as { reason?: unknown };
    return { state: 'loading', reason: typeof body.reason === 'string' ? body.reason : `status ${response.status}` };
  }

  /** Throws what the server says is wrong; the signal's reason when aborted. */
  async *ask(question: ChatQuestion, signal: AbortSignal): AsyncGenerator<ChatUpdate> {
    const response = await this.#fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: question.model,
        messages: question.messages,
        stream: true,
        stream_options: { include_usage: true },
        ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
        ...(question.maxTokens === undefined ? {} : { max_tokens: question.maxTokens }),
      }),
      signal,
    });
    if (!response.ok || response.body === null) throw await this.#errorOf(response);
    let isComplete = false;
    for await (const data of readServerSentEvents(response.body)) {
      if (data === '[DONE]') {
        isComplete = true;
        break;
      }
      const chunk = chunkSchema.safeParse(parseJson(data));
      if (!chunk.success) continue;
      const { choices, usage, error, duanyun } = chunk.data;
      if (error) throw serverError(error.code, error.message);
      const last = question.messages.length - 1;
      for (const { message, text } of duanyun?.recordings ?? []) {
        if (message === last) yield { type: 'read', kind: 'recording', text };
      }
      for (const { message, text } of duanyun?.pictures ?? []) {
        if (message === last) yield { type: 'read', kind: 'picture', text };
      }
      const delta = choices?.[0]?.delta;
      if (delta?.reasoning_content) yield { type: 'reasoning', text: delta.reasoning_content };
      if (delta?.content) yield { type: 'text', text: delta.content };
      if (usage) yield { type: 'usage', completionTokens: usage.completion_tokens };
    }
    // A cut connection must not look like a finished answer.
    if (!isComplete) throw makeError('stream_broken', {});
  }

  /**
   * The events of a route that tells its progress, each as it came. A stream that breaks off throws; one that says what
   * went wrong throws that.
   *
   * @param lastType `type` of the event that ends a whole stream
   */
  async *events(
    path: string,
    body: FormData | object,
    { signal, lastType }: { signal: AbortSignal; lastType: string },
  ): AsyncGenerator<Record<string, unknown>> {
    const isForm = body instanceof FormData;
    const response = await this.#fetch(path, {
      method: 'POST',
      body: isForm ? body : JSON.stringify(body),
      ...(isForm ? {} : { headers: { 'content-type': 'application/json' } }),
      signal,
    });
    if (!response.ok || response.body === null) throw await this.#errorOf(response);
    try {
      for await (const data of readServerSentEvents(response.body)) {
        const event = parseJson(data) as Record<string, unknown>;
        const failed = errorSchema.safeParse(event);
        if (failed.success) throw serverError(failed.data.error.code, failed.data.error.message);
        yield event;
        if (event['type'] === lastType) return;
      }
    } catch (error) {
      if (error instanceof DuanyunError || signal.aborted) throw error;
      throw makeError('stream_broken', {}, { cause: error });
    }
    throw makeError('stream_broken', {});
  }

  async #fetch(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    try {
      return await fetch(this.#url + path, { ...init, headers: { ...this.#headers, ...(init.headers as object) } });
    } catch (error) {
      if (init.signal.aborted && !(init.signal.reason instanceof DOMException)) throw init.signal.reason;
      throw makeError('server_unreachable', { url: this.#url, reason: reasonOf(error) }, { cause: error });
    }
  }

  async #errorOf(response: Response): Promise<Error> {
    const parsed = errorSchema.safeParse(parseJson(await response.text()));
    if (parsed.success) return serverError(parsed.data.error.code, parsed.data.error.message);
    return makeError('server_unreachable', { url: this.#url, reason: `it answered with status ${response.status}` });
  }
}

/** The server's own words: they come from the same catalogue. */
function serverError(code: string | null | undefined, message: string): Error {
  const known = code !== null && code !== undefined && Object.hasOwn(errorCatalogue, code);
  return new DuanyunError(known ? (code as ErrorCode) : 'stream_broken', message);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  if (cause?.code === 'ECONNREFUSED') return 'the connection was refused';
  if (typeof cause?.code === 'string') return cause.code;
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer in time';
  return error instanceof Error ? error.message : String(error);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
