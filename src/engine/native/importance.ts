/** Watches a model compute and adds up how strongly each column of its weight matrices is used. */
import koffi from 'koffi';
import type { Pointer } from './library.ts';
import type { Importance } from './quantise.ts';

/** `struct ggml_tensor` of ggml.h in the pinned build; offsets in bytes on 64-bit platforms. */
const offsets = { type: 0, elements: 16, sources: 152, data: 248, name: 256 } as const;
const maxNameBytes = 64;
const floatType = 0;
/** Matrices that are quantised; norms and biases are not. */
const weightName = /^(?:blk\.\d+\..+|output|token_embd)\.weight$/;

const evaluationCallback = koffi.proto('bool ggml_evaluation_callback(void* tensor, bool ask, void* data)');

/**
 * Hands the library a callback that it calls for every operation of a graph. Sums are kept in double precision: a
 * column adds up thousands of squares. Source of the idea: llama.cpp's importance matrix (mean squared activations).
 */
export class ImportanceCollector {
  readonly #sums = new Map<string, { squares: Float64Array; rows: number }>();
  readonly #callback: Pointer;

  constructor() {
    this.#callback = koffi.register(
      (tensor: unknown, ask: boolean): boolean => (ask ? this.#weightOf(tensor) !== undefined : this.#add(tensor)),
      koffi.pointer(evaluationCallback),
    );
  }

  /** For `llama_context_params.cb_eval`. */
  get callback(): Pointer {
    return this.#callback;
  }

  /** What was seen so far; tensors that no row went through are absent. */
  result(): Importance {
    const result = new Map<string, Float32Array>();
    for (const [name, { squares, rows }] of this.#sums) {
      if (rows > 0)
        result.set(
          name,
          Float32Array.from(squares, (sum) => sum / rows),
        );
    }
    return result;
  }

  /** No context may compute with the callback any more. */
  dispose(): void {
    koffi.unregister(this.#callback);
  }

  /** The name of the weights this operation multiplies with, where it is such an operation. */
  #weightOf(tensor: unknown): string | undefined {
    const weights: unknown = koffi.decode(tensor, offsets.sources, 'void*');
    const input: unknown = koffi.decode(tensor, offsets.sources + 8, 'void*');
    if (weights === null || input === null) return undefined;
    if ((koffi.decode(input, offsets.type, 'int32') as number) !== floatType) return undefined;
    const name = koffi.decode(weights, offsets.name, koffi.array('char', maxNameBytes, 'String')) as string;
    if (!weightName.test(name)) return undefined;
    // A product takes rows as wide as the matrix; an addition of that name would have another shape.
    const [columns] = elementsOf(weights);
    return columns === elementsOf(input)[0] && elementsOf(weights)[1] > 1 ? name : undefined;
  }

  #add(tensor: unknown): boolean {
    const name = this.#weightOf(tensor);
    if (name === undefined) return true;
    const input: unknown = koffi.decode(tensor, offsets.sources + 8, 'void*');
    const [columns, ...others] = elementsOf(input);
    const rows = others.reduce((product, count) => product * count, 1);
    const values = new Float32Array(koffi.view(koffi.decode(input, offsets.data, 'void*'), columns * rows * 4));
    const sums = this.#sums.get(name) ?? { squares: new Float64Array(columns), rows: 0 };
    for (let row = 0, index = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, index++) {
        const value = values[index] as number;
        sums.squares[column] = (sums.squares[column] as number) + value * value;
      }
    }
    sums.rows += rows;
    this.#sums.set(name, sums);
    return true;
  }
}

function elementsOf(tensor: unknown): [number, number, number, number] {
  const counts = koffi.decode(tensor, offsets.elements, koffi.array('int64', 4)) as BigInt64Array;
  return [...counts].map(Number) as [number, number, number, number];
}
