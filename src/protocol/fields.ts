/** Schemas of the fields that several endpoints share. `null` means "not set" everywhere, as OpenAI's clients send it. */
import * as z from 'zod';
import { generationWishes } from './route-wishes.ts';

/** Answers that one request may ask for, over all its prompts. */
export const maxChoices = 64;
/** The largest value that is kept; anything above means "as many as fit". */
export const maxTokenLimit = 2 ** 31 - 1;

export function optional<Schema extends z.ZodType>(schema: Schema): z.ZodOptional<z.ZodNullable<Schema>> {
  return schema.nullish();
}

/** A whole number of tokens; absurdly large ones are clamped later rather than refused. */
export const tokenCount = z
  .number()
  .min(1)
  .refine((value) => Number.isInteger(value), { error: 'must be an integer' })
  .meta({ type: 'integer' });

export const modelName = z
  .string()
  .min(1)
  .max(512)
  .describe('A model id from /v1/models, or `auto`. Default `auto`.')
  .nullish();

const stopText = z.string().min(1).max(512);

export const samplingFields = {
  temperature: optional(z.number().min(0).max(2)).describe('0 is greedy.'),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int().min(-1).max(1_000_000)).describe('0 or -1 switches it off.'),
  min_p: optional(z.number().min(0).max(1)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  repeat_penalty: optional(z.number().gt(0).max(10)).describe('1 switches it off.'),
  repetition_penalty: optional(z.number().gt(0).max(10)).describe('Another name for `repeat_penalty`.'),
  seed: optional(z.int()).describe('Taken modulo 2^32.'),
  logit_bias: optional(z.record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))),
};

export const streamFields = {
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
};

export const generationFields = {
  model: modelName,
  stop: optional(z.union([stopText, z.array(stopText).max(16)])),
  n: optional(z.int().min(1).max(8)),
  truncate: optional(z.enum(['error', 'auto'])).describe(
    'What to do when the prompt is longer than the context. `auto` keeps the system prompt and the newest turns.',
  ),
  priority: optional(z.int().min(-10).max(10)).describe('Higher runs first.'),
  user: optional(z.string()),
  duanyun: generationWishes,
  ...samplingFields,
  ...streamFields,
};

export const reasoningEffort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']);

/** A JSON Schema document. Its own content is the grammar compiler's business. */
export const jsonSchemaDocument = z.record(z.string(), z.unknown());

export const functionName = z.string().regex(/^[a-zA-Z0-9_.-]{1,64}$/, {
  error: 'must have 1 to 64 letters, digits, dots, dashes or underscores',
});
