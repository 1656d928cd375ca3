/** Sends one chat request and writes down when each piece of the answer came, and how it ended. */
import type { RequestRecord } from '../record.ts';
import { readAnswer, round } from './read-answer.ts';
import { Receiver } from './receiver.ts';

export type Target = {
  name: string;
  url: string;
  model: string;
  apiKey?: string;
};

export type ChatCall = {
  suite: string;
  case: string;
  messages: unknown[];
  maxTokens: number;
  warmup?: boolean;
  cold?: boolean;
  /** Keep the answer's text in the record. Default false: a report need not carry every answer. */
  keepText?: boolean;
  attempt?: number;
};

export type LoadClientOptions = {
  /** Zero of `startedMs`, by `monotonicMs()`. */
  runStartMs: number;
  /** An answer that has not ended by then is `timeout` or `never-ending`. */
  timeoutMs: number;
};

const keptCharacters = 2000;

export class LoadClient {
  readonly receiver = new Receiver();
  readonly #options: LoadClientOptions;

  constructor(options: LoadClientOptions) {
    this.#options = options;
  }

  /** What goes wrong with the server is the record's outcome. Rejects only when this client itself fails. */
  async send(target: Target, call: ChatCall, signal: AbortSignal): Promise<RequestRecord> {
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
    const exchange = await this.receiver.exchange(
      {
        url: `${target.url}/chat/completions`,
        headers,
        body,
        maxEvents: call.maxTokens * 4 + 64,
        timeoutMs: this.#options.timeoutMs,
      },
      signal,
    );
    const { text, ...found } = readAnswer(exchange);
    return {
      type: 'request',
      target: target.name,
      suite: call.suite,
      case: call.case,
      warmup: call.warmup ?? false,
      attempt: call.attempt ?? 1,
      ...(call.cold === undefined ? {} : { cold: call.cold }),
      startedMs: round(exchange.sentMs - this.#options.runStartMs),
      ...found,
      ...(call.keepText === true ? { text: text.slice(0, keptCharacters) } : {}),
    };
  }

  dispose(): Promise<void> {
    return this.receiver.dispose();
  }
}
