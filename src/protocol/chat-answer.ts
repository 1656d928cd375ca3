import type { GenerationTimings, ReadContent, TokenUsage } from '../core/events.ts';
import type { DuanyunError } from '../core/errors.ts';
import {
  type AnswerCollector,
  type AnswerEvent,
  type CollectedChoice,
  type StreamEncoder,
  wireFinishReason,
} from './answer.ts';
import { errorBody } from './error-body.ts';
import type { AnswerContext } from './generation.ts';
import { chatLogprobs } from './logprobs.ts';
import { readContentBody } from './read-content.ts';
import { dataFrame, doneFrame } from './sse.ts';
import { timingsBody, totalUsage, usageBody } from './usage.ts';

/** The body of a chat completion that is not streamed. */
export function chatBody(context: AnswerContext, answer: AnswerCollector): object {
  const usage = totalUsage(
    answer.choices.map((choice) => choice.usage),
    context.choicesPerPrompt,
  );
  return {
    id: context.id,
    object: 'chat.completion',
    created: context.createdSeconds,
    model: answer.model ?? context.requestedModel,
    choices: answer.choices.map(choiceBody),
    usage: usageBody(usage),
    ...firstTimings(answer.choices),
    ...readContentBody(answer.read),
  };
}

function choiceBody(choice: CollectedChoice, index: number): object {
  const toolCalls = choice.toolCalls.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
  return {
    index,
    message: {
      role: 'assistant',
      content: choice.text === '' && toolCalls.length > 0 ? null : choice.text,
      refusal: null,
      ...(choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
    logprobs: choice.logprobs.length === 0 ? null : chatLogprobs(choice.logprobs),
    finish_reason: wireFinishReason(choice.finish),
  };
}

/** Timings are those of one generation: with several at once no sum of them would mean anything. */
export function firstTimings(choices: CollectedChoice[]): { timings?: object } {
  const [choice] = choices;
  if (choice?.usage === undefined || choice.timings === undefined || choices.length > 1) return {};
  return { timings: timingsBody(choice.usage, choice.timings) };
}

/** Chat completion chunks: the role first, then deltas, then the reason to stop, then usage if it was asked for. */
export class ChatStreamEncoder implements StreamEncoder {
  #context: AnswerContext;
  #prefix = '';
  #suffix: string;
  #opened: boolean[] = [];
  #read: ReadContent | undefined;
  #usages: (TokenUsage | undefined)[] = [];
  #timings: (GenerationTimings | undefined)[] = [];

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#suffix = context.includeUsage ? ',"usage":null}' : '}';
  }

  push(index: number, event: AnswerEvent): string {
    switch (event.type) {
      case 'response-start':
        if (this.#prefix === '') this.#prefix = this.#newPrefix(event.model);
        this.#read ??= event.read;
        return '';
      case 'text-delta': {
        const logprobs = event.logprobs === undefined ? 'null' : JSON.stringify(chatLogprobs(event.logprobs));
        return this.#open(index) + this.#chunk(index, `{"content":${JSON.stringify(event.text)}}`, 'null', logprobs);
      }
      case 'reasoning-delta':
        return this.#open(index) + this.#chunk(index, `{"reasoning_content":${JSON.stringify(event.text)}}`);
      case 'tool-call-delta': {
        const call = {
          index: event.index,
          ...(event.id === undefined ? {} : { id: event.id, type: 'function' }),
          function: { ...(event.name === undefined ? {} : { name: event.name }), arguments: event.arguments },
        };
        return this.#open(index) + this.#chunk(index, JSON.stringify({ tool_calls: [call] }));
      }
      case 'usage':
        this.#usages[index] = event.usage;
        this.#timings[index] = event.timings;
        return '';
      case 'finish':
        return this.#open(index) + this.#chunk(index, '{}', `"${wireFinishReason(event.reason)}"`);
    }
  }

  end(): string {
    if (!this.#context.includeUsage) return doneFrame;
    const usage = totalUsage(this.#usages, this.#context.choicesPerPrompt);
    const [timings] = this.#timings;
    const extension = timings === undefined || this.#usages.length > 1 ? {} : { timings: timingsBody(usage, timings) };
    const fields = JSON.stringify({ usage: usageBody(usage), ...extension }).slice(1);
    return dataFrame(`${this.#head()}"choices":[],${fields}`) + doneFrame;
  }

  fail(error: DuanyunError): string {
    return dataFrame(JSON.stringify(errorBody(error)));
  }

  /** The first chunk of a choice carries the role and nothing else. */
  #open(index: number): string {
    if (this.#opened[index] === true) return '';
    this.#opened[index] = true;
    // The first chunk of all also says what was read.
    const extension = JSON.stringify(readContentBody(this.#read)).slice(1, -1);
    this.#read = undefined;
    const more = extension === '' ? '' : `${extension},`;
    return this.#chunk(index, '{"role":"assistant","content":""}', 'null', 'null', more);
  }

  #chunk(index: number, delta: string, finishReason = 'null', logprobs = 'null', more = ''): string {
    const choice = `{"index":${index},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finishReason}}`;
    return dataFrame(`${this.#head()}${more}"choices":[${choice}]${this.#suffix}`);
  }

  /** The part that all chunks share is written once: one chunk a token makes this the hot path of the server. */
  #head(): string {
    this.#prefix ||= this.#newPrefix(this.#context.requestedModel);
    return this.#prefix;
  }

  #newPrefix(model: string): string {
    const { id, createdSeconds } = this.#context;
    const fields = { id, object: 'chat.completion.chunk', created: createdSeconds, model };
    return `${JSON.stringify(fields).slice(0, -1)},`;
  }
}
