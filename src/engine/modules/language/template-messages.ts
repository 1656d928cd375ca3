/** Core messages as chat templates expect them: the shape that `transformers` gives to `apply_chat_template`. */
import type { AssistantMessage, ChatMessage, ContentPart, JsonValue, ToolDefinition } from '../../../core/chat.ts';

/** What a template can take; see `templateSupports`. */
export type TemplateSupport = {
  /** Shows the tools it is given. */
  tools: boolean;
  /** Writes or closes `<think>` blocks, or heeds `enable_thinking`. */
  thinking: boolean;
  systemRole: boolean;
  /** Takes content as a list of parts. */
  contentParts: boolean;
  /** Takes content as one text. */
  contentText: boolean;
  /** How it wants `tool_calls[].function.arguments`. */
  toolArguments: 'object' | 'string';
};

export type TemplateMessage = {
  role: ChatMessage['role'];
  content: string | { type: string; text?: string }[];
  name?: string;
  tool_call_id?: string;
  reasoning_content?: string;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: JsonValue } }[];
};

export type MessageOptions = {
  supports: TemplateSupport;
  /** Stands in for a picture or a sound in the text. Absent: such parts go to the template as parts. */
  mediaMarker?: string;
};

export function toTemplateMessages(messages: ChatMessage[], options: MessageOptions): TemplateMessage[] {
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  const mapped = messages.map((message, index): TemplateMessage => {
    switch (message.role) {
      case 'assistant':
        return toAssistant(message, index > lastUser, options);
      case 'tool': {
        const name = callName(messages, message.toolCallId);
        return {
          role: 'tool',
          content: toContent(message.content, options),
          tool_call_id: message.toolCallId,
          ...(name === undefined ? {} : { name }),
        };
      }
      case 'user':
        return {
          role: 'user',
          content: toContent(message.content, options),
          ...(message.name === undefined ? {} : { name: message.name }),
        };
      case 'system':
        return { role: 'system', content: toContent(message.content, options) };
    }
  });
  return options.supports.systemRole ? mapped : withoutSystemRole(mapped);
}

/** Reasoning belongs to the turn in which it was thought: of earlier turns only the answer is shown again. */
function toAssistant(message: AssistantMessage, isCurrentTurn: boolean, options: MessageOptions): TemplateMessage {
  const content = toContent(message.content, options);
  const { answer, thought } = typeof content === 'string' ? splitThought(content) : { answer: content, thought: '' };
  const reasoning = message.reasoning ?? thought;
  return {
    role: 'assistant',
    content: answer,
    ...(isCurrentTurn && reasoning !== '' ? { reasoning_content: reasoning } : {}),
    ...(message.toolCalls.length === 0
      ? {}
      : {
          tool_calls: message.toolCalls.map((call) => ({
            id: call.id,
            type: 'function' as const,
            function: { name: call.name, arguments: toArguments(call.arguments, options.supports.toolArguments) },
          })),
        }),
  };
}

function splitThought(content: string): { answer: string; thought: string } {
  const match = /^\s*<think>([\s\S]*?)<\/think>\s*/.exec(content);
  if (match === null) return { answer: content, thought: '' };
  return { answer: content.slice(match[0].length), thought: (match[1] ?? '').trim() };
}

/** What a model or a client wrote need not be JSON; then it is shown as the one thing that it is. */
function toArguments(text: string, wanted: 'object' | 'string'): JsonValue {
  if (wanted === 'string') return text;
  try {
    const value = JSON.parse(text === '' ? '{}' : text) as JsonValue;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Not JSON: kept below.
  }
  return { arguments: text };
}

function toContent(parts: ContentPart[], options: MessageOptions): TemplateMessage['content'] {
  const { mediaMarker, supports } = options;
  const hasMedia = parts.some((part) => part.type !== 'text');
  if (hasMedia && mediaMarker === undefined) {
    return parts.map((part) => (part.type === 'text' ? part : { type: part.type }));
  }
  const joined = joinedText(parts, mediaMarker);
  return supports.contentParts && !supports.contentText ? [{ type: 'text', text: joined }] : joined;
}

function joinedText(parts: ContentPart[], mediaMarker: string | undefined): string {
  let text = '';
  let afterText = false;
  for (const part of parts) {
    if (part.type === 'text') {
      text += afterText ? `\n${part.text}` : part.text;
      afterText = true;
    } else {
      text += mediaMarker ?? '';
      afterText = false;
    }
  }
  return text;
}

function callName(messages: ChatMessage[], id: string): string | undefined {
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    const call = message.toolCalls.find((each) => each.id === id);
    if (call !== undefined) return call.name;
  }
  return undefined;
}

/** A template without the role gets the system text at the head of the first user message. */
function withoutSystemRole(messages: TemplateMessage[]): TemplateMessage[] {
  const texts = messages.filter((each) => each.role === 'system').map((each) => asText(each.content));
  const rest = messages.filter((each) => each.role !== 'system');
  if (texts.length === 0) return messages;
  const head = texts.join('\n\n');
  const first = rest.findIndex((each) => each.role === 'user');
  const user = rest[first];
  if (user === undefined) return [{ role: 'user', content: head }, ...rest];
  const content =
    typeof user.content === 'string'
      ? `${head}\n\n${user.content}`
      : [{ type: 'text', text: `${head}\n\n` }, ...user.content];
  return rest.with(first, { ...user, content });
}

const asText = (content: TemplateMessage['content']): string =>
  typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');

/** Tools as the OpenAI API writes them, which is how templates know them. */
export function toTemplateTools(tools: readonly ToolDefinition[]): unknown[] | null {
  if (tools.length === 0) return null;
  return tools.map((tool) => ({
    type: 'function',
    function: {
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      parameters: tool.parameters ?? { type: 'object', properties: {} },
    },
  }));
}
