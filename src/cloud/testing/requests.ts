import type { GenerationRequest } from '../../core/chat.ts';

let serial = 0;

/** A chat request with one user message. */
export function newRequest(text: string, fields: Partial<GenerationRequest> = {}): GenerationRequest {
  serial += 1;
  return {
    id: `request-${serial}`,
    model: 'cloud-1',
    input: {
      kind: 'chat',
      messages: [{ role: 'user', content: [{ type: 'text', text }] }],
      tools: [],
      toolChoice: { type: 'none' },
      parallelToolCalls: true,
    },
    sampling: {},
    stop: [],
    responseFormat: { type: 'text' },
    reasoning: { return: true },
    truncate: 'error',
    priority: 0,
    ...fields,
  };
}
