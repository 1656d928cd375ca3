import * as z from 'zod';
import type { GenerationRequest } from '../core/chat.ts';
import { generationFields, maxChoices, optional, tokenCount } from './fields.ts';
import { textOrTokens, toInputs } from './text-or-tokens.ts';
import { defaultModel, type ParsedGeneration } from './generation.ts';
import { refuse } from './parse-wire.ts';
import { present } from './present.ts';
import { toCacheWishes, toRouteWishes } from './route-wishes.ts';
import { repeated, toMaxTokens, toSampling, toStop } from './sampling.ts';

/** Body of `POST /v1/completions`. */
export const completionSchema = z
  .object({
    prompt: textOrTokens({ maxEntries: maxChoices, emptyText: true }),
    max_tokens: optional(tokenCount),
    echo: optional(z.boolean()),
    logprobs: optional(z.int().min(0).max(20)),
    suffix: optional(z.literal('', { error: 'is not supported: text cannot be filled in between' })),
    best_of: optional(z.literal(1, { error: 'is not supported; use n' })),
    ...generationFields,
  })
  .meta({ required: ['prompt'] });

export type WireCompletion = z.output<typeof completionSchema>;
export type ParsedCompletion = ParsedGeneration & { choicesPerPrompt: number };

/**
 * Choice `p · n + i` answers prompt p.
 *
 * @throws `invalid_request`
 */
export function toCompletionGeneration(wire: WireCompletion, id: string): ParsedCompletion {
  const prompts = toInputs(wire.prompt);
  const n = wire.n ?? 1;
  if (prompts.length * n > maxChoices) {
    throw refuse('n', `times the number of prompts must be at most ${maxChoices}`);
  }
  const requests = prompts.flatMap((prompt, index) =>
    repeated(
      present<GenerationRequest>({
        id: `${id}-${index}`,
        model: wire.model ?? defaultModel,
        input: { kind: 'completion', prompt, echo: wire.echo ?? false },
        sampling: toSampling(wire),
        stop: toStop(wire.stop),
        maxTokens: toMaxTokens(wire.max_tokens),
        logprobs: wire.logprobs,
        responseFormat: { type: 'text' },
        reasoning: { return: true },
        truncate: wire.truncate ?? 'error',
        priority: wire.priority ?? 0,
        route: toRouteWishes(wire.duanyun),
        cache: toCacheWishes(wire.duanyun),
      }),
      n,
    ),
  );
  return {
    requests,
    stream: wire.stream ?? false,
    includeUsage: wire.stream_options?.include_usage ?? false,
    choicesPerPrompt: n,
  };
}
