/** A native side for the scheduler's tests that keeps cells as the real cache does, and jobs that answer from it. */
import { expect } from 'vitest';
import type { CacheBudget } from '../../cache/cache-budget.ts';
import type { PositionMove, PositionRange } from '../../cache/kept-tokens.ts';
import type { DecodeStatus } from '../../native/context.ts';
import type {
  BatchEntry,
  Job,
  JobOutcome,
  JobStatistics,
  PicturePiece,
  ScoreRequest,
  StepAdapter,
  StepRunner,
} from '../types.ts';

export const endToken = 0;

/** Keeps cells as the native cache does, and "answers" with the sum of what each slot has seen, so mix-ups show. */
export class SimulatedRunner implements StepRunner {
  readonly cells: number;
  readonly slots: number;
  readonly batchCapacity = 64;
  readonly maxOutputs = 32;
  readonly canSharePrefixes = true;
  canMove = true;
  evicted = false;
  readonly bytesPerCell = 100;
  readonly batches: BatchEntry[][] = [];
  readonly contents: Map<number, number>[] = [];
  /** Adapter of each batch; empty for the model alone. */
  readonly adapters: string[] = [];
  #adapter = '';
  /** Which adapter the cells of a slot were computed with. */
  readonly #computedWith = new Map<object, string>();
  computing = false;
  failNext: Error | undefined;
  failNextScore: Error | undefined;
  outputs: (number | undefined)[] = [];
  /** Cells shared between slots count once: identity by value objects. */
  readonly #owners = new Map<object, Set<number>>();
  readonly #cellOf: Map<number, object>[] = [];

  constructor(cells: number, slots: number) {
    this.cells = cells;
    this.slots = slots;
    for (let slot = 0; slot < slots; slot++) {
      this.contents.push(new Map());
      this.#cellOf.push(new Map());
    }
  }

