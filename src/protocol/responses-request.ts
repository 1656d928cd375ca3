import type {
  AssistantMessage,
  ChatMessage,
  ContentPart,
  GenerationRequest,
  JsonSchema,
  ResponseFormat,
  ToolChoice,
  ToolDefinition,
} from '../core/chat.ts';
import { checkToolNames, resolveToolChoice } from './chat-request.ts';
import { defaultModel, type ParsedGeneration } from './generation.ts';
import { audioPart, imageSource } from './media.ts';
import { present } from './present.ts';
import { toCacheWishes, toRouteWishes } from './route-wishes.ts';
import type { WireResponseItem, WireResponsePart, WireResponses } from './responses-schema.ts';
import { toMaxTokens, toReasoning, toSampling } from './sampling.ts';

/** @throws `invalid_request` */
export function toResponsesGeneration(wire: WireResponses, id: string): ParsedGeneration {
  const tools = toTools(wire.tools ?? []);
  const wantsLogprobs = wire.include?.includes('message.output_text.logprobs') === true;
  const request = present<GenerationRequest>({
    id: `${id}-0`,
    model: wire.model ?? defaultModel,
    input: {
      kind: 'chat',
      messages: toMessages(wire),
      tools,
      toolChoice: toToolChoice(wire.tool_choice, tools),
      parallelToolCalls: wire.parallel_tool_calls ?? true,
    },
    sampling: toSampling(wire),
    stop: [],
    maxTokens: toMaxTokens(wire.max_output_tokens),
    logprobs: wire.top_logprobs ?? (wantsLogprobs ? 0 : undefined),
    responseFormat: toResponseFormat(wire.text?.format),
    reasoning: toReasoning({
      enable_thinking: wire.enable_thinking,
      reasoning_effort: wire.reasoning?.effort,
      return_reasoning: wire.return_reasoning,
    }),
    truncate: wire.truncation === 'auto' ? 'auto' : 'error',
    priority: wire.priority ?? 0,
    route: toRouteWishes(wire.duanyun),
    cache: toCacheWishes(wire.duanyun),
  });
  return { requests: [request], stream: wire.stream ?? false, includeUsage: true };
}

function toMessages(wire: WireResponses): ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (wire.instructions) messages.push({ role: 'system', content: [{ type: 'text', text: wire.instructions }] });
  if (typeof wire.input === 'string') {
    messages.push({ role: 'user', content: toParts(wire.input, 'input') });
    return messages;
  }
  for (const [index, item] of wire.input.entries()) addItem(messages, item, `input[${index}]`);
  return messages;
}

/** Reasoning, calls and text of one turn are separate items here and one assistant message inside. */
function addItem(messages: ChatMessage[], item: WireResponseItem, path: string): void {
  switch (item.type) {
    case 'function_call':
      openTurn(messages).toolCalls.push({ id: item.call_id, name: item.name, arguments: item.arguments });
      return;
    case 'function_call_output':
      messages.push({ role: 'tool', toolCallId: item.call_id, content: toParts(item.output, `${path}.output`) });
      return;
    case 'reasoning': {
      const text = (item.content ?? []).map((part) => part.text).join('');
      if (text !== '') messages.push({ role: 'assistant', content: [], toolCalls: [], reasoning: text });
      return;
    }
    default: {
      const content = toParts(item.content, `${path}.content`);
      if (item.role === 'assistant') openTurn(messages).content.push(...content);
      else if (item.role === 'user') messages.push({ role: 'user', content });
      else messages.push({ role: 'system', content });
    }
  }
}

/** The assistant message that the items just before belong to, or a new one. */
function openTurn(messages: ChatMessage[]): AssistantMessage {
  const last = messages.at(-1);
  if (last?.role === 'assistant') return last;
  const turn: AssistantMessage = { role: 'assistant', content: [], toolCalls: [] };
  messages.push(turn);
  return turn;
}

function toParts(content: string | WireResponsePart[], path: string): ContentPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return content.map((part, index): ContentPart => {
    switch (part.type) {
      case 'input_text':
      case 'output_text':
        return { type: 'text', text: part.text };
      case 'refusal':
        return { type: 'text', text: part.refusal };
      case 'input_image':
        return {
          type: 'image',
          source: imageSource(part.image_url, `${path}[${index}].image_url`),
          detail: part.detail ?? 'auto',
          field: `${path}[${index}].image_url`,
        };
      case 'input_audio':
        return audioPart(part.input_audio.data, part.input_audio.format, `${path}[${index}].input_audio.data`);
    }
  });
}

function toTools(tools: NonNullable<WireResponses['tools']>): ToolDefinition[] {
  const definitions = tools.map((tool) =>
    present<ToolDefinition>({
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters as JsonSchema | null | undefined,
      strict: tool.strict ?? false,
    }),
  );
  checkToolNames(definitions, (index) => `tools[${index}].name`);
  return definitions;
}

function toToolChoice(choice: WireResponses['tool_choice'], tools: ToolDefinition[]): ToolChoice {
  const name = typeof choice === 'object' && choice !== null ? choice.name : undefined;
  return resolveToolChoice(typeof choice === 'string' ? choice : undefined, name, tools, 'tool_choice.name');
}

function toResponseFormat(format: NonNullable<WireResponses['text']>['format']): ResponseFormat {
  switch (format?.type) {
    case 'json_object':
      return { type: 'json-object' };
    case 'json_schema':
      return {
        type: 'json-schema',
        name: format.name ?? 'response',
        schema: format.schema as JsonSchema,
        strict: format.strict ?? false,
      };
    default:
      return { type: 'text' };
  }
}
