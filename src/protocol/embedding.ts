import * as z from 'zod';
import type { EmbeddingRequest, EmbeddingResult } from '../core/chat.ts';
import { tokenId } from './completion-request.ts';
import { modelName, optional } from './fields.ts';
import { defaultModel } from './generation.ts';
import { refuse } from './parse-wire.ts';

const maxInputs = 2048;
const text = z.string().min(1);

/** Body of `POST /v1/embeddings`. */
export const embeddingSchema = z.object({
  model: modelName,
  input: z.union([
    text,
    z.array(text).min(1).max(maxInputs),
    z.array(tokenId).min(1),
    z.array(z.array(tokenId).min(1)).min(1).max(maxInputs),
  ]),
  encoding_format: optional(z.enum(['float', 'base64'])),
  dimensions: optional(z.int().min(1)).describe('Must be the length that the model gives.'),
  user: optional(z.string()),
});

export type WireEmbedding = z.output<typeof embeddingSchema>;

export function toEmbeddingRequest(wire: WireEmbedding, id: string): EmbeddingRequest {
  return { id, model: wire.model ?? defaultModel, inputs: toInputs(wire.input) };
}

/** @throws `invalid_request` where `dimensions` is not what the model gives */
export function embeddingBody(result: EmbeddingResult, wire: WireEmbedding): object {
  const length = result.vectors[0]?.length ?? 0;
  if (typeof wire.dimensions === 'number' && wire.dimensions !== length) {
    throw refuse('dimensions', `must be ${length} for ${result.model}`);
  }
  const encode = wire.encoding_format === 'base64' ? toBase64 : (vector: Float32Array) => [...vector];
  return {
    object: 'list',
    data: result.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
    model: result.model,
    usage: { prompt_tokens: result.promptTokens, total_tokens: result.promptTokens },
  };
}

function toInputs(input: WireEmbedding['input']): (string | number[])[] {
  if (typeof input === 'string') return [input];
  if (typeof input[0] === 'number') return [input as number[]];
  return input as string[] | number[][];
}

/** 32-bit floats, little-endian, as OpenAI packs them. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
