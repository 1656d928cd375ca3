import type {
  FinishReason,
  GenerationTimings,
  ReadContent,
  StreamEvent,
  TokenLogprob,
  TokenUsage,
} from '../core/events.ts';
import type { DuanyunError } from '../core/errors.ts';

/** What one generation says, without how it breaks: errors have a path of their own. */
export type AnswerEvent = Exclude<StreamEvent, { type: 'error' }>;

/** Turns events into server-sent events. An empty string means that an event has nothing to show. */
export interface StreamEncoder {
  push(index: number, event: AnswerEvent): string;
  end(): string;
  /** The last frames of an answer that broke off. */
  fail(error: DuanyunError): string;
}

export type CollectedCall = { id: string; name: string; arguments: string };

/** One choice, put together. */
export type CollectedChoice = {
  text: string;
  reasoning: string;
  toolCalls: CollectedCall[];
  logprobs: TokenLogprob[];
  usage?: TokenUsage;
  timings?: GenerationTimings;
  finish?: FinishReason;
};

/** Collects the events of all choices for an answer in one body. */
export class AnswerCollector {
  readonly choices: CollectedChoice[];
  /** The model that really answered; the first choice speaks for all. */
  model: string | undefined;
  /** What was read from the request's pictures and recordings. */
  read: ReadContent | undefined;

  constructor(choiceCount: number) {
    this.choices = Array.from({ length: choiceCount }, () => ({
      text: '',
      reasoning: '',
      toolCalls: [],
      logprobs: [],
    }));
  }

  push(index: number, event: AnswerEvent): void {
    const choice = this.choices[index];
    if (choice === undefined) return;
    switch (event.type) {
      case 'response-start':
        this.model ??= event.model;
        this.read ??= event.read;
        break;
      case 'text-delta':
        choice.text += event.text;
        if (event.logprobs !== undefined) choice.logprobs.push(...event.logprobs);
        break;
      case 'reasoning-delta':
        choice.reasoning += event.text;
        break;
      case 'tool-call-delta': {
        const call = (choice.toolCalls[event.index] ??= { id: '', name: '', arguments: '' });
        if (event.id !== undefined) call.id = event.id;
        if (event.name !== undefined) call.name = event.name;
        call.arguments += event.arguments;
        break;
      }
      case 'usage':
        choice.usage = event.usage;
        choice.timings = event.timings;
        break;
      case 'finish':
        choice.finish = event.reason;
        break;
    }
  }
}

export function wireFinishReason(reason: FinishReason | undefined): string {
  switch (reason?.unified) {
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'length':
      return 'length';
    default:
      return 'stop';
  }
}
