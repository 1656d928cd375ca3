/**
 * The speaker encoder of Resemblyzer (generalised end-to-end loss; Wan et al. 2018) as ONNX: mel spectrum, three LSTM layers,
 * a projection. Voices that are alike get vectors that are alike.
 */
import { writeFile } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';
import { fourierRows, frequencyBins, hopSamples, melFilters, windowSamples } from '../whisper/mel-filters.ts';
import { OnnxGraph } from '../whisper/onnx-graph.ts';
import { readTorchFile, type TorchTensor } from './torch-file.ts';

const mels = 40;
const width = 256;
const layers = 3;
const frames = 160;
/** 1.6 s at 16 kHz, with half an analysis window before and after. */
export const speakerSamples = (frames - 1) * hopSamples + windowSamples;
export const embeddingSize = 256;

/** Input `sound` [n, 1, speakerSamples]; output `embedding` [n, embeddingSize], of length 1. Throws `model_file_invalid`. */
export async function convertSpeakerModel(weightsPath: string, onnxPath: string): Promise<void> {
  const tensors = await readTorchFile(weightsPath, 'model_state');
  const graph = new OnnxGraph();
  const sound = graph.input('sound', 'float32', ['n', 1, speakerSamples]);
  // [n, mels, frames] → [frames, n, mels]: an LSTM of ONNX walks along the first axis.
  let hidden = graph.node('Transpose', [power(graph, sound)], { perm: { ints: [2, 0, 1] } });
  let last = '';
  for (let layer = 0; layer < layers; layer++) [hidden, last] = lstm(graph, tensors, hidden, layer);
  const state = graph.node('Squeeze', [last, graph.int64s([0])]);
  const weight = tensorOf(tensors, 'linear.weight', [embeddingSize, width]);
  const bias = tensorOf(tensors, 'linear.bias', [embeddingSize]);
  const projected = graph.node(
    'Gemm',
    [
      state,
      graph.floats('linear_weight', weight.shape, weight.data),
      graph.floats('linear_bias', bias.shape, bias.data),
    ],
    { transB: { int: 1 } },
  );
  const positive = graph.node('Relu', [projected]);
  graph.node('LpNormalization', [positive], { axis: { int: 1 }, p: { int: 2 } }, 'embedding');
  graph.output('embedding', 'float32', ['n', embeddingSize]);
  await writeFile(onnxPath, Buffer.concat(graph.build('speaker-encoder')));
}

/** Power, not its logarithm: what it was trained with. */
function power(graph: OnnxGraph, sound: string): string {
  const rows = graph.floats('fourier', [2 * frequencyBins, 1, windowSamples], fourierRows());
  const spectrum = graph.node('Conv', [sound, rows], { strides: { ints: [hopSamples] } });
  const halves = ['spectrum_real', 'spectrum_imaginary'];
  graph.nodeWithOutputs('Split', [spectrum, graph.int64s([frequencyBins, frequencyBins])], halves, {
    axis: { int: 1 },
  });
  const [real, imaginary] = halves.map((half) => graph.node('Mul', [half, half])) as [string, string];
  const filters = graph.floats('mel_filters', [mels, frequencyBins], melFilters(mels));
  return graph.node('MatMul', [filters, graph.node('Add', [real, imaginary])]);
}

function lstm(
  graph: OnnxGraph,
  tensors: ReadonlyMap<string, TorchTensor>,
  input: string,
  layer: number,
): [outputs: string, last: string] {
  const inputSize = layer === 0 ? mels : width;
  const gates = 4 * width;
  const own = tensorOf(tensors, `lstm.weight_ih_l${layer}`, [gates, inputSize]);
  const recurrent = tensorOf(tensors, `lstm.weight_hh_l${layer}`, [gates, width]);
  const biases = ['ih', 'hh'].map((part) => onnxGates(tensorOf(tensors, `lstm.bias_${part}_l${layer}`, [gates]).data));
  const bias = new Float32Array(2 * gates);
  for (const [index, each] of biases.entries()) bias.set(each, index * gates);
  const outputs = [`lstm_${layer}`, `lstm_${layer}_last`] as const;
  graph.nodeWithOutputs(
    'LSTM',
    [
      input,
      graph.floats(`lstm_${layer}_input`, [1, gates, inputSize], onnxGates(own.data)),
      graph.floats(`lstm_${layer}_recurrent`, [1, gates, width], onnxGates(recurrent.data)),
      graph.floats(`lstm_${layer}_bias`, [1, 2 * gates], bias),
    ],
    [...outputs],
    { hidden_size: { int: width } },
  );
  // [frames, directions, n, width]
  return [graph.node('Squeeze', [outputs[0], graph.int64s([1])]), outputs[1]];
}

/** torch: input, forget, cell, output; ONNX: input, output, forget, cell. */
function onnxGates(data: Float32Array): Float32Array {
  const size = data.length / 4;
  const sorted = new Float32Array(data.length);
  for (const [target, source] of [0, 3, 1, 2].entries()) {
    sorted.set(data.subarray(source * size, (source + 1) * size), target * size);
  }
  return sorted;
}

function tensorOf(tensors: ReadonlyMap<string, TorchTensor>, name: string, shape: number[]): TorchTensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined && tensor.shape.join() === shape.join()) return tensor;
  throw makeError('model_file_invalid', { file: 'The speaker model', reason: `it has no fitting ${name}` });
}
