/** The scheduler's view of a smaller model that guesses: a context of its own beside the model's. */
import { makeError } from '../../core/errors.ts';
import { NativeContext, TokenBatch, type DecodeStatus } from '../native/context.ts';
import { NativeModel, type LoadMode } from '../native/model.ts';
import type { PositionMove, PositionRange } from '../cache/kept-tokens.ts';
import { checkSameVocabulary } from '../native/same-vocabulary.ts';
import type { BatchEntry, DraftRunner } from './types.ts';

/** Tokens in one batch of the draft model at most. */
const batchTokens = 256;
/** A token this much less likely than the likeliest adds nothing that counts to the sum of the probabilities. */
const negligibleLogits = 12;

export type DraftModelOptions = {
  id: string;
  weightsPath: string;
  /** Cells of its cache, for the texts of all answers. */
  cells: number;
};

export type DraftRunnerOptions = {
  draft: DraftModelOptions;
  model: NativeModel;
  modelId: string;
  /** Answers that it follows at once. */
  slots: number;
  threads: number;
  gpuLayers: number;
  loadMode: LoadMode;
};

export class NativeDraftRunner implements DraftRunner {
  readonly slots: number;
  readonly batchCapacity = batchTokens;
  /** Bytes of its weights. */
  readonly sizeBytes: number;
  readonly #model: NativeModel;
  readonly #context: NativeContext;
  readonly #batch = new TokenBatch(batchTokens);
  /** Tokens that both models know. */
  readonly #vocabularySize: number;

  private constructor(model: NativeModel, context: NativeContext, slots: number, vocabularySize: number) {
    this.slots = slots;
    this.sizeBytes = model.sizeBytes;
    this.#model = model;
    this.#context = context;
    this.#vocabularySize = vocabularySize;
  }

  /** Throws `draft_mismatch`, `model_file_invalid`, `engine_failed`. */
  static async load({ draft, model, modelId, ...options }: DraftRunnerOptions): Promise<NativeDraftRunner> {
    const { slots, threads, gpuLayers, loadMode } = options;
    const draftModel = await NativeModel.load({ path: draft.weightsPath, gpuLayers, loadMode });
    try {
      const reason = draftModel.isRecurrent
        ? 'it cannot take back what it has read'
        : checkSameVocabulary(draftModel, model);
      if (reason !== undefined) throw makeError('draft_mismatch', { draft: draft.id, model: modelId, reason });
      const context = NativeContext.create(draftModel, {
        cells: draft.cells,
        batchTokens,
        maxSequences: slots,
        maxOutputs: slots,
        threads,
        keyCacheType: 'f16',
        valueCacheType: 'f16',
        flashAttention: 'auto',
      });
      const vocabularySize = Math.min(draftModel.vocabularySize, model.vocabularySize);
      return new NativeDraftRunner(draftModel, context, slots, vocabularySize);
    } catch (error) {
      draftModel.dispose();
      throw error;
    }
  }

  get cells(): number {
    return this.#context.cells;
  }

  get canMove(): boolean {
    return this.#context.canMove;
  }

  decode(entries: readonly BatchEntry[]): DecodeStatus {
    this.#batch.clear();
    for (const { token, position, slot, wantsOutput } of entries) this.#batch.add(token, position, slot, wantsOutput);
    return this.#context.decode(this.#batch);
  }

  top(outputIndex: number): { token: number; probability: number; isEnd: boolean } {
    const logits = this.#context.logits(outputIndex);
    let token = 0;
    let largest = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < this.#vocabularySize; index++) {
      if ((logits[index] as number) <= largest) continue;
      largest = logits[index] as number;
      token = index;
    }
    let sum = 0;
    for (let index = 0; index < this.#vocabularySize; index++) {
      const below = (logits[index] as number) - largest;
      if (below > -negligibleLogits) sum += Math.exp(below);
    }
    return { token, probability: 1 / sum, isEnd: this.#model.isEnd(token) };
  }

  truncate(slot: number, from: number): void {
    this.#context.removeSequence(slot, from);
  }

  remove(slot: number, ranges: readonly PositionRange[]): void {
    for (const { from, to } of ranges) this.#context.removeSequence(slot, from, to);
  }

  move(slot: number, moves: readonly PositionMove[]): void {
    for (const { from, to, by } of moves) this.#context.moveSequence(slot, from, to, by);
  }

  setThreads(threads: number): void {
    this.#context.setThreads(threads);
  }

  dispose(): void {
    this.#context.dispose();
    this.#model.dispose();
  }
}
