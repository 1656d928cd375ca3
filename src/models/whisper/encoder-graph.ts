import type { Ctranslate2File } from './ctranslate2-file.ts';
import { fourierRows, frequencyBins, hopSamples, melFilters, windowSamples } from './mel-filters.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { WhisperLayers, type Precision } from './whisper-layers.ts';
import type { WhisperShape } from './whisper-shape.ts';

/** Half an analysis window before and after the 30 s that are heard; the last hop is not part of it. */
export const encoderSamples = 30 * 16_000 + windowSamples - hopSamples;

/** Of the spectrogram: 100 a second. */
const frameCount = (30 * 16_000) / hopSamples;

/**
 * Sound → what every decoder layer attends to. Inputs `audio` [1, 1, encoderSamples] at 16 kHz and `frames` [1], how many
 * frames of 10 ms hold sound: the rest is empty in the spectrogram, as OpenAI's Whisper and faster-whisper have it, which is
 * not what silence looks like. Outputs `cross_key_N`
 * [heads, positions, headSize], `cross_value_N` [heads, headSize, positions], and `encoder_output` [1, positions, width].
 */
export async function encoderGraph(
  weights: Ctranslate2File,
  shape: WhisperShape,
  precision: Precision,
): Promise<Uint8Array[]> {
  const graph = new OnnxGraph();
  const layers = new WhisperLayers(graph, weights, precision);
  const audio = graph.input('audio', 'float32', [1, 1, encoderSamples]);
  const frames = graph.input('frames', 'int64', [1]);
  const mel = logMel(graph, audio, shape.mels);
  const places = graph.int64s(Array.from({ length: frameCount }, (_, index) => index));
  const heard = graph.node('Where', [graph.node('Less', [places, frames]), mel, graph.scalar(0)]);
  let hidden = await convolutions(layers, heard);
  for (let layer = 0; layer < shape.encoderLayers; layer++) {
    hidden = await encoderLayer(layers, hidden, `encoder/layer_${layer}`, shape);
  }
  const encoded = await layers.normalise(hidden, 'encoder/layer_norm');
  graph.node('Identity', [encoded], {}, 'encoder_output');
  graph.output('encoder_output', 'float32', [1, shape.audioPositions, shape.width]);
  for (let layer = 0; layer < shape.decoderLayers; layer++) await crossKeysAndValues(layers, encoded, layer, shape);
  return graph.build('whisper-encoder');
}

function logMel(graph: OnnxGraph, audio: string, mels: number): string {
  const rows = graph.floats('fourier', [2 * frequencyBins, 1, windowSamples], fourierRows());
  const spectrum = graph.node('Conv', [audio, rows], { strides: { ints: [hopSamples] } });
  const halves = ['spectrum_real', 'spectrum_imaginary'];
  graph.nodeWithOutputs('Split', [spectrum, graph.int64s([frequencyBins, frequencyBins])], halves, {
    axis: { int: 1 },
  });
  const [real, imaginary] = halves.map((half) => graph.node('Mul', [half, half])) as [string, string];
  const filters = graph.floats('mel_filters', [mels, frequencyBins], melFilters(mels));
  const power = graph.node('MatMul', [filters, graph.node('Add', [real, imaginary])]);
  const natural = graph.node('Log', [graph.node('Max', [power, graph.scalar(1e-10)])]);
  const decades = graph.node('Mul', [natural, graph.scalar(Math.LOG10E)]);
  const loudest = graph.node('ReduceMax', [decades], { keepdims: { int: 0 } });
  const floored = graph.node('Max', [decades, graph.node('Sub', [loudest, graph.scalar(8)])]);
  return graph.node('Div', [graph.node('Add', [floored, graph.scalar(4)]), graph.scalar(4)]);
}

async function convolutions(layers: WhisperLayers, mel: string): Promise<string> {
  const { graph } = layers;
  let hidden = mel;
  for (const [name, stride] of [
    ['encoder/conv1', 1],
    ['encoder/conv2', 2],
  ] as const) {
    const inputs = [hidden, await layers.vector(`${name}/weight`), await layers.vector(`${name}/bias`)];
    const attributes = { strides: { ints: [stride] }, pads: { ints: [1, 1] } };
    hidden = graph.contrib('Gelu', [graph.node('Conv', inputs, attributes)]);
  }
  const rows = graph.node('Transpose', [hidden], { perm: { ints: [0, 2, 1] } });
  return graph.node('Add', [rows, await layers.vector('encoder/position_encodings/encodings')]);
}

async function encoderLayer(
  layers: WhisperLayers,
  hidden: string,
  prefix: string,
  shape: WhisperShape,
): Promise<string> {
  const { graph } = layers;
  const normal = await layers.normalise(hidden, `${prefix}/self_attention/layer_norm`);
  const fused = await layers.linear(normal, `${prefix}/self_attention/linear_0`);
  const parts = ['query', 'key', 'value'].map((part) => `${prefix}/${part}`);
  graph.nodeWithOutputs('Split', [fused, graph.int64s([shape.width, shape.width, shape.width])], parts, {
    axis: { int: 2 },
  });
  const attended = graph.contrib('MultiHeadAttention', parts, { num_heads: { int: shape.heads } });
  const output = await layers.linear(attended, `${prefix}/self_attention/linear_1`);
  return layers.feedForward(graph.node('Add', [hidden, output]), `${prefix}/ffn`);
}

async function crossKeysAndValues(
  layers: WhisperLayers,
  encoded: string,
  layer: number,
  shape: WhisperShape,
): Promise<void> {
  const { graph } = layers;
  const { heads, headSize, audioPositions } = shape;
  const fused = await layers.linear(encoded, `decoder/layer_${layer}/attention/linear_1`);
  const parts = [`cross_${layer}/key`, `cross_${layer}/value`];
  graph.nodeWithOutputs('Split', [fused, graph.int64s([shape.width, shape.width])], parts, { axis: { int: 2 } });
  const [key, value] = parts.map((part) =>
    graph.node('Reshape', [part, graph.int64s([audioPositions, heads, headSize])]),
  ) as [string, string];
  graph.node('Transpose', [key], { perm: { ints: [1, 0, 2] } }, `cross_key_${layer}`);
  graph.node('Transpose', [value], { perm: { ints: [1, 2, 0] } }, `cross_value_${layer}`);
  graph.output(`cross_key_${layer}`, 'float32', [heads, audioPositions, headSize]);
  graph.output(`cross_value_${layer}`, 'float32', [heads, headSize, audioPositions]);
}
