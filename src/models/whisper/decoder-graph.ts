import type { Ctranslate2File } from './ctranslate2-file.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { WhisperLayers, type Precision } from './whisper-layers.ts';
import type { WhisperShape } from './whisper-shape.ts';
import { firstSpecialToken, textCandidates } from './whisper-tokens.ts';

export type DecoderGraphOptions = {
  precision: Precision;
  /** Text tokens that are never written; their logits are out of `text_*`, not of `logits`. */
  suppressed: readonly number[];
  /** [layer, head] pairs whose attention follows the sound in time. */
  alignmentHeads: readonly (readonly [number, number])[];
};

/**
 * One step of the decoder for B beams of the same sound, T new tokens each. The cache is one buffer per layer, given as input
 * and as output, so that it is written in place.
 *
 * Inputs: `tokens` int64 [B, T]; `positions` int64 [T]; `rows` int64 [R], which of the B·T rows need logits; `last_position`
 * int32 [B], index of the last valid place in the cache; `places` int32 [1], places used in all; `past_key_N`, `past_value_N`
 * [B, heads, textPositions, headSize]; `cross_key_N`, `cross_value_N` of the encoder.
 * Outputs: `text_scores`, `text_tokens` [R, textCandidates] (best first), `text_total` [R, 1] (log-sum-exp over the text
 * tokens), `special_logits` [R, vocabulary − firstSpecialToken], `logits` [R, vocabulary], `alignment` [heads, B·T, positions],
 * `present_key_N`, `present_value_N`.
 */
export async function decoderGraph(
  weights: Ctranslate2File,
  shape: WhisperShape,
  options: DecoderGraphOptions,
): Promise<Uint8Array[]> {
  const graph = new OnnxGraph();
  const layers = new WhisperLayers(graph, weights, options.precision);
  graph.input('tokens', 'int64', ['beams', 'length']);
  graph.input('positions', 'int64', ['length']);
  graph.input('rows', 'int64', ['wanted']);
  graph.input('last_position', 'int32', ['beams']);
  graph.input('places', 'int32', [1]);
  let hidden = await embed(layers);
  const alignment: string[] = [];
  for (let layer = 0; layer < shape.decoderLayers; layer++) {
    hidden = await selfAttention(layers, hidden, layer, shape);
    hidden = await crossAttention(layers, hidden, layer, shape, alignment, options);
    hidden = await layers.feedForward(hidden, `decoder/layer_${layer}/ffn`);
  }
  graph.node('Concat', alignment, { axis: { int: 0 } }, 'alignment');
  graph.output('alignment', 'float32', [options.alignmentHeads.length, 'queries', shape.audioPositions]);
  const flat = graph.node('Reshape', [hidden, graph.int64s([-1, shape.width])]);
  const wanted = graph.node('Gather', [flat, 'rows'], { axis: { int: 0 } });
  const normal = await layers.normalise(wanted, 'decoder/layer_norm');
  const logits = await layers.multiplyFine(normal, 'decoder/embeddings/weight');
  summarise(graph, logits, shape, options.suppressed);
  return graph.build('whisper-decoder');
}

async function embed(layers: WhisperLayers): Promise<string> {
  const { graph } = layers;
  const positions = await layers.vector('decoder/position_encodings/encodings');
  const place = graph.node('Gather', [positions, 'positions'], { axis: { int: 0 } });
  return graph.node('Add', [await tokenRows(layers), place]);
}

async function tokenRows(layers: WhisperLayers): Promise<string> {
  const { graph } = layers;
  const name = 'decoder/embeddings/weight';
  // The same codes as the projection at the end, where each token is a column.
  const [codes, scales] = await layers.quantised(name);
  const columns = graph.node('Gather', [codes, 'tokens'], { axis: { int: 1 } });
  const rows = graph.node('Transpose', [graph.node('Cast', [columns], { to: { int: 1 } })], {
    perm: { ints: [1, 2, 0] },
  });
  const centred = graph.node('Sub', [rows, graph.scalar(128)]);
  const scaleRows = graph.node('Gather', [scales, 'tokens'], { axis: { int: 0 } });
  return graph.node('Mul', [centred, graph.node('Unsqueeze', [scaleRows, graph.int64s([-1])])]);
}