  async decode(batch: readonly BatchEntry[]): Promise<DecodeStatus> {
    if (this.failNext !== undefined) {
      const error = this.failNext;
      this.failNext = undefined;
      throw error;
    }
    if (this.cellsUsed() + batch.length > this.cells) return 'no-slot';
    this.computing = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.computing = false;
    this.batches.push([...batch]);
    this.adapters.push(this.#adapter);
    this.outputs = batch.map((entry) => {
      const contents = this.contents[entry.slot]!;
      // A hole or a token computed twice is a defect of the scheduler. Evictions leave holes, but never at the end.
      const next = this.evicted ? Math.max(-1, ...contents.keys()) + 1 : contents.size;
      expect(entry.position).toBe(next);
      contents.set(entry.position, entry.token);
      const cell = {};
      this.#cellOf[entry.slot]!.set(entry.position, cell);
      this.#owners.set(cell, new Set([entry.slot]));
      this.#computedWith.set(cell, this.#adapter);
      // Cells of other weights in a sequence would be a wrong answer that nobody sees.
      const cells = [...this.#cellOf[entry.slot]!.values()];
      expect(cells.every((each) => this.#computedWith.get(each) === this.#adapter)).toBe(true);
      return entry.wantsOutput ? [...contents.values()].reduce((sum, token) => sum + token, 0) : undefined;
    });
    return 'done';
  }

  async decodePicture({ span, from, count, position, slot }: PicturePiece): Promise<DecodeStatus> {
    const tokens = Array.from({ length: count }, (_, index) => ({
      token: span.embeddings[from + index] as number,
      position: position + from + index,
      slot,
      wantsOutput: false,
    }));
    return this.decode(tokens);
  }

  grow(): boolean {
    return false;
  }

  shrink(): void {}

  cellsUsed(): number {
    return this.#owners.size;
  }

  truncate(slot: number, from: number): void {
    expect(this.computing, 'native memory was touched while a step computed').toBe(false);
    for (const [position, cell] of this.#cellOf[slot]!) {
      if (position < from) continue;
      this.#cellOf[slot]!.delete(position);
      this.contents[slot]!.delete(position);
      this.#owners.get(cell)?.delete(slot);
      if (this.#owners.get(cell)?.size === 0) this.#owners.delete(cell);
    }
  }

  share(source: number, target: number, length: number): void {
    expect(this.computing).toBe(false);
    expect(this.contents[source]!.size).toBeGreaterThanOrEqual(length);
    for (let position = 0; position < length; position++) {
      const cell = this.#cellOf[source]!.get(position)!;
      this.#cellOf[target]!.set(position, cell);
      this.#owners.get(cell)!.add(target);
      this.contents[target]!.set(position, this.contents[source]!.get(position)!);
    }
  }

  useAdapter(adapter: StepAdapter | undefined): void {
    this.#adapter = adapter?.key ?? '';
  }

  setThreads(): void {}

  remove(slot: number, ranges: readonly PositionRange[]): void {
    expect(this.computing, 'native memory was touched while a step computed').toBe(false);
    this.evicted = true;
    for (const { from, to } of ranges) {
      for (let position = from; position < to; position++) {
        const cell = this.#cellOf[slot]!.get(position);
        expect(cell, `there is no cell at ${position}`).toBeDefined();
        this.#cellOf[slot]!.delete(position);
        this.contents[slot]!.delete(position);
        this.#owners.get(cell!)?.delete(slot);
        if (this.#owners.get(cell!)?.size === 0) this.#owners.delete(cell!);
      }
    }
  }

  move(slot: number, moves: readonly PositionMove[]): void {
    for (const { from, to, by } of moves) {
      for (let position = from; position < to; position++) {
        const cell = this.#cellOf[slot]!.get(position)!;
        expect(this.#owners.get(cell)!.size, 'a shared cell was moved').toBe(1);
        expect(this.#cellOf[slot]!.has(position + by)).toBe(false);
        this.#cellOf[slot]!.set(position + by, cell);
        this.contents[slot]!.set(position + by, this.contents[slot]!.get(position)!);
        this.#cellOf[slot]!.delete(position);
        this.contents[slot]!.delete(position);
      }
    }
  }

  readState(slot: number): Uint8Array {
    return Buffer.from(JSON.stringify([...this.contents[slot]!]));
  }

  writeState(slot: number, state: Uint8Array): boolean {
    expect(this.contents[slot]!.size).toBe(0);
    const contents = JSON.parse(Buffer.from(state).toString()) as [number, number][];
    for (const [position, token] of contents) {
      const cell = {};
      this.contents[slot]!.set(position, token);
      this.#cellOf[slot]!.set(position, cell);
      this.#owners.set(cell, new Set([slot]));
      this.#computedWith.set(cell, '');
    }
    return true;
  }

  /** Large tokens are worth most. */
  score({ slot, positions }: ScoreRequest): number[] {
    if (this.failNextScore !== undefined) {
      const error = this.failNextScore;
      this.failNextScore = undefined;
      throw error;
    }
    return positions.map((position) => this.contents[slot]!.get(position)!);
  }
}

export type Result = { tokens: number[]; outcome: JobOutcome; statistics: JobStatistics };

export function job(
  runner: SimulatedRunner,
  id: string,
  prompt: number[],
  options: {
    maxTokens?: number;
    endAfter?: number;
    stopAfter?: number;
    priority?: number;
    /** The fewer different tokens, the sooner the answer repeats itself. */
    vocabulary?: number;
    /** A sampler with a random state that moves on with every token. */
    seed?: number;
    onToken?: () => void;
    budget?: CacheBudget;
    adapter?: string;
  } = {},
): { job: Job; result: Promise<Result> } {
  const tokens: number[] = [];
  let random = options.seed ?? 0;
  let count = 0;
  let done: (result: Result) => void = () => {};
  const result = new Promise<Result>((resolve) => {
    done = resolve;
  });
  return {
    result,
    job: {
      id,
      promptTokens: Int32Array.from(prompt),
      maxTokens: options.maxTokens ?? 5,
      ...(options.adapter === undefined ? {} : { adapter: { key: options.adapter } }),
      ...(options.budget === undefined ? {} : { budget: options.budget }),
      priority: options.priority ?? 0,
      createSampler: () => ({
        sample(outputIndex) {
          count++;
          if (count === options.endAfter) return { token: endToken, isEnd: true };
          if (options.seed !== undefined) {
            random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
            if (random / 2 ** 31 < 0.2) return { token: 1 + (random % 5), isEnd: false };
          }
          return { token: 1 + (runner.outputs[outputIndex]! % (options.vocabulary ?? 1_000)), isEnd: false };
        },
        dispose() {},
      }),
      onToken(token) {
        options.onToken?.();
        if (!token.isEnd) tokens.push(token.token);
        return tokens.length === options.stopAfter;
      },
      onDone: (outcome, statistics) => done({ tokens, outcome, statistics }),
    },
  };
}
