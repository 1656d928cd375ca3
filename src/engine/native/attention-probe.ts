/**
 * How strongly a question looks at what is in the cache. Attention weights exist only without flash attention and can be
 * read only through a callback for every operation, which would slow every step down. So they are computed apart: a small context
 * of the same model takes a copy of the sequence, computes the question behind it, and is watched while it does.
 */
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import { NativeContext, TokenBatch, type CacheType } from './context.ts';
import { evaluationCallback, tensorElements, tensorFloats, tensorName } from './evaluated-tensor.ts';
import type { Pointer } from './library.ts';
import type { NativeModel } from './model.ts';
import { returnFreeMemory } from './return-free-memory.ts';

/**
 * Layers that look things up, as shares of all. Tried on the 0.5B with needles among like sentences: these layers' largest weight keeps
 * needles whole that the mean over all layers tears apart. `npm run bench:kv` measures what comes of it.
 */
const firstLayerShare = 0.4;
const lastLayerShare = 0.9;
/** Coarse, so that a prompt that grows does not need a new context for each of its scores. */
const cellsStep = 1_024;
const idleMs = 5_000;

export type ProbeQuestion = {
  /** State with transposed F16 values. */
  state: Uint8Array;
  cells: number;
  layers: number;
  /** Positions from here on are left out of the copy: the question comes instead. */
  position: number;
  tokens: readonly number[];
};

export class AttentionProbe {
  readonly #model: NativeModel;
  readonly #options: { threads: number; keyCacheType: CacheType };
  readonly #callback: Pointer;
  #context: NativeContext | undefined;
  #batch: TokenBatch | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #layers = { first: 0, last: 0 };
  #largest = new Float32Array(0);

  constructor(model: NativeModel, options: { threads: number; keyCacheType: CacheType }) {
    this.#model = model;
    this.#options = options;
    this.#callback = koffi.register((tensor: unknown, ask: boolean): boolean => {
      if (ask) return this.#wants(tensorName(tensor));
      this.#observe(tensor);
      return true;
    }, evaluationCallback);
  }

  /**
   * The largest weight that any token of the question gives to each cell, over the layers and heads that matter. Cells are in
   * the order of the state. Throws `engine_failed`.
   */
  largestWeights({ state, cells, layers, position, tokens }: ProbeQuestion): Float32Array {
    clearTimeout(this.#idleTimer);
    const { context, batch } = this.#open(cells + tokens.length, tokens.length);
    context.removeSequence(0);
    if (!context.writeSequence(0, state)) {
      throw makeError('engine_failed', { reason: 'a sequence could not be copied for its scores' });
    }
    context.removeSequence(0, position);
    batch.clear();
    for (const [index, token] of tokens.entries()) batch.add(token, position + index, 0, false);
    this.#layers = { first: Math.floor(layers * firstLayerShare), last: Math.ceil(layers * lastLayerShare) };
    this.#largest = new Float32Array(cells);
    if (context.decode(batch) === 'no-slot') {
      throw makeError('engine_failed', { reason: 'no room for the question of a score' });
    }
    // Its memory goes back when no prompt has needed it for a while.
    this.#idleTimer = setTimeout(() => {
      this.#close();
      // The copies of the sequence too.
      returnFreeMemory();
    }, idleMs).unref();
    return this.#largest;
  }

  dispose(): void {
    this.#close();
    koffi.unregister(this.#callback);
  }

  #open(cells: number, batchTokens: number): { context: NativeContext; batch: TokenBatch } {
    const fits =
      this.#context !== undefined && this.#context.cells >= cells && (this.#batch?.capacity ?? 0) >= batchTokens;
    if (!fits) {
      this.#close();
      const capacity = Math.max(64, batchTokens);
      this.#context = NativeContext.create(this.#model, {
        cells: Math.ceil(cells / cellsStep) * cellsStep,
        batchTokens: capacity,
        maxSequences: 1,
        maxOutputs: 1,
        threads: this.#options.threads,
        keyCacheType: this.#options.keyCacheType,
        valueCacheType: 'f16',
        flashAttention: 'off',
        evaluationCallback: this.#callback,
      });
      this.#batch = new TokenBatch(capacity);
    }
    return { context: this.#context as NativeContext, batch: this.#batch as TokenBatch };
  }

  #close(): void {
    clearTimeout(this.#idleTimer);
    this.#context?.dispose();
    this.#context = undefined;
  }

  #wants(name: string): boolean {
    const layer = layerOf(name);
    return layer !== undefined && layer >= this.#layers.first && layer < this.#layers.last;
  }

  /** Weights lie as heads × question × cells. */
  #observe(tensor: unknown): void {
    const [width, questions, heads] = tensorElements(tensor);
    const weights = tensorFloats(tensor);
    const largest = this.#largest;
    const cells = Math.min(width, largest.length);
    for (let row = 0; row < questions * heads; row++) {
      const start = row * width;
      for (let cell = 0; cell < cells; cell++) {
        const weight = weights[start + cell] as number;
        if (weight > (largest[cell] as number)) largest[cell] = weight;
      }
    }
  }
}

function layerOf(name: string): number | undefined {
  const match = /^kq_soft_max-(\d+)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
