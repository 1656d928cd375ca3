import type { Ctranslate2File } from './ctranslate2-file.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { quantiseMatrix } from './quantise.ts';

/** How the large matrices are kept: as they are, or as 8-bit integers. */
export type Precision = 'float32' | 'int8';

const uint8Code = 2;
const largestCode = 127;

/** Writes the layers of one Transformer half into a graph, reading the weights as they are needed. */
export class WhisperLayers {
  readonly graph: OnnxGraph;
  readonly weights: Ctranslate2File;
  readonly precision: Precision;
  readonly #quantised = new Map<string, [codes: string, scales: string]>();

  constructor(graph: OnnxGraph, weights: Ctranslate2File, precision: Precision) {
    this.graph = graph;
    this.weights = weights;
    this.precision = precision;
  }

  async normalise(input: string, prefix: string): Promise<string> {
    const scale = await this.vector(`${prefix}/gamma`);
    const shift = await this.vector(`${prefix}/beta`);
    return this.graph.node('LayerNormalization', [input, scale, shift], { axis: { int: -1 }, epsilon: 1e-5 });
  }

  /** `input · weightᵀ + bias`, with `[outputs, inputs]` weights as CTranslate2 keeps them. */
  async linear(input: string, prefix: string): Promise<string> {
    const product = await this.multiply(input, `${prefix}/weight`);
    return this.graph.node('Add', [product, await this.vector(`${prefix}/bias`)]);
  }

  async multiply(input: string, weight: string): Promise<string> {
    const { graph } = this;
    if (this.precision === 'float32') return graph.node('MatMul', [input, await this.#transposed(weight)]);
    const { scale, steps } = this.#toSteps(input);
    const product = await this.#multiplyCodes(graph.node('Round', [steps]), weight);
    return graph.node('Mul', [product, scale]);
  }

  /**
   * A matrix of 8 bits whatever the precision of the others is, and 15 bits of the input: its codes, and what they leave over,
   * are rows of one product. For the vocabulary: half of a decoder's bytes.
   */
  async multiplyFine(input: string, weight: string): Promise<string> {
    const { graph } = this;
    const { scale, steps } = this.#toSteps(input);
    const coarse = graph.node('Round', [steps]);
    const rest = graph.node('Mul', [graph.node('Sub', [steps, coarse]), graph.scalar(2 * largestCode)]);
    const both = graph.node('Concat', [coarse, graph.node('Round', [rest])], { axis: { int: 0 } });
    const halves = ['coarse', 'fine'].map((half) => `${weight}/${half}`) as [string, string];
    graph.nodeWithOutputs('Split', [await this.#multiplyCodes(both, weight)], halves, { axis: { int: 0 } });
    const fine = graph.node('Mul', [halves[1], graph.scalar(1 / (2 * largestCode))]);
    return graph.node('Mul', [graph.node('Add', [halves[0], fine]), scale]);
  }

  /** Every row gets a scale of its own: one loud position must not coarsen the others. */
  #toSteps(input: string): { scale: string; steps: string } {
    const { graph } = this;
    const largest = graph.node('ReduceMax', [graph.node('Abs', [input])], { axes: { ints: [-1] } });
    const scale = graph.node('Max', [graph.node('Mul', [largest, graph.scalar(1 / largestCode)]), graph.scalar(1e-12)]);
    return { scale, steps: graph.node('Div', [input, scale]) };
  }

  /** @param rounded whole numbers within ±`largestCode` */
  async #multiplyCodes(rounded: string, weight: string): Promise<string> {
    const { graph } = this;
    const codes = graph.node('Cast', [graph.node('Add', [rounded, graph.scalar(128)])], { to: { int: uint8Code } });
    const [weightCodes, weightScales] = await this.quantised(weight);
    const middle = graph.uint8(128);
    return graph.contrib('MatMulIntegerToFloat', [codes, weightCodes, graph.scalar(1), weightScales, middle, middle]);
  }

  /** Names of the codes `[inputs, outputs]` and of the scales `[outputs]` of a matrix. */
  async quantised(weight: string): Promise<[codes: string, scales: string]> {
    const known = this.#quantised.get(weight);
    if (known !== undefined) return known;
    const [outputs, inputs] = this.weights.shape(weight) as [number, number];
    const matrix = quantiseMatrix(await this.weights.floats(weight), outputs, inputs);
    const names: [string, string] = [
      this.graph.bytes(`${weight}.codes`, 'uint8', [inputs, outputs], matrix.codes),
      this.graph.floats(`${weight}.scales`, [outputs], matrix.scales),
    ];
    this.#quantised.set(weight, names);
    return names;
  }

  async vector(name: string): Promise<string> {
    return this.graph.floats(name, this.weights.shape(name), await this.weights.floats(name));
  }

  /** The two linear layers with the exact (erf) GELU between them, and the way around them. */
  async feedForward(input: string, prefix: string): Promise<string> {
    const normal = await this.normalise(input, `${prefix}/layer_norm`);
    const wide = this.graph.contrib('Gelu', [await this.linear(normal, `${prefix}/linear_0`)]);
    return this.graph.node('Add', [input, await this.linear(wide, `${prefix}/linear_1`)]);
  }

  async #transposed(name: string): Promise<string> {
    const [rows, columns] = this.weights.shape(name) as [number, number];
    const source = await this.weights.floats(name);
    const target = new Float32Array(source.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        target[column * rows + row] = source[row * columns + column] as number;
      }
    }
    return this.graph.floats(`${name}.transposed`, [columns, rows], target);
  }
}
