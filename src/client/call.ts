/** One call: attempts, time limits and errors, for answers in one body and for streams. */
import {
  type ClientErrorDetails,
  DuanyunClientError,
  errorFromAnswer,
  routeFrom,
  toldError,
  wireError,
} from './errors.ts';
import { mayRetry, type RetryRules, retryDelayMs } from './retry.ts';
import { ServerEventParser } from './server-events.ts';
import { CallLimits, timeoutError } from './time-limits.ts';
import type { AnswerHead, Transport, TransportAnswer } from './transport.ts';

export type CallOptions = {
  /** Ends the call; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** For the whole call with all its attempts; 0 sets no limit. */
  timeoutMs?: number | undefined;
  /** Streams only: how long the server may be silent; 0 sets no limit. */
  silenceMs?: number | undefined;
  /** Further attempts, all of them before the first part of an answer. */
  maxRetries?: number | undefined;
  /** Beside those of the client. */
  headers?: Record<string, string> | undefined;
};

export type CallDefaults = {
  /** Without `/v1` and without a slash at its end. */
  root: string;
  headers: Record<string, string>;
  transport: Transport;
  timeoutMs: number | undefined;
  silenceMs: number;
  retry: RetryRules;
};

export type Call = {
  method: 'GET' | 'POST';
  path: string;
  json?: object;
  form?: FormData;
  /** Statuses beside 2xx whose body is an answer and no error. */
  accept?: readonly number[];
};

/** A part of a stream. `end`: the server said that the answer is complete. */
export type StreamPart =
  | { type: 'value'; value: unknown; head: AnswerHead }
  | { type: 'comment'; text: string }
  | { type: 'end' };

/** For answers that come in one body. Streams have none: what bounds them is silence. */
const defaultTimeoutMs = 600_000;
/** How long the connection may take to close after a complete answer before it is given up. */
const closingMs = 250;

export class Caller {
  readonly #defaults: CallDefaults;

  constructor(defaults: CallDefaults) {
    this.#defaults = defaults;
  }

  /** The whole text of the answer. Retried until the headers of an answer are there, and never after. */
  async text(call: Call, options: CallOptions): Promise<{ text: string; head: AnswerHead }> {
    const limits = new CallLimits(options.signal, options.timeoutMs ?? this.#defaults.timeoutMs ?? defaultTimeoutMs);
    try {
      for (let attempt = 0; ; attempt += 1) {
        const head = await this.#send(call, options, limits).catch((error: unknown) =>
          this.#again(error, attempt, options, limits),
        );
        if (head === undefined) continue;
        return { text: await whole(head, limits), head };
      }
    } finally {
      limits.dispose();
    }
  }

  async json(call: Call, options: CallOptions): Promise<{ body: unknown; head: AnswerHead }> {
    const { text, head } = await this.text(call, options);
    try {
      return { body: JSON.parse(text) as unknown, head };
    } catch (cause) {
      const kind = head.header('content-type') ?? 'no content type';
      const details = { ...detailsOf(head), cause };
      throw new DuanyunClientError('response_invalid', `The server answered with ${kind} instead of JSON.`, details);
    }
  }

  /**
   * The values of a stream of events. Another attempt is made only while no value was handed over. A stream that ends
   * without its end throws `stream_broken`; an error event throws that error.
   *
   * @param isLast tells the last value of streams that do not end with `[DONE]`
   */
  async *stream(
    call: Call,
    options: CallOptions,
    isLast: (value: unknown) => boolean = () => false,
  ): AsyncGenerator<StreamPart> {
    const { transport } = this.#defaults;
    const totalMs = options.timeoutMs ?? this.#defaults.timeoutMs ?? (transport.streams ? 0 : defaultTimeoutMs);
    const limits = new CallLimits(options.signal, totalMs);
    try {
      for (let attempt = 0; ; attempt += 1) {
        const state = { hasBegun: false };
        try {
          yield* this.#streamOnce(call, options, limits, isLast, state);
          return;
        } catch (error) {
          if (state.hasBegun) throw error;
          await this.#again(error, attempt, options, limits);
        }
      }
    } finally {
      limits.dispose();
    }
  }

