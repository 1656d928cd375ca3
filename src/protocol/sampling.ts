import type * as z from 'zod';
import type { GenerationRequest, ReasoningOptions, SamplingOptions } from '../core/chat.ts';
import { maxTokenLimit, type reasoningEffort, type samplingFields } from './fields.ts';
import { present } from './present.ts';

type WireSampling = z.output<z.ZodObject<typeof samplingFields>>;

export function toSampling(wire: WireSampling): SamplingOptions {
  return present<SamplingOptions>({
    temperature: wire.temperature,
    topP: wire.top_p,
    topK: wire.top_k === -1 ? 0 : wire.top_k,
    minP: wire.min_p,
    presencePenalty: wire.presence_penalty,
    frequencyPenalty: wire.frequency_penalty,
    repeatPenalty: wire.repeat_penalty ?? wire.repetition_penalty,
    seed: wire.seed === null || wire.seed === undefined ? undefined : unsigned32(wire.seed),
    logitBias: toLogitBias(wire.logit_bias),
  });
}

/** Clients count in 64 bits and below zero; the engine takes 32 bits without a sign. */
export function unsigned32(value: number): number {
  const modulus = 2 ** 32;
  return ((value % modulus) + modulus) % modulus;
}

export function toMaxTokens(...candidates: (number | null | undefined)[]): number | undefined {
  const value = candidates.find((candidate) => candidate !== null && candidate !== undefined);
  return value === null || value === undefined ? undefined : Math.min(value, maxTokenLimit);
}

export function toStop(stop: string | string[] | null | undefined): string[] {
  if (stop === null || stop === undefined) return [];
  return typeof stop === 'string' ? [stop] : stop;
}

export type WireReasoning = {
  enable_thinking?: boolean | null | undefined;
  chat_template_kwargs?: { enable_thinking?: boolean | null | undefined } | null | undefined;
  reasoning_effort?: z.output<typeof reasoningEffort> | null | undefined;
  return_reasoning?: boolean | null | undefined;
  include_reasoning?: boolean | null | undefined;
};

/** The most explicit field wins: `enable_thinking`, then `chat_template_kwargs`, then `reasoning_effort`. */
export function toReasoning(wire: WireReasoning): ReasoningOptions {
  const effort = wire.reasoning_effort ?? undefined;
  const fromEffort = effort === undefined ? undefined : effort !== 'none' && effort !== 'minimal';
  return present<ReasoningOptions>({
    enable: wire.enable_thinking ?? wire.chat_template_kwargs?.enable_thinking ?? fromEffort,
    return: wire.return_reasoning ?? wire.include_reasoning ?? true,
  });
}

/**
 * `count` requests that differ in id and seed only: answer i of a seeded request uses `seed + i`, so that all are
 * repeatable and none repeats another.
 */
export function repeated(request: GenerationRequest, count: number): GenerationRequest[] {
  const { seed } = request.sampling;
  return Array.from({ length: count }, (_, index) => ({
    ...request,
    id: `${request.id}-${index}`,
    sampling: seed === undefined ? request.sampling : { ...request.sampling, seed: unsigned32(seed + index) },
  }));
}

function toLogitBias(bias: Record<string, number> | null | undefined): Map<number, number> | undefined {
  if (bias === null || bias === undefined) return undefined;
  return new Map(Object.entries(bias).map(([token, value]) => [Number(token), value]));
}
