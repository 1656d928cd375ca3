/** The scheduler's view of a native context. */
import type { SamplingOptions } from '../../core/chat.ts';
import type { NativeAdapter } from '../native/adapter.ts';
import { TokenBatch, type DecodeStatus, type NativeContext } from '../native/context.ts';
import type { NativeModel } from '../native/model.ts';
import { returnFreeMemory } from '../native/return-free-memory.ts';
import { NativeSampler, type GrammarConstraint } from '../native/sampler.ts';
import { topLogprobs } from './logprobs.ts';
import type { PositionMove, PositionRange } from '../cache/kept-tokens.ts';
import { CellScorer } from '../cache/cell-scorer.ts';
import type {
  BatchEntry,
  PicturePiece,
  PictureSpan,
  SampledToken,
  ScoreRequest,
  StepRunner,
  TokenSampler,
} from './types.ts';

/** The library rounds up to this anyway. */
const cellsStep = 256;

export class NativeStepRunner implements StepRunner {
  readonly slots: number;
  readonly batchCapacity: number;
  readonly maxOutputs: number;
  readonly canSharePrefixes: boolean;
  readonly bytesPerCell: number;
  readonly #context: NativeContext;
  readonly #batch: TokenBatch;
  readonly #scorer: CellScorer;
  readonly #firstCells: number;
  readonly #mostCells: number;

  /** @param mostCells to which the cache may grow; default: what it has */
  constructor(context: NativeContext, slots: number, batchCapacity: number, mostCells = context.cells) {
    this.#firstCells = context.cells;
    this.#mostCells = mostCells;
    this.maxOutputs = context.maxOutputs;
    this.#context = context;
    this.bytesPerCell = context.bytesPerCell;
    this.slots = slots;
    this.batchCapacity = batchCapacity;
    this.canSharePrefixes = !context.model.isRecurrent;
    this.#batch = new TokenBatch(batchCapacity);
    this.#scorer = new CellScorer(context);
  }

  decode(entries: readonly BatchEntry[]): DecodeStatus {
    this.#batch.clear();
    for (const entry of entries) this.#batch.add(entry.token, entry.position, entry.slot, entry.wantsOutput);
    return this.#context.decode(this.#batch);
  }

  decodePicture({ span, from, count, position, slot }: PicturePiece): DecodeStatus {
    const width = this.#context.model.inputEmbeddingSize;
    return this.#context.decodePicture({
      embeddings: span.embeddings.subarray(from * width, (from + count) * width),
      count,
      positions: positionsOf(span, from, count, position),
      sequence: slot,
      isCausal: span.isCausal,
    });
  }

  get cells(): number {
    return this.#context.cells;
  }

  grow(freeCells: number): boolean {
    const { cells } = this;
    const wanted = Math.max(this.cellsUsed() + freeCells, 2 * cells);
    const size = Math.min(this.#mostCells, Math.ceil(wanted / cellsStep) * cellsStep);
    if (size <= cells) return false;
    this.#context.resize(size);
    return true;
  }

  shrink(): void {
    if (this.cells <= this.#firstCells || this.cellsUsed() > this.#firstCells) return;
    this.#context.resize(this.#firstCells);
    returnFreeMemory();
  }

  cellsUsed(): number {
    return this.#context.cellsUsed();
  }

  truncate(slot: number, from: number): void {
    this.#context.removeSequence(slot, from);
  }

  get canMove(): boolean {
    return this.#context.canMove;
  }

  remove(slot: number, ranges: readonly PositionRange[]): void {
    for (const { from, to } of ranges) this.#context.removeSequence(slot, from, to);
  }

  move(slot: number, moves: readonly PositionMove[]): void {
    for (const { from, to, by } of moves) this.#context.moveSequence(slot, from, to, by);
  }

  readState(slot: number): Uint8Array {
    return this.#context.readSequence(slot);
  }

  writeState(slot: number, state: Uint8Array): boolean {
    return this.#context.writeSequence(slot, state);
  }

  score(request: ScoreRequest): ArrayLike<number> {
    return this.#scorer.score(request);
  }

  share(source: number, target: number, length: number): void {
    this.#context.copySequence(source, target, length);
  }

  useAdapter(adapter: NativeAdapter | undefined): void {
    this.#context.useAdapter(adapter);
  }

  setThreads(threads: number): void {
    this.#context.setThreads(threads);
  }

  dispose(): void {
    this.#scorer.dispose();
  }
}

/** With M-RoPE four rows (time, row, column, unused), otherwise one. */
function positionsOf(span: PictureSpan, from: number, count: number, position: number): Int32Array {
  const { grid } = span;
  if (grid === undefined) return Int32Array.from({ length: count }, (_, index) => position + from + index);
  const positions = new Int32Array(4 * count);
  for (let row = 0; row < 3; row++) {
    for (let index = 0; index < count; index++) {
      positions[row * count + index] = position + (grid[row * span.count + from + index] ?? 0);
    }
  }
  return positions;
}

export type SamplerRequest = {
  sampling: SamplingOptions;
  /** Used where the request names no seed. */
  randomSeed: number;
  grammar?: GrammarConstraint;
  /** Alternatives to report for each token; absent: no logprobs. */
  logprobs?: number;
};

const samplingDefaults = { temperature: 0.7, topP: 1, topK: 40, minP: 0.05 };

/** A sampler with the defaults of `SamplingOptions` filled in. */
export function createSampler(model: NativeModel, context: NativeContext, request: SamplerRequest): TokenSampler {
  const { sampling, logprobs } = request;
  const sampler = new NativeSampler(model, {
    temperature: sampling.temperature ?? samplingDefaults.temperature,
    topP: sampling.topP ?? samplingDefaults.topP,
    topK: sampling.topK ?? samplingDefaults.topK,
    minP: sampling.minP ?? samplingDefaults.minP,
    presencePenalty: sampling.presencePenalty ?? 0,
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    repeatPenalty: sampling.repeatPenalty ?? 1,
    seed: sampling.seed ?? request.randomSeed,
    logitBias: sampling.logitBias ?? new Map(),
    ...(request.grammar === undefined ? {} : { grammar: request.grammar }),
  });
  return {
    sample(outputIndex): SampledToken {
      const token = sampler.sample(context, outputIndex);
      const isEnd = model.isEnd(token);
      if (logprobs === undefined) return { token, isEnd };
      return { token, isEnd, logprob: topLogprobs(context.logits(outputIndex), token, logprobs) };
    },
    dispose: () => sampler.dispose(),
  };
}
