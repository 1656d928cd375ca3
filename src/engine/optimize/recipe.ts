/** What a candidate file is made like: a number format for some classes of tensors; the others stay as published. */
import type { GgufHeader, GgufTensor } from '../../models/gguf.ts';
import type { TensorType } from '../native/quantise.ts';

/** `tensors`: a regular expression over names. */
export type RecipeRule = { tensors: string; format: TensorType };

export type Recipe = {
  /** Short and stable; part of the file's name. */
  id: string;
  /** The first rule whose expression matches a matrix counts. */
  rules: RecipeRule[];
  /** Layers left out, by index. An experiment that no goal picks. */
  pruneLayers?: number[];
};

/** Formats with 4 bits that CPU backends rearrange for their vector instructions at load time. */
const fastPublishedTypes = new Set(['Q4_0', 'Q4_K', 'IQ4_NL']);
/** Values of a row that share one scale; rows must be a multiple of it. */
const blockElements: Readonly<Record<TensorType, number>> = {
  f32: 1,
  q4_0: 32,
  q8_0: 32,
  iq4_nl: 32,
  q4_k: 256,
};

/**
 * The format of every matrix that the recipe changes, by name. A matrix that was published in a fast format stays: anything else
 * would only lose. Rows that do not fit a format get IQ4_NL. With `isAnew` the matrices
 * come from a better source, and every one gains.
 */
export function formatsOf(
  recipe: Recipe,
  { tensors }: Pick<GgufHeader, 'tensors'>,
  { isAnew = false }: { isAnew?: boolean } = {},
): Map<string, TensorType> {
  const rules = recipe.rules.map(({ tensors: pattern, format }) => ({ pattern: new RegExp(pattern), format }));
  const formats = new Map<string, TensorType>();
  for (const tensor of tensors) {
    if (!isMatrix(tensor) || (!isAnew && fastPublishedTypes.has(tensor.type))) continue;
    const wanted = rules.find(({ pattern }) => pattern.test(tensor.name))?.format;
    if (wanted === undefined) continue;
    const format = (tensor.shape[0] ?? 0) % blockElements[wanted] === 0 ? wanted : 'iq4_nl';
    const changes = isAnew || tensor.type !== format.toUpperCase();
    if (changes && (tensor.shape[0] ?? 0) % 32 === 0) formats.set(tensor.name, format);
  }
  return formats;
}

/** Norms and biases are never rounded. */
function isMatrix({ name, shape, type }: GgufTensor): boolean {
  return shape.length >= 2 && name.endsWith('.weight') && !name.includes('norm') && type !== 'F32';
}

const rule = (tensors: string, format: TensorType): RecipeRule => ({ tensors, format });
const attention = rule('^blk.*attn_', 'q8_0');
const feedForward = rule('^blk', 'iq4_nl');

/**
 * The candidates, most exact first. Formats are those that the CPU backends rearrange: IQ4_NL, Q4_K and Q4_0 with 4 bits; Q8_0
 * beside them is slower and almost exact. Attention is small in grouped-query models and hurts most when it is coarse;
 * `ffn_down` comes next, then the first and last layers. The output matrix is a quarter of a small model and read whole for
 * every token: with 4 bits decoding gains most, and exact edges pay for what that costs in quality.
 * The embedding table stays as published where it is only looked up: rounding it gains no speed.
 */
export function candidateRecipes(header: Pick<GgufHeader, 'architecture' | 'metadata' | 'tensors'>): Recipe[] {
  const layers = layerCount(header);
  const exactDown = [attention, rule('ffn_down', 'q8_0'), feedForward];
  const coarseDown = [attention, rule('ffn_down', 'q4_k'), feedForward];
  const output = rule(outputName(header), 'q4_k');
  // Every third layer between the ends, where rounding `ffn_down` hurts most.
  const mixedDown = [attention, rule(`${mixedPattern(layers)}ffn_down`, 'q8_0'), ...coarseDown.slice(1)];
  const withEdges = (id: string, count: number, rules: RecipeRule[]): Recipe => ({
    id: `${id}-edges-${count}`,
    rules: [rule(`${edgePattern(layers, count)}ffn_(gate|up)`, 'q8_0'), ...rules],
  });
  return [
    { id: 'q8_0', rules: [rule('^blk', 'q8_0')] },
    ...[4, 2, 1].map((count) => withEdges('iq4_nl-attn-down-q8_0', count, exactDown)),
    { id: 'iq4_nl-attn-down-q8_0', rules: exactDown },
    withEdges('iq4_nl-attn-down-q8_0-output', 2, [...exactDown, output]),
    { id: 'iq4_nl-attn-down-q8_0-output', rules: [...exactDown, output] },
    ...[2, 1].map((count) => withEdges('iq4_nl-attn-q8_0-down-mixed', count, mixedDown)),
    ...[2, 1].map((count) => withEdges('iq4_nl-attn-q8_0-down-q4_k', count, coarseDown)),
    { id: 'iq4_nl-attn-q8_0-down-q4_k', rules: coarseDown },
    ...[4, 2].map((count) => withEdges('iq4_nl-attn-q8_0-down-mixed-output', count, [...mixedDown, output])),
    { id: 'iq4_nl-attn-q8_0-down-q4_k-output', rules: [...coarseDown, output] },
    { id: 'iq4_nl-attn-q8_0', rules: [attention, feedForward] },
    { id: 'iq4_nl', rules: [feedForward] },
    { id: 'q4_0-attn-q8_0', rules: [attention, rule('^blk', 'q4_0')] },
    { id: 'iq4_nl-small', rules: [rule('^(blk|output|token_embd)', 'iq4_nl')] },
  ];
}

/** An experiment: as a fast candidate, and some layers are gone. */
export function prunedRecipe(layers: readonly number[]): Recipe {
  return {
    id: `iq4_nl-attn-q8_0-without-${layers.join('-')}`,
    rules: [attention, feedForward],
    pruneLayers: [...layers],
  };
}

export function layerCount({ architecture, metadata }: Pick<GgufHeader, 'architecture' | 'metadata'>): number {
  const layers = metadata.get(`${architecture}.block_count`);
  return typeof layers === 'number' || typeof layers === 'bigint' ? Number(layers) : 0;
}

/** Small models use the embedding table as their output matrix. */
function outputName({ tensors }: Pick<GgufHeader, 'tensors'>): string {
  return tensors.some(({ name }) => name === 'output.weight') ? '^output\\.weight' : '^token_embd\\.weight';
}

/** The first and the last `count` layers. */
function edgePattern(layers: number, count: number): string {
  return layerPattern(layers, (layer) => layer < count || layer >= layers - count);
}

/** The first and the last eighth, and every third between. */
function mixedPattern(layers: number): string {
  const edge = Math.max(1, Math.floor(layers / 8));
  return layerPattern(layers, (layer) => layer < edge || layer >= layers - edge || (layer - edge) % 3 === 2);
}

function layerPattern(layers: number, isMeant: (layer: number) => boolean): string {
  return `^blk\\.(${[...Array(layers).keys()].filter(isMeant).join('|')})\\.`;
}
