import { DuanyunError, makeError } from '../core/errors.ts';
import type { GenerationRequest } from '../core/chat.ts';
import type { StreamEvent, TokenUsage } from '../core/events.ts';
import type { AnswerEvent } from '../protocol/answer.ts';
import type { Entry } from './entry.ts';
import { normalised } from './error-response.ts';
import { type IndexedEvent, MergedStreams } from './merge-streams.ts';

type Start = Extract<StreamEvent, { type: 'response-start' }>;
export type IndexedAnswerEvent = { index: number; event: AnswerEvent };

/**
 * The generations of one HTTP request while they run: errors become throws, a missing end becomes `stream_broken`, and
 * times and tokens are measured on the way.
 */
export class AnswerRun {
  /** Of the first generation that started. */
  start: Start | undefined;
  /** From the start of the request to the first token, once there was one. */
  firstTokenMs: number | undefined;
  /** Pieces of the answers so far. */
  deltas = 0;
  readonly usage: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  #entry: Entry;
  #controller: AbortController;
  #streams: MergedStreams;
  #held: IndexedAnswerEvent[] = [];
  #pending: Promise<IndexedAnswerEvent | undefined> | undefined;
  #unfinished: Set<number>;
  #startedMs: number;
  #lastTokenMs: (number | undefined)[] = [];
  #requestId: string;

  constructor(entry: Entry, requestId: string, requests: GenerationRequest[], controller: AbortController) {
    this.#entry = entry;
    this.#requestId = requestId;
    this.#controller = controller;
    this.#startedMs = entry.clock.now();
    this.#unfinished = new Set(requests.keys());
    const options = { signal: controller.signal };
    this.#streams = new MergedStreams(requests.map((request) => entry.service.stream(request, options)));
  }

  /**
   * Waits for the first event that is part of an answer, but no longer than `limitMs`: what goes wrong until then can
   * still become an HTTP status. The event is kept for `next`.
   *
   * @returns whether there was one in time
   * @throws DuanyunError
   */
  async hold(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'timeout'>((resolve) => {
      timer = setTimeout(() => resolve('timeout'), limitMs);
    });
    try {
      for (;;) {
        this.#pending ??= this.#pull();
        // A failure while nobody waits is found by the next caller, not by the process.
        this.#pending.catch(() => {});
        const first = await Promise.race([this.#pending, timeout]);
        if (first === 'timeout') return false;
        this.#pending = undefined;
        if (first !== undefined) this.#held.push(first);
        if (first?.event.type !== 'response-start') return true;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws DuanyunError; after that the run is over */
  async next(): Promise<IndexedAnswerEvent | undefined> {
    const held = this.#held.shift();
    if (held !== undefined) return held;
    const pending = this.#pending ?? this.#pull();
    this.#pending = undefined;
    return pending;
  }

  /** Frees what the backend holds. */
  close(reason?: DuanyunError): void {
    if (!this.#controller.signal.aborted && this.#unfinished.size > 0) {
      this.#controller.abort(reason ?? makeError('client_closed', {}));
    }
    this.#streams.close();
  }

  async #pull(): Promise<IndexedAnswerEvent | undefined> {
    let indexed: IndexedEvent | undefined;
    try {
      indexed = await this.#streams.next();
    } catch (error) {
      throw normalised(error, this.#requestId, this.#controller.signal);
    }
    if (indexed === undefined) {
      if (this.#unfinished.size > 0)
        throw makeError('stream_broken', {}, { detail: 'the backend ended without finish' });
      return undefined;
    }
    const { index, event } = indexed;
    if (event.type === 'error') throw new DuanyunError(event.code, event.message);
    this.#observe(index, event);
    return { index, event };
  }

  #observe(index: number, event: AnswerEvent): void {
    const { metrics, clock } = this.#entry;
    const labels = { model: this.start?.model ?? 'unknown', target: this.start?.receipt?.target ?? 'device' };
    switch (event.type) {
      case 'response-start':
        this.start ??= event;
        break;
      case 'text-delta':
      case 'reasoning-delta':
      case 'tool-call-delta': {
        this.deltas++;
        const now = clock.now();
        const last = this.#lastTokenMs[index];
        this.#lastTokenMs[index] = now;
        if (last !== undefined) {
          metrics.observe('duanyun_inter_token_seconds', (now - last) / 1000, labels);
          break;
        }
        this.firstTokenMs ??= now - this.#startedMs;
        metrics.observe('duanyun_time_to_first_token_seconds', (now - this.#startedMs) / 1000, labels);
        break;
      }
      case 'usage':
        this.usage.promptTokens += event.usage.promptTokens;
        this.usage.cachedTokens += event.usage.cachedTokens;
        this.usage.completionTokens += event.usage.completionTokens;
        this.usage.reasoningTokens += event.usage.reasoningTokens;
        metrics.count('duanyun_prompt_tokens_total', labels, event.usage.promptTokens);
        metrics.count('duanyun_cached_prompt_tokens_total', labels, event.usage.cachedTokens);
        metrics.count('duanyun_completion_tokens_total', labels, event.usage.completionTokens);
        break;
      case 'finish':
        this.#unfinished.delete(index);
        metrics.count('duanyun_generations_total', { ...labels, finish: event.reason.unified });
        break;
    }
  }
}
