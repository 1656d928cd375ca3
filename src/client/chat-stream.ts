import { type ChatAnswer, ChatAssembler, type ChatEvent } from './chat-answer.ts';
import type { StreamPart } from './call.ts';
import { routeFrom } from './errors.ts';
import { abortReason } from './time-limits.ts';

const waitingPrefix = 'waiting: ';

/**
 * One streamed answer. The request goes out when it is first read: by `for await`, by `text()` or by `answer()`. Leaving
 * the loop early ends the request at the server too.
 */
export class ChatStream implements AsyncIterable<ChatEvent> {
  readonly #controller = new AbortController();
  readonly #assembler = new ChatAssembler();
  readonly #events: AsyncGenerator<ChatEvent>;
  #answer: ChatAnswer | undefined;
  #failure: { error: unknown } | undefined;

  /** Made by `DuanyunClient.stream`. */
  constructor(open: (signal: AbortSignal) => AsyncIterable<StreamPart>, signal?: AbortSignal) {
    this.#events = this.#run(open, signal);
  }

  /** What has come so far; of an answer that broke off it is all there is. */
  get partial(): ChatAssembler['partial'] {
    return this.#assembler.partial;
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatEvent> {
    return this.#events;
  }

  /** The answer's text as it comes, without its reasoning. */
  async *text(): AsyncGenerator<string> {
    for await (const event of this.#events) if (event.type === 'text-delta') yield event.text;
  }

  /** Reads on to the end. Also after a loop that got there; throws again what that loop threw. */
  async answer(): Promise<ChatAnswer> {
    for (let next = await this.#events.next(); next.done !== true; next = await this.#events.next());
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#answer === undefined) throw abortReason();
    return this.#answer;
  }

  /** Ends it, here and at the server; who reads gets the reason thrown. */
  abort(reason: unknown = abortReason()): void {
    this.#failure ??= this.#answer === undefined ? { error: reason } : undefined;
    this.#controller.abort(reason);
  }

  async *#run(
    open: (signal: AbortSignal) => AsyncIterable<StreamPart>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ChatEvent> {
    // Only while it runs: a stream that nobody reads leaves nothing behind at the caller's signal.
    const onAbort = (): void => this.abort(abortReason(signal));
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort);
    try {
      if (this.#failure !== undefined) throw this.#failure.error;
      for await (const part of open(this.#controller.signal)) {
        switch (part.type) {
          case 'comment':
            if (part.text.startsWith(waitingPrefix)) {
              yield { type: 'waiting', reason: part.text.slice(waitingPrefix.length) };
            }
            break;
          case 'value':
            yield* this.#assembler.push(part.value, routeFrom(part.head));
            break;
          case 'end':
            this.#answer = this.#assembler.finish();
            yield { type: 'finish', answer: this.#answer };
            break;
        }
      }
    } catch (error) {
      this.#failure ??= { error };
      throw this.#failure.error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
}