async function selfAttention(
  layers: WhisperLayers,
  hidden: string,
  layer: number,
  shape: WhisperShape,
): Promise<string> {
  const { graph } = layers;
  const { width, heads, headSize, textPositions } = shape;
  const prefix = `decoder/layer_${layer}/self_attention`;
  const cacheShape = ['beams', heads, textPositions, headSize];
  const past = ['key', 'value'].map((kind) => graph.input(`past_${kind}_${layer}`, 'float32', cacheShape));
  const present = ['key', 'value'].map((kind) => `present_${kind}_${layer}`);
  const fused = await layers.linear(await layers.normalise(hidden, `${prefix}/layer_norm`), `${prefix}/linear_0`);
  const parts = ['query', 'key', 'value'].map((part) => `${prefix}/${part}`);
  graph.nodeWithOutputs('Split', [fused, graph.int64s([width, width, width])], parts, { axis: { int: 2 } });
  const attended = `${prefix}/attended`;
  graph.nodeWithOutputs(
    'GroupQueryAttention',
    [...parts, ...past, 'last_position', 'places'],
    [attended, ...present],
    { num_heads: { int: heads }, kv_num_heads: { int: heads } },
    'com.microsoft',
  );
  for (const name of present) graph.output(name, 'float32', cacheShape);
  return graph.node('Add', [hidden, await layers.linear(attended, `${prefix}/linear_1`)]);
}

async function crossAttention(
  layers: WhisperLayers,
  hidden: string,
  layer: number,
  shape: WhisperShape,
  alignment: string[],
  options: DecoderGraphOptions,
): Promise<string> {
  const { graph } = layers;
  const { heads, headSize, audioPositions } = shape;
  const prefix = `decoder/layer_${layer}/attention`;
  const key = graph.input(`cross_key_${layer}`, 'float32', [heads, audioPositions, headSize]);
  const value = graph.input(`cross_value_${layer}`, 'float32', [heads, headSize, audioPositions]);
  const query = await layers.linear(await layers.normalise(hidden, `${prefix}/layer_norm`), `${prefix}/linear_0`);
  // All beams hear the same sound, so they are columns of one product per head. The large matrix stands left in both
  // products: the right one is packed anew at every call.
  const rows = graph.node('Reshape', [query, graph.int64s([-1, heads, headSize])]);
  const scaled = graph.node('Mul', [rows, graph.scalar(headSize ** -0.5)]);
  const columns = graph.node('Transpose', [scaled], { perm: { ints: [1, 2, 0] } });
  const scores = graph.node('Transpose', [graph.node('MatMul', [key, columns])], { perm: { ints: [0, 2, 1] } });
  const attention = graph.node('Softmax', [scores], { axis: { int: -1 } });
  const aligned = options.alignmentHeads.filter(([owner]) => owner === layer).map(([, head]) => head);
  if (aligned.length > 0) {
    alignment.push(graph.node('Gather', [attention, graph.int64s(aligned)], { axis: { int: 0 } }));
  }
  const mixed = graph.node('MatMul', [value, graph.node('Transpose', [attention], { perm: { ints: [0, 2, 1] } })]);
  const byRow = graph.node('Transpose', [mixed], { perm: { ints: [2, 0, 1] } });
  const attended = graph.node('Reshape', [byRow, graph.node('Shape', [hidden])]);
  return graph.node('Add', [hidden, await layers.linear(attended, `${prefix}/linear_2`)]);
}

/** What a step of the search needs of the logits, so that the whole vocabulary seldom crosses into JavaScript. */
function summarise(graph: OnnxGraph, logits: string, shape: WhisperShape, suppressed: readonly number[]): void {
  const specials = shape.vocabulary - firstSpecialToken;
  graph.node('Identity', [logits], {}, 'logits');
  graph.output('logits', 'float32', ['wanted', shape.vocabulary]);
  const parts = ['text_logits', 'special_logits'];
  graph.nodeWithOutputs('Split', [logits, graph.int64s([firstSpecialToken, specials])], parts, { axis: { int: 1 } });
  graph.output('special_logits', 'float32', ['wanted', specials]);
  const mask = new Float32Array(firstSpecialToken);
  for (const token of suppressed) if (token >= 0 && token < firstSpecialToken) mask[token] = -1e30;
  const allowed = graph.node('Add', ['text_logits', graph.floats('text_mask', [firstSpecialToken], mask)]);
  // The total follows from the best one, before and after: LogSoftmax is far faster than ReduceLogSumExp.
  const best = graph.node('ReduceMax', [allowed], { axes: { ints: [1] } });
  const logprobs = graph.node('LogSoftmax', [allowed], { axis: { int: 1 } });
  graph.node('Sub', [best, graph.node('ReduceMax', [logprobs], { axes: { ints: [1] } })], {}, 'text_total');
  graph.output('text_total', 'float32', ['wanted', 1]);
  graph.nodeWithOutputs('TopK', [allowed, graph.int64s([textCandidates])], ['text_scores', 'text_tokens'], {
    axis: { int: 1 },
  });
  graph.output('text_scores', 'float32', ['wanted', textCandidates]);
  graph.output('text_tokens', 'int64', ['wanted', textCandidates]);
}
