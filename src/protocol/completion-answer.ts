import type { DuanyunError } from '../core/errors.ts';
import type { TokenLogprob, TokenUsage } from '../core/events.ts';
import { type AnswerCollector, type AnswerEvent, type StreamEncoder, wireFinishReason } from './answer.ts';
import { firstTimings } from './chat-answer.ts';
import { errorBody } from './error-body.ts';
import type { AnswerContext } from './generation.ts';
import { completionLogprobs } from './logprobs.ts';
import { dataFrame, doneFrame } from './sse.ts';
import { totalUsage, usageBody } from './usage.ts';

/** The body of a text completion that is not streamed. */
export function completionBody(context: AnswerContext, answer: AnswerCollector): object {
  const usage = totalUsage(
    answer.choices.map((choice) => choice.usage),
    context.choicesPerPrompt,
  );
  return {
    id: context.id,
    object: 'text_completion',
    created: context.createdSeconds,
    model: answer.model ?? context.requestedModel,
    choices: answer.choices.map((choice, index) => ({
      index,
      text: choice.text,
      logprobs: choice.logprobs.length === 0 ? null : completionLogprobs(choice.logprobs, 0),
      finish_reason: wireFinishReason(choice.finish),
    })),
    usage: usageBody(usage),
    ...firstTimings(answer.choices),
  };
}

export class CompletionStreamEncoder implements StreamEncoder {
  #context: AnswerContext;
  #model: string;
  #sentLengths: number[] = [];
  #usages: (TokenUsage | undefined)[] = [];

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#model = context.requestedModel;
  }

  push(index: number, event: AnswerEvent): string {
    switch (event.type) {
      case 'response-start':
        this.#model = event.model;
        return '';
      case 'text-delta':
        return this.#chunk(index, event.text, null, event.logprobs);
      case 'usage':
        this.#usages[index] = event.usage;
        return '';
      case 'finish':
        return this.#chunk(index, '', wireFinishReason(event.reason));
      case 'reasoning-delta':
      case 'tool-call-delta':
        return ''; // Raw completions know neither.
    }
  }

  end(): string {
    if (!this.#context.includeUsage) return doneFrame;
    const usage = usageBody(totalUsage(this.#usages, this.#context.choicesPerPrompt));
    return dataFrame(JSON.stringify({ ...this.#head(), choices: [], usage })) + doneFrame;
  }

  fail(error: DuanyunError): string {
    return dataFrame(JSON.stringify(errorBody(error)));
  }

  #chunk(index: number, text: string, finishReason: string | null, tokens?: TokenLogprob[]): string {
    const offset = this.#sentLengths[index] ?? 0;
    this.#sentLengths[index] = offset + text.length;
    const logprobs = tokens === undefined ? null : completionLogprobs(tokens, offset);
    const choices = [{ index, text, logprobs, finish_reason: finishReason }];
    return dataFrame(JSON.stringify({ ...this.#head(), choices }));
  }

  #head(): object {
    const { id, createdSeconds } = this.#context;
    return { id, object: 'text_completion', created: createdSeconds, model: this.#model };
  }
}
