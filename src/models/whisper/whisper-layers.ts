import type { Ctranslate2File } from './ctranslate2-file.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { quantiseMatrix } from './quantise.ts';

/** How the large matrices are kept: as they are, or as 8-bit integers. */
export type Precision = 'float32' | 'int8';

const uint8Code = 2;

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
    // Every row of the input gets a scale of its own: one loud position must not coarsen the others.
    const largest = graph.node('ReduceMax', [graph.node('Abs', [input])], { axes: { ints: [-1] } });
    const scale = graph.node('Max', [graph.node('Mul', [largest, graph.scalar(1 / 127)]), graph.scalar(1e-12)]);
    const rounded = graph.node('Round', [graph.node('Div', [input, scale])]);
    const codes = graph.node('Cast', [graph.node('Add', [rounded, graph.scalar(128)])], { to: { int: uint8Code } });
    const [weightCodes, weightScales] = await this.quantised(weight);
    const middle = graph.uint8(128);
    const inputs = [codes, weightCodes, graph.scalar(1), weightScales, middle, middle];
    return graph.node('Mul', [graph.contrib('MatMulIntegerToFloat', inputs), scale]);
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
