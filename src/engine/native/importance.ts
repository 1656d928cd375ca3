/** Watches a model compute and adds up how strongly each column of its weight matrices is used. */
import koffi from 'koffi';
import {
  evaluationCallback,
  floatType,
  tensorElements,
  tensorFloats,
  tensorName,
  tensorSource,
  tensorType,
} from './evaluated-tensor.ts';
import type { Pointer } from './library.ts';
import type { Importance } from './quantise.ts';

/** Matrices that are quantised; norms and biases are not. */
const weightName = /^(?:blk\.\d+\..+|output|token_embd)\.weight$/;

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
      evaluationCallback,
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
    const weights = tensorSource(tensor, 0);
    const input = tensorSource(tensor, 1);
    if (weights === null || input === null || tensorType(input) !== floatType) return undefined;
    const name = tensorName(weights);
    if (!weightName.test(name)) return undefined;
    // A product takes rows as wide as the matrix; an addition of that name would have another shape.
    const [columns] = tensorElements(weights);
    return columns === tensorElements(input)[0] && tensorElements(weights)[1] > 1 ? name : undefined;
  }

  #add(tensor: unknown): boolean {
    const name = this.#weightOf(tensor);
    if (name === undefined) return true;
    const input = tensorSource(tensor, 1);
    const [columns, ...others] = tensorElements(input);
    const rows = others.reduce((product, count) => product * count, 1);
    const values = tensorFloats(input);
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
