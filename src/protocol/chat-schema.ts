import * as z from 'zod';
import { functionName, generationFields, jsonSchemaDocument, optional, reasoningEffort, tokenCount } from './fields.ts';

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.union([
    z.string().min(1),
    z.object({ url: z.string().min(1), detail: optional(z.enum(['auto', 'low', 'high'])) }),
  ]),
});
const audioPart = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({
    data: z.string().min(1),
    format: z.enum(['wav', 'mp3', 'flac', 'ogg', 'opus', 'm4a', 'webm']),
  }),
});

const inputPart = z.discriminatedUnion('type', [textPart, imagePart, audioPart], {
  error: 'must be one of "text", "image_url", "input_audio"',
});
const outputPart = z.discriminatedUnion('type', [textPart, refusalPart], {
  error: 'must be one of "text", "refusal"',
});
const inputContent = z.union([z.string(), z.array(inputPart)]);

const legacyCall = optional(z.null({ error: 'is the legacy form; send tool_calls instead' }));
const toolCall = z.object({
  id: z.string().min(1).max(256),
  type: optional(z.literal('function')),
  function: z.object({ name: functionName, arguments: z.string() }),
});

const systemFields = { content: z.union([z.string(), z.array(textPart)]), name: optional(z.string()) };
const message = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.literal('system'), ...systemFields }),
    z.object({ role: z.literal('developer'), ...systemFields }),
    z.object({ role: z.literal('user'), content: inputContent, name: optional(z.string()) }),
    z.object({
      role: z.literal('assistant'),
      content: optional(z.union([z.string(), z.array(outputPart)])),
      reasoning_content: optional(z.string()),
      reasoning: optional(z.string()),
      tool_calls: optional(z.array(toolCall).max(128)),
      function_call: legacyCall,
    }),
    z.object({ role: z.literal('tool'), tool_call_id: z.string().min(1).max(256), content: inputContent }),
  ],
  { error: 'must be an object whose role is one of "system", "developer", "user", "assistant", "tool"' },
);

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: functionName,
    description: optional(z.string()),
    parameters: optional(z.union([jsonSchemaDocument, z.boolean()])),
    strict: optional(z.boolean()),
  }),
});

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
]);

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: functionName.optional(),
        description: optional(z.string()),
        schema: z.union([jsonSchemaDocument, z.boolean()]),
        strict: optional(z.boolean()),
      }),
    }),
  ],
  { error: 'must be one of "text", "json_object", "json_schema"' },
);

/** Body of `POST /v1/chat/completions`. */
export const chatSchema = z.object({
  messages: z.array(message).min(1),
  tools: optional(z.array(tool).max(128)),
  tool_choice: optional(toolChoice),
  parallel_tool_calls: optional(z.boolean()),
  response_format: optional(responseFormat),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(20)),
  max_tokens: optional(tokenCount),
  max_completion_tokens: optional(tokenCount),
  enable_thinking: optional(z.boolean()).describe('Whether the model reasons first. Default: as the model is made.'),
  return_reasoning: optional(z.boolean()).describe('Whether to send `reasoning_content`. Default true.'),
  include_reasoning: optional(z.boolean()).describe('Another name for `return_reasoning`.'),
  chat_template_kwargs: optional(z.object({ enable_thinking: optional(z.boolean()) })),
  reasoning_effort: optional(reasoningEffort),
  functions: optional(z.null({ error: 'is the legacy form; send tools instead' })),
  function_call: optional(z.null({ error: 'is the legacy form; send tool_choice instead' })),
  ...generationFields,
});

export type WireChat = z.output<typeof chatSchema>;
export type WireMessage = WireChat['messages'][number];
export type WirePart = z.output<typeof inputPart> | z.output<typeof outputPart>;
