import type {
  ChatMessage,
  ContentPart,
  GenerationRequest,
  JsonSchema,
  ResponseFormat,
  ToolCall,
  ToolChoice,
  ToolDefinition,
} from '../core/chat.ts';
import type { WireChat, WireMessage, WirePart } from './chat-schema.ts';
import { defaultModel, type ParsedGeneration } from './generation.ts';
import { audioPart, imageSource } from './media.ts';
import { refuse } from './parse-wire.ts';
import { present } from './present.ts';
import { toCacheWishes, toRouteWishes } from './route-wishes.ts';
import { repeated, toMaxTokens, toReasoning, toSampling, toStop } from './sampling.ts';

/**
 * @param id of the HTTP request; generation i gets `id-i`
 * @throws `invalid_request`
 */
export function toChatGeneration(wire: WireChat, id: string): ParsedGeneration {
  const tools = toTools(wire.tools ?? []);
  const request = present<GenerationRequest>({
    id,
    model: wire.model ?? defaultModel,
    input: {
      kind: 'chat',
      messages: wire.messages.map((message, index) => toMessage(message, `messages[${index}]`)),
      tools,
      toolChoice: toToolChoice(wire.tool_choice, tools),
      parallelToolCalls: wire.parallel_tool_calls ?? true,
    },
    sampling: toSampling(wire),
    stop: toStop(wire.stop),
    maxTokens: toMaxTokens(wire.max_completion_tokens, wire.max_tokens),
    logprobs: toLogprobs(wire),
    responseFormat: toResponseFormat(wire.response_format),
    reasoning: toReasoning(wire),
    truncate: wire.truncate ?? 'error',
    priority: wire.priority ?? 0,
    route: toRouteWishes(wire.duanyun),
    cache: toCacheWishes(wire.duanyun),
  });
  return {
    requests: repeated(request, wire.n ?? 1),
    stream: wire.stream ?? false,
    includeUsage: wire.stream_options?.include_usage ?? false,
  };
}

function toMessage(message: WireMessage, path: string): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: toParts(message.content, path) };
    case 'user': {
      const content = toParts(message.content, path);
      return typeof message.name === 'string'
        ? { role: 'user', content, name: message.name }
        : { role: 'user', content };
    }
    case 'assistant': {
      const reasoning = message.reasoning_content ?? message.reasoning;
      const toolCalls = (message.tool_calls ?? []).map((call): ToolCall => ({
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      }));
      const content = toParts(message.content ?? [], path);
      return { role: 'assistant', content, toolCalls, ...(reasoning ? { reasoning } : {}) };
    }
    case 'tool':
      return { role: 'tool', toolCallId: message.tool_call_id, content: toParts(message.content, path) };
  }
}

function toParts(content: string | WirePart[], path: string): ContentPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return content.map((part, index) => toPart(part, `${path}.content[${index}]`));
}

function toPart(part: WirePart, path: string): ContentPart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.refusal };
    case 'image_url': {
      const image = typeof part.image_url === 'string' ? { url: part.image_url } : part.image_url;
      const field = typeof part.image_url === 'string' ? `${path}.image_url` : `${path}.image_url.url`;
      const source = imageSource(image.url, field);
      return { type: 'image', source, detail: ('detail' in image ? image.detail : undefined) ?? 'auto', field };
    }
    case 'input_audio':
      return audioPart(part.input_audio.data, part.input_audio.format, `${path}.input_audio.data`);
  }
}

function toTools(tools: NonNullable<WireChat['tools']>): ToolDefinition[] {
  const definitions = tools.map((tool) =>
    present<ToolDefinition>({
      name: tool.function.name,
      description: tool.function.description,
      parameters: tool.function.parameters as JsonSchema | null | undefined,
      strict: tool.function.strict ?? false,
    }),
  );
  checkToolNames(definitions, (index) => `tools[${index}].function.name`);
  return definitions;
}

/** Two tools of one name could not be told apart in the answer. */
export function checkToolNames(tools: ToolDefinition[], param: (index: number) => string): void {
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    if (names.has(tool.name)) throw refuse(param(index), 'is used by an earlier tool');
    names.add(tool.name);
  }
}

function toToolChoice(choice: WireChat['tool_choice'], tools: ToolDefinition[]): ToolChoice {
  const name = typeof choice === 'object' && choice !== null ? choice.function.name : undefined;
  return resolveToolChoice(typeof choice === 'string' ? choice : undefined, name, tools, 'tool_choice.function.name');
}

/** Without tools there is nothing to choose; with tools the default is `auto`. */
export function resolveToolChoice(
  mode: 'none' | 'auto' | 'required' | undefined,
  name: string | undefined,
  tools: ToolDefinition[],
  nameParam: string,
): ToolChoice {
  if (name !== undefined) {
    if (!tools.some((tool) => tool.name === name)) throw refuse(nameParam, 'must be the name of one of the tools');
    return { type: 'named', name };
  }
  if (tools.length === 0) {
    if (mode === 'required') throw refuse('tool_choice', 'is "required" but there are no tools');
    return { type: 'none' };
  }
  return { type: mode ?? 'auto' };
}

function toLogprobs(wire: WireChat): number | undefined {
  if (wire.logprobs === true) return wire.top_logprobs ?? 0;
  if ((wire.top_logprobs ?? 0) > 0) throw refuse('top_logprobs', 'needs logprobs to be true');
  return undefined;
}

function toResponseFormat(format: WireChat['response_format']): ResponseFormat {
  switch (format?.type) {
    case 'json_object':
      return { type: 'json-object' };
    case 'json_schema': {
      const { name, schema, strict } = format.json_schema;
      return {
        type: 'json-schema',
        name: name ?? 'response',
        schema: schema as JsonSchema,
        strict: strict ?? false,
      };
    }
    default:
      return { type: 'text' };
  }
}