  async *#streamOnce(
    call: Call,
    options: CallOptions,
    outer: CallLimits,
    isLast: (value: unknown) => boolean,
    state: { hasBegun: boolean },
  ): AsyncGenerator<StreamPart> {
    // Silence ends this attempt, not the call.
    const limits = new CallLimits(outer.signal, 0);
    const silenceMs = this.#defaults.transport.streams ? (options.silenceMs ?? this.#defaults.silenceMs) : 0;
    const heard = (): void =>
      limits.watchSilence(silenceMs, () => limits.abort(timeoutError('did not go on', silenceMs)));
    let isOver = false;
    try {
      heard();
      const answer = await this.#send(call, options, limits);
      checkIsStream(answer);
      const parser = new ServerEventParser();
      for await (const piece of guarded(answer, limits)) {
        if (isOver) continue;
        // Who reads this stream may take its time: only the server is watched.
        limits.watchSilence(0, () => {});
        for (const event of parser.push(piece)) {
          if (event.type === 'comment') {
            yield event;
            continue;
          }
          const value = event.data === '[DONE]' ? undefined : valueOf(event.data, answer);
          if (value !== undefined) {
            state.hasBegun = true;
            yield { type: 'value', value, head: answer };
          }
          if (value === undefined || isLast(value)) {
            isOver = true;
            state.hasBegun = true;
            yield { type: 'end' };
            // Read on to the end of the body, so that the connection can be used again; but do not wait for it long.
            limits.watchSilence(closingMs, () => limits.abort(undefined));
            break;
          }
        }
        if (!isOver) heard();
      }
      if (!isOver) throw brokenStream(answer);
    } catch (error) {
      if (!isOver) throw outer.signal.aborted ? outer.reason : error;
    } finally {
      limits.abort(undefined);
      limits.dispose();
    }
  }

  /** @throws what is wrong with the answer, or that there is none */
  async #send(call: Call, options: CallOptions, limits: CallLimits): Promise<TransportAnswer> {
    limits.throwIfAborted();
    const { root, transport } = this.#defaults;
    let answer: TransportAnswer;
    try {
      answer = await transport.send({
        url: `${root}${call.path}`,
        method: call.method,
        headers: {
          ...this.#defaults.headers,
          ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        body: call.form ?? (call.json === undefined ? undefined : JSON.stringify(call.json)),
        signal: limits.signal,
      });
    } catch (cause) {
      limits.throwIfAborted();
      throw new DuanyunClientError('server_unreachable', `No server answers at ${root}.`, { cause });
    }
    if ((answer.status >= 200 && answer.status < 300) || call.accept?.includes(answer.status) === true) return answer;
    const text = await whole(answer, limits).catch(() => '');
    limits.throwIfAborted();
    throw errorFromAnswer(answer, text);
  }

  /** Waits before another attempt. @throws the error where there is none to make */
  async #again(error: unknown, attempt: number, options: CallOptions, limits: CallLimits): Promise<undefined> {
    limits.throwIfAborted();
    const { retry } = this.#defaults;
    if (!mayRetry(error, attempt, { ...retry, maxRetries: options.maxRetries ?? retry.maxRetries })) throw error;
    await limits.sleep(retryDelayMs(attempt, error.retryAfterSeconds, Math.random()));
  }
}

async function whole(answer: TransportAnswer, limits: CallLimits): Promise<string> {
  let text = '';
  for await (const piece of guarded(answer, limits)) text += piece;
  return text;
}

/** The pieces of a body; what breaks it has a code. */
async function* guarded(answer: TransportAnswer, limits: CallLimits): AsyncGenerator<string> {
  try {
    yield* answer.pieces();
  } catch (cause) {
    limits.throwIfAborted();
    throw brokenStream(answer, cause);
  }
}

function brokenStream(head: AnswerHead, cause?: unknown): DuanyunClientError {
  return new DuanyunClientError('stream_broken', 'The answer broke off before its end.', {
    ...detailsOf(head),
    cause,
  });
}

function checkIsStream(head: AnswerHead): void {
  const kind = head.header('content-type') ?? 'no content type';
  if (/^text\/event-stream\b/i.test(kind)) return;
  const message = `The server answered with ${kind} instead of a stream of events.`;
  throw new DuanyunClientError('response_invalid', message, { ...detailsOf(head), retryable: false });
}

/** @throws the error that the server told, or `response_invalid` */
function valueOf(data: string, head: AnswerHead): unknown {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    const details = { ...detailsOf(head), cause };
    throw new DuanyunClientError('response_invalid', 'The server sent an event that is not JSON.', details);
  }
  if (typeof value !== 'object' || value === null) {
    throw new DuanyunClientError('response_invalid', 'The server sent an event that is no object.', detailsOf(head));
  }
  const told = toldError(value);
  if (told !== undefined) throw wireError(told, detailsOf(head));
  return value;
}

export function detailsOf(head: AnswerHead): ClientErrorDetails {
  return { status: head.status, requestId: head.header('x-request-id'), route: routeFrom(head) };
}
