import { describe, expect, it } from 'vitest';
import type { GgufHeader, GgufValue } from '../../models/gguf.ts';
import { checkBetterSource } from './better-source.ts';

function header(changed: {
  architecture?: string;
  metadata?: Record<string, GgufValue>;
  tensors?: Record<string, number[]>;
  bytes?: number;
}): GgufHeader {
  const { architecture = 'llama', metadata = {}, bytes = 100 } = changed;
  const tensors = changed.tensors ?? { 'token_embd.weight': [64, 100], 'blk.0.attn_q.weight': [64, 64] };
  const defaults = {
    'llama.block_count': 1,
    'llama.context_length': 2048,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': { skippedLength: 49_152 },
  };
  return {
    architecture,
    metadata: new Map(Object.entries({ ...defaults, ...metadata })),
    tensors: Object.entries(tensors).map(([name, shape]) => ({
      name,
      type: 'F16',
      shape,
      offset: 0,
      sizeBytes: bytes,
    })),
  } as Partial<GgufHeader> as GgufHeader;
}

const published = header({ bytes: 50 });
const check = (better: GgufHeader) =>
  checkBetterSource(better, published, { file: 'better.gguf', model: 'some-model' });

describe('checkBetterSource', () => {
  it('accepts the same model in more bits', () => {
    expect(() => check(header({}))).not.toThrow();
    // How far a publisher says that a model reads is no part of the model.
    expect(() => check(header({ metadata: { 'llama.context_length': 8192 } }))).not.toThrow();
  });

  it.each<[string, Parameters<typeof header>[0], string]>([
    ['another architecture', { architecture: 'qwen2' }, 'its architecture is qwen2, not llama'],
    [
      'another vocabulary',
      { metadata: { 'tokenizer.ggml.tokens': { skippedLength: 32_000 } } },
      'its vocabulary differs',
    ],
    ['another depth', { metadata: { 'llama.block_count': 2 } }, 'its llama.block_count is 2, not 1'],
    [
      'another width',
      { tensors: { 'token_embd.weight': [64, 100], 'blk.0.attn_q.weight': [64, 32] } },
      'its tensor blk.0.attn_q.weight is 64×32, not 64×64',
    ],
    ['a tensor less', { tensors: { 'token_embd.weight': [64, 100] } }, 'it has no tensor blk.0.attn_q.weight'],
    [
      'a tensor more',
      { tensors: { 'token_embd.weight': [64, 100], 'blk.0.attn_q.weight': [64, 64], 'output.weight': [64, 100] } },
      'it has a tensor output.weight',
    ],
    ['no more bits', { bytes: 50 }, 'it has no more bits than the published file'],
  ])('refuses %s', (_, changed, reason) => {
    expect(() => check(header(changed))).toThrowError(
      expect.objectContaining({ code: 'source_mismatch', message: expect.stringContaining(reason) as string }) as Error,
    );
  });
});
