/** A draft model for the scheduler's tests: guesses the sum as the simulated model does, or wrongly at will. */
import type { BatchEntry, DraftRunner } from '../types.ts';
import { SimulatedRunner } from './simulated-runner.ts';

export class SimulatedDraft extends SimulatedRunner implements DraftRunner {
  readonly #vocabulary: number;
  readonly #isRight: (guess: number) => boolean;
  /** What a batch takes; the clock of the test goes on by it. */
  readonly #onDecode: (entries: readonly BatchEntry[]) => void;
  #guesses = 0;

  constructor(options: {
    cells: number;
    slots: number;
    vocabulary: number;
    isRight?: (guess: number) => boolean;
    onDecode?: (entries: readonly BatchEntry[]) => void;
  }) {
    super(options.cells, options.slots);
    this.#vocabulary = options.vocabulary;
    this.#isRight = options.isRight ?? (() => true);
    this.#onDecode = options.onDecode ?? (() => {});
  }

  override async decode(entries: readonly BatchEntry[]) {
    const status = await super.decode(entries);
    if (status === 'done') this.#onDecode(entries);
    return status;
  }

  top(outputIndex: number) {
    const sum = this.outputs[outputIndex] as number;
    const right = 1 + (sum % this.#vocabulary);
    const isRight = this.#isRight(this.#guesses++);
    return { token: isRight ? right : right + 1, probability: isRight ? 0.9 : 0.5, isEnd: false };
  }
}
