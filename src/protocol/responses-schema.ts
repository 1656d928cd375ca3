import * as z from 'zod';
import { generationWishes } from './route-wishes.ts';
import {
  functionName,
  jsonSchemaDocument,
  modelName,
  optional,
  reasoningEffort,
  samplingFields,
  streamFields,
  tokenCount,
} from './fields.ts';

const inputText = z.object({ type: z.literal('input_text'), text: z.string() });
const outputText = z.object({ type: z.literal('output_text'), text: z.string() });
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });
const inputImage = z.object({
  type: z.literal('input_image'),
  image_url: z.string({ error: 'must be a string: uploaded files are not kept here' }).min(1),
  detail: optional(z.enum(['auto', 'low', 'high'])),
});
const inputAudio = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({
    data: z.string().min(1),
    format: z.enum(['wav', 'mp3', 'flac', 'ogg', 'opus', 'm4a', 'webm']),
  }),
});
const part = z.discriminatedUnion('type', [inputText, outputText, refusal, inputImage, inputAudio], {
  error: 'must be one of "input_text", "input_image", "input_audio", "output_text", "refusal"',
});

const messageItem = z.object({
  type: optional(z.literal('message')),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part)]),
});
const callItem = z.object({
  type: z.literal('function_call'),
  call_id: z.string().min(1).max(256),
  name: functionName,
  arguments: z.string(),
});
const outputItem = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string().min(1).max(256),
  output: z.union([z.string(), z.array(part)]),
});
const reasoningItem = z.object({
  type: z.literal('reasoning'),
  content: optional(z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() }))),
});
const typedItem = z.discriminatedUnion('type', [callItem, outputItem, reasoningItem], {
  error: 'must be one of "message", "function_call", "function_call_output", "reasoning"',
});
/** A message may leave its type out, so the type cannot be the discriminator of all. */
const item = z.union([messageItem, typedItem]);

const tool = z.object({
  type: z.literal('function', { error: 'must be "function": this server runs no tools of its own' }),
  name: functionName,
  description: optional(z.string()),
  parameters: optional(z.union([jsonSchemaDocument, z.boolean()])),
  strict: optional(z.boolean()),
});

const textFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      name: functionName.optional(),
      description: optional(z.string()),
      schema: z.union([jsonSchemaDocument, z.boolean()]),
      strict: optional(z.boolean()),
    }),
  ],
  { error: 'must be one of "text", "json_object", "json_schema"' },
);

const stateless = 'is not supported: nothing is kept here, so send the whole conversation as input';

/** Body of `POST /v1/responses`. Nothing is stored, and what would need a store is refused rather than ignored. */
export const responsesSchema = z.object({
  model: modelName,
  input: z.union([z.string(), z.array(item).min(1)]),
  instructions: optional(z.string()),
  max_output_tokens: optional(tokenCount),
  tools: optional(z.array(tool).max(128)),
  tool_choice: optional(
    z.union([z.enum(['none', 'auto', 'required']), z.object({ type: z.literal('function'), name: z.string() })]),
  ),
  parallel_tool_calls: optional(z.boolean()),
  text: optional(z.object({ format: optional(textFormat) })),
  reasoning: optional(z.object({ effort: optional(reasoningEffort) })),
  enable_thinking: optional(z.boolean()),
  return_reasoning: optional(z.boolean()),
  truncation: optional(z.enum(['auto', 'disabled'])),
  top_logprobs: optional(z.int().min(0).max(20)),
  include: optional(z.array(z.string())),
  priority: optional(z.int().min(-10).max(10)),
  metadata: optional(z.record(z.string(), z.string())),
  user: optional(z.string()),
  duanyun: generationWishes,
  previous_response_id: optional(z.null({ error: stateless })),
  conversation: optional(z.null({ error: stateless })),
  store: optional(z.literal(false, { error: 'must be false: nothing is kept here' })),
  background: optional(z.literal(false, { error: 'must be false: nothing is kept here' })),
  ...samplingFields,
  ...streamFields,
});

export type WireResponses = z.output<typeof responsesSchema>;
export type WireResponseItem = z.output<typeof item>;
export type WireResponsePart = z.output<typeof part>;
