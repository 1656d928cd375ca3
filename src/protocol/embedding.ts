import * as z from 'zod';
import type { EmbeddingRequest, EmbeddingResult } from '../core/chat.ts';
import { modelName, optional } from './fields.ts';
import { defaultModel } from './generation.ts';
import { refuse } from './parse-wire.ts';
import { routeWishes, toRouteWishes } from './route-wishes.ts';
import { textOrTokens, toInputs } from './text-or-tokens.ts';

const maxInputs = 2048;

/** Body of `POST /v1/embeddings`. */
export const embeddingSchema = z
  .object({
    model: modelName,
    input: textOrTokens({ maxEntries: maxInputs, emptyText: false }),
    encoding_format: optional(z.enum(['float', 'base64'])),
    dimensions: optional(z.int().min(1)).describe('Must be the length that the model gives.'),
    user: optional(z.string()),
    duanyun: routeWishes,
  })
  .meta({ required: ['input'] });

export type WireEmbedding = z.output<typeof embeddingSchema>;

export function toEmbeddingRequest(wire: WireEmbedding, id: string): EmbeddingRequest {
  const route = toRouteWishes(wire.duanyun);
  const request = { id, model: wire.model ?? defaultModel, inputs: toInputs(wire.input) };
  return route === undefined ? request : { ...request, route };
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

/** 32-bit floats, little-endian, as OpenAI packs them. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
