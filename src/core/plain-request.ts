import type { ChatInput, CompletionInput, GenerationRequest } from './chat.ts';

/** A chat of one user message, or the messages and tools given; no tools, none called. */
export function plainChat(text: string, fields: Partial<Omit<ChatInput, 'kind'>> = {}): ChatInput {
  return {
    kind: 'chat',
    messages: [{ role: 'user', content: [{ type: 'text', text }] }],
    tools: [],
    toolChoice: { type: 'none' },
    parallelToolCalls: true,
    ...fields,
  };
}

/** A request in which nothing is asked for but the answer: what the program itself, a benchmark or a test asks. */
export function plainRequest(
  id: string,
  input: string | ChatInput | CompletionInput,
  fields: Partial<Omit<GenerationRequest, 'id' | 'input'>> = {},
): GenerationRequest {
  return {
    id,
    model: 'auto',
    input: typeof input === 'string' ? plainChat(input) : input,
    sampling: {},
    stop: [],
    responseFormat: { type: 'text' },
    reasoning: { return: true },
    truncate: 'error',
    priority: 0,
    ...fields,
  };
}
