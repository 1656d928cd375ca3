/** What the scheduler needs of the native side. The tests give it a simulated one. */
import type { CacheBudget, CompressionPolicy } from '../cache/cache-budget.ts';
import type { PositionMove, PositionRange } from '../cache/kept-tokens.ts';
import type { Compressed } from '../cache/prefix-cache.ts';
import type { DecodeStatus } from '../native/context.ts';

/**
 * A run of tokens of a prompt that stand for a picture. In the list of tokens they are negative numbers, the same for the
 * same picture, so that a shared beginning is found as with text; it never ends inside a picture.
 */
export type PictureSpan = {
  /** Index of its first token in the prompt. */
  start: number;
  count: number;
  /** By how much it moves the position of what follows. */
  positions: number;
  /** Time, row and column of each token from the first position; absent where positions simply count up. */
  grid: Int32Array | undefined;
  /** False: must be computed as a whole. */
  isCausal: boolean;
  /** `count` × the width of the model's input. */
  embeddings: Float32Array;
};

/** Part of a picture that a step computes, apart from the batch of tokens. */
export type PicturePiece = {
  span: PictureSpan;
  /** Index within the span. */
  from: number;
  count: number;
  /** Position of the span's first token. */
  position: number;
  slot: number;
};

/** One token of the batch of a step. */
export type BatchEntry = { token: number; position: number; slot: number; wantsOutput: boolean };

export interface StepRunner {
  /** KV cells shared by all slots, as many as are allocated now. */
  readonly cells: number;
  /** Allocates more, so that so many are free, as far as it may. False where nothing changed. */
  grow(freeCells: number): boolean;
  /** Gives cells back that have long not been needed. */
  shrink(): void;
  /** Slots 0 … slots − 1, each holding one sequence. */
  readonly slots: number;
  /** Tokens in one batch at most. */
  readonly batchCapacity: number;
  /** Outputs in one batch at most. */
  readonly maxOutputs: number;
  /** Whether a prefix of a sequence can be shared (not so for recurrent models). */
  readonly canSharePrefixes: boolean;
  /** Computes the batch; outputs are then read by the entry's index. `no-slot`: no room, nothing computed. */
  decode(batch: readonly BatchEntry[]): DecodeStatus | Promise<DecodeStatus>;
  /** As `decode`, without outputs. */
  decodePicture(piece: PicturePiece): DecodeStatus | Promise<DecodeStatus>;
  cellsUsed(): number;
  /** Frees positions `from` … end of a slot. */
  truncate(slot: number, from: number): void;
  /** `target` shares the first `length` positions of `source`. */
  share(source: number, target: number, length: number): void;
  /** What the next batches are computed with; `undefined`: the model alone. */
  useAdapter(adapter: StepAdapter | undefined): void;
  setThreads(threads: number): void;
  /** Whether positions can be changed afterwards, so that gaps can be closed; not with M-RoPE. */
  readonly canMove: boolean;
  /** Frees these positions of a slot. */
  remove(slot: number, ranges: readonly PositionRange[]): void;
  /** Moves cells of a slot that no other slot shares. */
  move(slot: number, moves: readonly PositionMove[]): void;
  /** All that a slot holds, in the library's own form. Throws `engine_failed`. */
  readState(slot: number): Uint8Array;
  /** Puts it into an empty slot; false where it cannot be put there. */
  writeState(slot: number, state: Uint8Array): boolean;
  /** How much each cell of a slot is worth. Throws `engine_failed`. */
  score(request: ScoreRequest): ArrayLike<number>;
  /** Bytes of keys and values of one cell. */
  readonly bytesPerCell: number;
}

/** The native side of a smaller model that guesses. */
export interface DraftRunner extends Pick<
  StepRunner,
  'cells' | 'slots' | 'batchCapacity' | 'canMove' | 'decode' | 'truncate' | 'remove' | 'move' | 'setThreads'
> {
  /** The likeliest token of an output, of those that the model itself knows too. */
  top(outputIndex: number): { token: number; probability: number; isEnd: boolean };
}

/** Something laid over the model's weights. It holds for a whole batch, so sequences of different adapters never share one. */
export type StepAdapter = {
  /** The same key means the same weights. Never empty. */
  readonly key: string;
};

export type ScoreRequest = {
  slot: number;
  policy: Exclude<CompressionPolicy, 'window'>;
  /** Of the cells to score, in order. */
  positions: readonly number[];
  /** What is asked of them. It takes the place of what stands at `position` and behind it. */
  query: { tokens: readonly number[]; position: number };
};

export interface TokenSampler {
  sample(outputIndex: number): SampledToken;
  dispose(): void;
}

export type SampledToken = {
  token: number;
  /** The model's own end of the answer; the token itself is not text. */
  isEnd: boolean;
  logprob?: { logprob: number; top: { token: number; logprob: number }[] };
};

export type JobOutcome =
  | { kind: 'finished'; reason: 'stop' | 'length' }
  | { kind: 'cancelled' }
  | { kind: 'failed'; error: Error };

export type JobStatistics = {
  promptTokens: number;
  cachedTokens: number;
  generatedTokens: number;
  queuedMs: number;
  prefillMs: number;
  decodeMs: number;
};

/** A sequence that has ended or comes back. */
export type KeptSequence = {
  tokens: readonly number[];
  /** Key of the adapter it was computed with; empty for the model alone. */
  adapter: string;
  compressed: Compressed | undefined;
  readState(): Uint8Array;
};

/** One generation. The callbacks run between steps. */
export type Job = {
  id: string;
  promptTokens: Int32Array;
  /** Pictures in the prompt, in order. Default none. */
  pictures?: readonly PictureSpan[];
  /** Default: the model alone. */
  adapter?: StepAdapter;
  /** Absent: nothing of it is evicted. */
  budget?: CacheBudget;
  /** Generated tokens at most; at least 1. */
  maxTokens: number;
  /** −10…10, higher first. */
  priority: number;
  createSampler(): TokenSampler;
  /** Returns true to end the answer here (a stop text was found); the token counts as generated. */
  onToken(token: SampledToken): boolean;
  /** What is kept of it when it ends, before `onDone`; `readState` works only during the call. Default: nobody asks. */
  onKept?(sequence: KeptSequence): void;
  /** Exactly once. */
  onDone(outcome: JobOutcome, statistics: JobStatistics): void;
};
