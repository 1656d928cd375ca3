/** What a training will take, before it begins. Pure. */
import type { GgufHeader } from '../../models/gguf.ts';

export type TrainingMemory = {
  /** As 32-bit numbers, by which it learns more than twice as fast as by rounded ones. */
  wideBytes: number;
  /** With the weights as they lie in the file. */
  narrowBytes: number;
  /** Of the wide weights on disk. */
  wideFileBytes: number;
  /** Weights and moments of the adapter, as a checkpoint keeps them. */
  stateBytes: number;
};

const floatBytes = 4;
/** Node, the native library, the tokenizer. */
const processBytes = 130 * 2 ** 20;
/** Logits, the answers to them, and the gradients of both. */
const vocabularyCopies = 4;
/** Rows of each layer that the way back needs: of the model's width, and of its feed-forward part. Held against measurements. */
const widthRows = 8;
const feedForwardRows = 4;
const attentionRows = 3;

/** Bytes at the peak. Upper bounds, from measurements with 64 to 256 tokens of a model of 135 million parameters. */
export function estimateTrainingMemory(header: GgufHeader, windowTokens: number, rank: number): TrainingMemory {
  const number = (key: string): number => {
    const value = header.metadata.get(`${header.architecture}.${key}`);
    const first = Array.isArray(value) ? Math.max(...value.map(Number)) : value;
    return typeof first === 'number' && first > 0 ? first : 0;
  };
  const embeddings = header.tensors.find(({ name }) => name === 'token_embd.weight')?.shape;
  const width = number('embedding_length') || (embeddings?.[0] ?? 0);
  const vocabulary = embeddings?.[1] ?? 0;
  const layers = number('block_count');
  const perLayer =
    widthRows * width +
    feedForwardRows * number('feed_forward_length') +
    attentionRows * number('attention.head_count') * windowTokens;
  const activationBytes = windowTokens * (vocabularyCopies * vocabulary + layers * perLayer) * floatBytes;
  const elements = header.tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const adapterBytes = adapterElements(header, rank) * floatBytes;
  const stateBytes = 3 * adapterBytes;
  // Weights, gradients, two moments, and the copies of a checkpoint that is being written.
  const besides = processBytes + activationBytes + 2 * stateBytes + adapterBytes;
  return {
    wideBytes: elements * floatBytes + besides,
    narrowBytes: header.tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) + besides,
    wideFileBytes: elements * floatBytes + header.metadataEnd + 2 ** 20,
    stateBytes,
  };
}

function adapterElements({ tensors }: GgufHeader, rank: number): number {
  const learnt = /^blk\.\d+\.(?:attn_(?:q|k|v|output)|ffn_(?:gate|up|down))\.weight$/;
  return tensors
    .filter(({ name }) => learnt.test(name))
    .reduce((sum, { shape }) => sum + rank * ((shape[0] ?? 0) + (shape[1] ?? 0)), 0);
}
