/** Turns the tokens of one answer into events: bytes → characters → stop texts → reasoning, text and tool calls. */
import type { StreamEvent, TokenLogprob } from '../../core/events.ts';
import type { SampledToken } from '../scheduler/types.ts';
import type { OutputParser, ParsedDelta } from './language/output-parser.ts';
import { StopMatcher } from './language/stop-matcher.ts';
import { Utf8Decoder } from './language/utf8-decoder.ts';

export type AnswerOptions = {
  parser: OutputParser;
  stop: string[];
  returnReasoning: boolean;
  /** Bytes of a token as the answer shows them. */
  bytesOf(token: number): Uint8Array;
  onEvent(event: StreamEvent): void;
};

export class AnswerText {
  readonly #options: AnswerOptions;
  readonly #decoder = new Utf8Decoder();
  readonly #stops: StopMatcher;
  /** Of tokens whose text has not been sent yet. */
  #logprobs: TokenLogprob[] = [];
  #stopped = false;
  #toolCalls = 0;
  #reasoningTokens = 0;

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#stops = new StopMatcher(options.stop);
  }

  get hasToolCalls(): boolean {
    return this.#toolCalls > 0;
  }

  /** Whether a stop text has ended the answer. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get reasoningTokens(): number {
    return this.#reasoningTokens;
  }

  /** Returns true when the answer ends here by a stop text. */
  push(sampled: SampledToken): boolean {
    if (this.#stopped || sampled.isEnd) return this.#stopped;
    const bytes = this.#options.bytesOf(sampled.token);
    if (sampled.logprob !== undefined) this.#logprobs.push(this.#describe(sampled, bytes));
    if (this.#options.parser.inReasoning) this.#reasoningTokens++;
    this.#pass(this.#decoder.push(bytes));
    return this.#stopped;
  }

  /** Sends what was held back. */
  finish(): void {
    if (!this.#stopped) {
      this.#pass(this.#decoder.finish());
      if (!this.#stopped) this.#emit(this.#options.parser.push(this.#stops.finish()));
    }
    this.#emit(this.#options.parser.finish());
  }

  #pass(text: string): void {
    if (text === '') return;
    const { text: safe, stop } = this.#stops.push(text);
    this.#stopped = stop !== undefined;
    if (safe !== '') this.#emit(this.#options.parser.push(safe));
  }

  #emit(deltas: ParsedDelta[]): void {
    for (const delta of deltas) {
      switch (delta.type) {
        case 'text':
          this.#emitText(delta.text);
          break;
        case 'reasoning':
          if (this.#options.returnReasoning) this.#options.onEvent({ type: 'reasoning-delta', text: delta.text });
          break;
        case 'tool-call': {
          if (delta.name !== undefined) this.#toolCalls++;
          const { type: _, ...call } = delta;
          this.#options.onEvent({ type: 'tool-call-delta', ...call });
        }
      }
    }
  }

  #emitText(text: string): void {
    const logprobs = this.#logprobs;
    this.#logprobs = [];
    this.#options.onEvent({ type: 'text-delta', text, ...(logprobs.length === 0 ? {} : { logprobs }) });
  }

  #describe(sampled: SampledToken, bytes: Uint8Array): TokenLogprob {
    const describe = (tokenBytes: Uint8Array, logprob: number) => ({
      token: new TextDecoder().decode(tokenBytes),
      bytes: [...tokenBytes],
      logprob,
    });
    const { logprob, top } = sampled.logprob ?? { logprob: 0, top: [] };
    return {
      ...describe(bytes, logprob),
      top: top.map((entry) => describe(this.#options.bytesOf(entry.token), entry.logprob)),
    };
  }
}
