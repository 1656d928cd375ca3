import type { GgufHeader, GgufValue } from './gguf.ts';

export type CacheType = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q5_1' | 'q5_0' | 'q4_1' | 'q4_0';

export type MemoryEstimate = {
  /** All tensors, as they lie in the file. */
  weightsBytes: number;
  /** Keys and values of `contextTokens` tokens in all layers that keep them. */
  cacheBytes: number;
  /** Activations and logits of one batch; a rule of thumb. */
  computeBytes: number;
  totalBytes: number;
};

const bytesPerElement: Readonly<Record<CacheType, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
};

/** Tokens of one batch of the prefill. */
const batchTokens = 512;
/** f32 activations of the widths of one layer that live at the same time. */
const liveActivations = 24;

/**
 * Memory that a model needs, in bytes, before it is loaded. An upper bound for models with sliding windows, whose caches
 * may be smaller. `contextTokens` is the sum over all sequences; keys and values are f16 unless told.
 */
export function estimateMemoryBytes(
  header: GgufHeader,
  options: { contextTokens: number; cacheTypes?: { keys: CacheType; values: CacheType } },
): MemoryEstimate {
  const { architecture, metadata } = header;
  const value = (key: string): GgufValue | undefined => metadata.get(`${architecture}.${key}`);
  const number = (key: string): number => {
    const found = value(key);
    return typeof found === 'number' && found > 0 ? found : 0;
  };
  const weightsBytes = header.tensors.reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
  const layers = Math.min(number('block_count'), 10_000);
  const embedding = number('embedding_length');
  const heads = perLayer(value('attention.head_count'), 0, 1) || 1;
  const keyLength = number('attention.key_length') || embedding / heads;
  const valueLength = number('attention.value_length') || keyLength;
  // Hybrid models keep a cache in every n-th layer only; the others have a small state of fixed size.
  const interval = number('full_attention_interval') || 1;
  const { keys, values } = options.cacheTypes ?? { keys: 'f16', values: 'f16' };
  let bytesPerToken = 0;
  for (let layer = 0; layer < layers; layer++) {
    if ((layer + 1) % interval !== 0) continue;
    const cacheHeads = perLayer(value('attention.head_count_kv'), layer, heads);
    bytesPerToken += cacheHeads * (keyLength * bytesPerElement[keys] + valueLength * bytesPerElement[values]);
  }
  const cacheBytes = Math.ceil(bytesPerToken * options.contextTokens);
  const computeBytes = batchTokens * embedding * liveActivations * 4 + 64 * 1024 * 1024;
  return { weightsBytes, cacheBytes, computeBytes, totalBytes: weightsBytes + cacheBytes + computeBytes };
}

/** A hyperparameter that is one number for all layers or a list with one for each. */
function perLayer(value: GgufValue | undefined, layer: number, fallback: number): number {
  const found = Array.isArray(value) ? value[layer] : value;
  return typeof found === 'number' && found >= 0 ? found : fallback;
}
