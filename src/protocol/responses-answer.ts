import type { DuanyunError } from '../core/errors.ts';
import type { FinishReason, ReadContent, TokenUsage } from '../core/events.ts';
import type { AnswerCollector } from './answer.ts';
import { firstTimings } from './chat-answer.ts';
import type { AnswerContext } from './generation.ts';
import { chatToken } from './logprobs.ts';
import { present } from './present.ts';
import { readContentBody } from './read-content.ts';
import type { WireResponses } from './responses-schema.ts';

/** One entry of a response's `output`. */
export type OutputItem =
  | { kind: 'reasoning'; id: string; text: string }
  | { kind: 'message'; id: string; text: string; logprobs: object[] }
  | { kind: 'call'; id: string; callId: string; name: string; arguments: string };

export type ResponseState = {
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  model: string;
  output: OutputItem[];
  finish?: FinishReason;
  usage?: TokenUsage;
  error?: DuanyunError;
  read?: ReadContent;
};

/** `resp_x` → `msg_x_0`: an item's id says which response it belongs to. */
export function itemId(prefix: 'msg' | 'fc' | 'rs', responseId: string, outputIndex: number): string {
  return `${prefix}_${responseId.replace(/^resp_/, '')}_${outputIndex}`;
}

/** The body of a response that is not streamed. */
export function responsesBody(wire: WireResponses, context: AnswerContext, answer: AnswerCollector): object {
  const [choice] = answer.choices;
  const output: OutputItem[] = [];
  if (choice !== undefined) {
    if (choice.reasoning !== '') {
      output.push({ kind: 'reasoning', id: itemId('rs', context.id, output.length), text: choice.reasoning });
    }
    if (choice.text !== '' || choice.toolCalls.length === 0) {
      const logprobs = choice.logprobs.map(chatToken);
      output.push({ kind: 'message', id: itemId('msg', context.id, output.length), text: choice.text, logprobs });
    }
    for (const call of choice.toolCalls) {
      const id = itemId('fc', context.id, output.length);
      output.push({ kind: 'call', id, callId: call.id, name: call.name, arguments: call.arguments });
    }
  }
  const state = present<ResponseState>({
    status: finalStatus(choice?.finish),
    model: answer.model ?? context.requestedModel,
    output,
    finish: choice?.finish,
    usage: choice?.usage,
    error: undefined,
    read: answer.read,
  });
  return { ...responseObject(wire, context, state), ...firstTimings(answer.choices) };
}

export function finalStatus(finish: FinishReason | undefined): 'completed' | 'incomplete' {
  return finish?.unified === 'length' || finish?.unified === 'content-filter' ? 'incomplete' : 'completed';
}

/** The response object, as it stands in the body and in the stream's life-cycle events. */
export function responseObject(wire: WireResponses, context: AnswerContext, state: ResponseState): object {
  const incomplete = state.finish?.unified === 'length' ? 'max_output_tokens' : 'content_filter';
  return {
    id: context.id,
    object: 'response',
    ...readContentBody(state.read),
    created_at: context.createdSeconds,
    status: state.status,
    error: state.error === undefined ? null : { code: state.error.code, message: state.error.message },
    incomplete_details: state.status === 'incomplete' ? { reason: incomplete } : null,
    instructions: wire.instructions ?? null,
    max_output_tokens: wire.max_output_tokens ?? null,
    model: state.model,
    output: state.output.map((item) => itemBody(item, state.status === 'in_progress' ? 'in_progress' : 'completed')),
    parallel_tool_calls: wire.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: wire.reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: wire.temperature ?? null,
    text: { format: wire.text?.format ?? { type: 'text' } },
    tool_choice: wire.tool_choice ?? 'auto',
    tools: wire.tools ?? [],
    top_p: wire.top_p ?? null,
    truncation: wire.truncation ?? 'disabled',
    usage: state.usage === undefined ? null : responsesUsage(state.usage),
    user: wire.user ?? null,
    metadata: wire.metadata ?? {},
  };
}

export function itemBody(item: OutputItem, status: 'in_progress' | 'completed'): object {
  switch (item.kind) {
    case 'reasoning':
      return {
        id: item.id,
        type: 'reasoning',
        status,
        summary: [],
        content: item.text === '' ? [] : [{ type: 'reasoning_text', text: item.text }],
      };
    case 'message':
      return {
        id: item.id,
        type: 'message',
        role: 'assistant',
        status,
        content: status === 'in_progress' ? [] : [textPart(item.text, item.logprobs)],
      };
    case 'call':
      return {
        id: item.id,
        type: 'function_call',
        status,
        call_id: item.callId,
        name: item.name,
        arguments: item.arguments,
      };
  }
}

export function textPart(text: string, logprobs: object[]): object {
  return { type: 'output_text', text, annotations: [], logprobs };
}

function responsesUsage(usage: TokenUsage): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}
