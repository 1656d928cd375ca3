/** Sends one chat request and writes down when each piece of the answer came, and how it ended. */
import { Agent, request, type Dispatcher } from 'undici';
import type { Outcome, RequestRecord } from '../record.ts';
import { readWirePiece, type WirePiece } from './chat-wire.ts';
import { SseReader } from './sse-reader.ts';

export type Target = { name: string; url: string; model: string; apiKey?: string };

export type ChatCall = {
  suite: string;
  case: string;
  messages: unknown[];
  maxTokens: number;
  warmup?: boolean;
  cold?: boolean;
  /** Keep the answer's text, for the quality set. Default false: a report need not carry every answer. */
  keepText?: boolean;
  attempt?: number;
};

export type LoadClientOptions = {
  /** Zero of `startedMs`, by `performance.now()`. */
  runStartMs: number;
  /** An answer that has not ended by then is `timeout` or `never-ending`. */
  timeoutMs: number;
};

const maxBodyBytes = 16 * 1024 * 1024;

export class LoadClient {
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 }, pipelining: 1 });
  readonly #options: LoadClientOptions;

  constructor(options: LoadClientOptions) {
    this.#options = options;
  }

  /** Never rejects: what goes wrong is the record's outcome. */
  async send(target: Target, call: ChatCall, signal: AbortSignal): Promise<RequestRecord> {
    const reading = new Reading(call, this.#options.timeoutMs, signal);
    const body = JSON.stringify({
      model: target.model,
      messages: call.messages,
      max_tokens: call.maxTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'text/event-stream' };
    if (target.apiKey !== undefined) headers['authorization'] = `Bearer ${target.apiKey}`;
    try {
      const response = await request(`${target.url}/chat/completions`, {
        method: 'POST',
        headers,
        body,
        dispatcher: this.#agent,
        signal: reading.signal,
      });
      await reading.read(response);
    } catch (error) {
      reading.fail(error);
    } finally {
      reading.dispose();
    }
    return reading.record(target, call, this.#options.runStartMs);
  }

  dispose(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** One answer while it arrives. */
class Reading {
  readonly signal: AbortSignal;
  #abort = new AbortController();
  #timer: NodeJS.Timeout;
  #userSignal: AbortSignal;
  #call: ChatCall;
  #sentMs = performance.now();
  #lastMs: number | undefined;
  #timedOut = false;
  #outcome: Outcome | undefined;
  #detail: string | undefined;
  #isDone = false;
  #text = '';
  #piece: WirePiece = { text: '' };
  #found: Pick<RequestRecord, 'chunks'> & Partial<RequestRecord> = { chunks: [] };
  #busyMs = 0;

  constructor(call: ChatCall, timeoutMs: number, userSignal: AbortSignal) {
    this.#call = call;
    this.#userSignal = userSignal;
    this.signal = AbortSignal.any([userSignal, this.#abort.signal]);
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#abort.abort();
    }, timeoutMs);
  }

  async read(response: Dispatcher.ResponseData): Promise<void> {
    this.#found.headersMs = performance.now() - this.#sentMs;
    this.#found.status = response.statusCode;
    const retryAfter = Number(response.headers['retry-after']);
    if (Number.isFinite(retryAfter)) this.#found.retryAfterSeconds = retryAfter;
    const type = String(response.headers['content-type'] ?? '');
    if (response.statusCode !== 200 || !type.includes('event-stream')) {
      await this.#readWhole(response);
      return;
    }
    const reader = new SseReader();
    for await (const bytes of response.body) {
      const atMs = performance.now() - this.#sentMs;
      for (const data of reader.push(bytes as Uint8Array)) this.#take(data, atMs);
      this.#busyMs = Math.max(this.#busyMs, performance.now() - this.#sentMs - atMs);
      if (this.#found.chunks.length > this.#call.maxTokens * 4 + 64) {
        this.#end('never-ending', `more than ${this.#call.maxTokens} tokens were sent`);
        this.#abort.abort();
        return;
      }
    }
    if (this.#outcome !== undefined) return;
    // Some servers send no [DONE]; a finish reason is an end as well. Neither: the answer was cut.
    if (!this.#isDone && this.#piece.finishReason === undefined) this.#end('broken', 'the stream ended without an end');
    else this.#end(this.#found.chunks.length === 0 ? 'empty' : 'ok');
  }

  async #readWhole(response: Dispatcher.ResponseData): Promise<void> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const bytes of response.body) {
      this.#lastMs = performance.now() - this.#sentMs;
      sizeBytes += (bytes as Uint8Array).length;
      if (sizeBytes > maxBodyBytes) throw new RangeError('the body is too large');
      parts.push(bytes as Uint8Array);
    }
    const text = Buffer.concat(parts).toString('utf8');
    const { statusCode } = response;
    if (statusCode === 200) {
      const piece = readWirePiece(text);
      this.#keep(piece);
      this.#text = piece.text;
      if (piece.error !== undefined) this.#end('malformed', piece.error);
      else this.#end(piece.kind === undefined ? 'empty' : 'not-streamed');
    } else {
      const outcome = statusCode === 429 ? 'rate-limited' : statusCode >= 500 ? 'server-error' : 'refused';
      this.#end(statusCode < 400 ? 'malformed' : outcome, text.slice(0, 300));
    }
  }

  #take(data: string, atMs: number): void {
    if (data === '[DONE]') {
      this.#isDone = true;
      return;
    }
    const piece = readWirePiece(data);
    this.#lastMs = atMs;
    this.#keep(piece);
    if (piece.error !== undefined) this.#end('broken', piece.error);
    if (piece.kind === undefined) return;
    this.#found.chunks.push({ atMs: round(atMs), kind: piece.kind });
    this.#text += piece.text;
  }

  #keep({ model, usage, serverTimings, finishReason }: WirePiece): void {
    if (model !== undefined) this.#found.model = model;
    if (usage !== undefined) this.#found.usage = usage;
    if (serverTimings !== undefined) this.#found.serverTimings = serverTimings;
    if (finishReason !== undefined) {
      this.#piece.finishReason = finishReason;
      this.#found.finishReason = finishReason;
    }
  }

  fail(error: unknown): void {
    const message = error instanceof Error ? error.message || error.name : String(error);
    if (this.#userSignal.aborted) this.#end('interrupted');
    else if (this.#timedOut) this.#end(this.#found.chunks.length > 0 ? 'never-ending' : 'timeout', 'the time limit');
    else if (error instanceof SyntaxError || error instanceof RangeError) this.#end('malformed', message);
    else this.#end(this.#found.status === undefined ? 'unreachable' : 'broken', message);
  }

  /** The first word on how it ended stands. */
  #end(outcome: Outcome, detail?: string): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#detail = detail;
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  record(target: Target, call: ChatCall, runStartMs: number): RequestRecord {
    const endMs = this.#lastMs ?? performance.now() - this.#sentMs;
    const { headersMs, ...found } = this.#found;
    return {
      type: 'request',
      target: target.name,
      suite: call.suite,
      case: call.case,
      warmup: call.warmup ?? false,
      attempt: call.attempt ?? 1,
      ...(call.cold === undefined ? {} : { cold: call.cold }),
      outcome: this.#outcome ?? 'broken',
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
      startedMs: round(this.#sentMs - runStartMs),
      ...(headersMs === undefined ? {} : { headersMs: round(headersMs) }),
      ...found,
      endMs: round(endMs),
      clientBusyMs: round(this.#busyMs),
      ...(call.keepText === true ? { text: this.#text.slice(0, 2000) } : {}),
    };
  }
}

/** Microseconds are more than any clock here can tell. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
