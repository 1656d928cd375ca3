/** Measures one answer as the user sees it. */
import type { Clock } from '../../core/clock.ts';

export type AnswerFigures = {
  /** From the question to the first text; `undefined` where none came. */
  firstTokenMs: number | undefined;
  completionTokens: number | undefined;
  /** After the first token. */
  tokensPerSecond: number | undefined;
};

export class AnswerMeter {
  readonly #clock: Clock;
  readonly #askedMs: number;
  #firstMs: number | undefined;
  #lastMs = 0;
  #tokens: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#askedMs = clock.now();
  }

  text(): void {
    this.#lastMs = this.#clock.now();
    this.#firstMs ??= this.#lastMs;
  }

  usage(completionTokens: number): void {
    this.#tokens = completionTokens;
  }

  figures(): AnswerFigures {
    const tokens = this.#tokens;
    const seconds = this.#firstMs === undefined ? 0 : (this.#lastMs - this.#firstMs) / 1000;
    const isMeasurable = tokens !== undefined && tokens > 1 && seconds > 0;
    return {
      firstTokenMs: this.#firstMs === undefined ? undefined : this.#firstMs - this.#askedMs,
      completionTokens: tokens,
      tokensPerSecond: isMeasurable ? (tokens - 1) / seconds : undefined,
    };
  }
}

/** `132 tokens, 17.3 tokens/s, first token after 0.42 s` */
export function figuresText({ firstTokenMs, completionTokens, tokensPerSecond }: AnswerFigures): string {
  return [
    ...(completionTokens === undefined ? [] : [`${completionTokens} tokens`]),
    ...(tokensPerSecond === undefined ? [] : [`${tokensPerSecond.toFixed(1)} tokens/s`]),
    ...(firstTokenMs === undefined ? ['no answer'] : [`first token after ${(firstTokenMs / 1000).toFixed(2)} s`]),
  ].join(', ');
}
