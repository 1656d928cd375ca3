/** One llama context: the KV cache of all sequences, and the step that computes a batch. */
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import type { NativeAdapter } from './adapter.ts';
import type { Pointer } from './library.ts';
import { isNull, type NativeModel } from './model.ts';
import type { StructValue } from './structs.ts';

export type CacheType = 'f16' | 'q8_0' | 'q4_0';
/** `enum ggml_type` of ggml.h. */
const ggmlTypes = { f16: 1, q4_0: 2, q8_0: 8 } as const satisfies Record<CacheType, number>;
const flashAttention = { auto: -1, off: 0, on: 1 } as const;

export type ContextOptions = {
  /** KV cells shared by all sequences. */
  cells: number;
  /** Tokens in one batch at most. */
  batchTokens: number;
  /** Sequence ids 0 … maxSequences − 1. */
  maxSequences: number;
  /** Tokens of one batch whose outputs are wanted, at most. */
  maxOutputs: number;
  threads: number;
  keyCacheType: CacheType;
  valueCacheType: CacheType;
  flashAttention: keyof typeof flashAttention;
  /** Keep hidden states instead of logits. Default false. */
  embeddings?: boolean;
  /** For training: keys and values in F32, and gradients flow through them. Default false. */
  training?: boolean;
  /** `cb_eval`: called for every operation of each graph, which slows it down. The owner keeps it registered. */
  evaluationCallback?: unknown;
};

/** Bytes of one element in a block of ggml's formats. */
const bytesPerElement = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 } as const satisfies Record<CacheType, number>;

/** Result of one step. `no-slot`: the KV cache has no room for the batch and nothing was computed. */
export type DecodeStatus = 'done' | 'no-slot';

/** The batch to compute; filled in place and reused, so that nothing is allocated in a step. */
export class TokenBatch {
  readonly capacity: number;
  length = 0;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #sequenceCounts: Int32Array;
  readonly #sequences: Int32Array;
  readonly #sequencePointers: BigUint64Array;
  readonly #wantsOutput: Int8Array;
  readonly #addresses: StructValue;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#tokens = new Int32Array(capacity);
    this.#positions = new Int32Array(capacity);
    this.#sequenceCounts = new Int32Array(capacity).fill(1);
    this.#sequences = new Int32Array(capacity);
    this.#sequencePointers = new BigUint64Array(capacity);
    this.#wantsOutput = new Int8Array(capacity);
    const base = koffi.address(this.#sequences);
    for (let index = 0; index < capacity; index++) this.#sequencePointers[index] = base + BigInt(index * 4);
    this.#addresses = {
      token: koffi.address(this.#tokens),
      embd: null,
      pos: koffi.address(this.#positions),
      n_seq_id: koffi.address(this.#sequenceCounts),
      seq_id: koffi.address(this.#sequencePointers),
      logits: koffi.address(this.#wantsOutput),
    };
  }

  clear(): void {
    this.length = 0;
  }

  /** Adds one token and returns its index, by which its output is found after the step. */
  add(token: number, position: number, sequence: number, wantsOutput: boolean): number {
    const index = this.length++;
    this.#tokens[index] = token;
    this.#positions[index] = position;
    this.#sequences[index] = sequence;
    this.#wantsOutput[index] = wantsOutput ? 1 : 0;
    return index;
  }

  /** The C struct. It holds addresses into this object, which must stay referenced while native code works. */
  toStruct(): StructValue {
    return { n_tokens: this.length, ...this.#addresses };
  }
}

export type PictureChunk = {
  /** `count` × the model's `inputEmbeddingSize`. */
  embeddings: Float32Array;
  count: number;
  /** One for each token, or with M-RoPE four rows of them: time, row, column, unused. */
  positions: Int32Array;
  sequence: number;
  /** Some models let all tokens of a picture see each other; it must then be computed as a whole. */
  isCausal: boolean;
};

export class NativeContext {
  readonly model: NativeModel;
  readonly maxOutputs: number;
  readonly options: Readonly<ContextOptions>;
  #pointer: Pointer;
  #cells: number;
  #memory: Pointer;
  readonly #pictureSequence = new Int32Array(1);
  #adapter: NativeAdapter | undefined;
  #threads: number | undefined;
  #disposed = false;

  private constructor(model: NativeModel, pointer: Pointer, options: ContextOptions) {
    this.options = options;
    this.maxOutputs = outputsOf(options);
    this.model = model;
    this.#pointer = pointer;
    this.#cells = model.native.contextCells(pointer) as number;
    this.#memory = model.native.contextMemory(pointer) as Pointer;
  }

  /** Changes when the cache is given another size. */
  get pointer(): Pointer {
    return this.#pointer;
  }

  get cells(): number {
    return this.#cells;
  }

  /** Allocates the KV cache and the compute buffers. Throws `engine_failed` when the memory cannot be had. */
  static create(model: NativeModel, options: ContextOptions): NativeContext {
    return new NativeContext(model, openContext(model, options), options);
  }

  /**
   * Gives the cache another size; what is in it stays. The library allocates all cells at once and never gives any back, so
   * it takes another context. Not between a step and the reading of its outputs, which are lost.
   * Throws `engine_failed` and leaves things as they were when the memory cannot be had or the cells do not fit.
   */
  resize(cells: number): void {
    const { native } = this.model;
    const pointer = openContext(this.model, { ...this.options, cells });
    const size = Number(native.stateSize(this.#pointer));
    const state = new Uint8Array(size);
    const written = Number(native.stateRead(this.#pointer, state, size));
    if (written === 0 || Number(native.stateWrite(pointer, state, written)) === 0) {
      native.contextFree(pointer);
      throw makeError('engine_failed', { reason: 'the KV cache could not be given another size' });
    }
    native.contextFree(this.#pointer);
    this.#pointer = pointer;
    this.#cells = native.contextCells(pointer) as number;
    this.#memory = native.contextMemory(pointer) as Pointer;
    this.setThreads(this.#threads ?? this.options.threads);
    this.#applyAdapter(this.#adapter);
  }

  /**
   * Computes the batch and blocks until it is done: handing it to another thread and back costs 2 % of a token's time,
   * and this process has nothing else to do meanwhile. Afterwards the outputs asked for can be read until the next call.
   * Throws `engine_failed`.
   */
  decode(batch: TokenBatch): DecodeStatus {
    const status = this.model.native.decode(this.pointer, batch.toStruct()) as number;
    if (status === 0) return 'done';
    if (status === 1) return 'no-slot';
    throw makeError('engine_failed', { reason: `llama_decode returned ${status}` });
  }

  /**
   * Computes part of a picture from its embeddings; no outputs. As `decode`, `no-slot` means that nothing was computed.
   * Throws `engine_failed`.
   */
  decodePicture(chunk: PictureChunk): DecodeStatus {
    const { native } = this.model;
    const { embeddings, count, positions, sequence, isCausal } = chunk;
    this.#pictureSequence[0] = sequence;
    // Typed arrays in the struct stay referenced until the call is over; the one behind `seq_id` belongs to this object.
    const batch: StructValue = {
      n_tokens: count,
      token: null,
      embd: embeddings,
      pos: positions,
      n_seq_id: new Int32Array(count).fill(1),
      seq_id: new BigUint64Array(count).fill(koffi.address(this.#pictureSequence)),
      logits: new Int8Array(count),
    };
    if (!isCausal) native.setCausalAttention(this.pointer, false);
    const status = native.decode(this.pointer, batch) as number;
    if (!isCausal) native.setCausalAttention(this.pointer, true);
    if (status === 0) return 'done';
    if (status === 1) return 'no-slot';
    throw makeError('engine_failed', { reason: `llama_decode of a picture returned ${status}` });
  }

  /** Raw logits of one output, length `vocabularySize`; a view that the next decode overwrites. */
  logits(outputIndex: number): Float32Array {
    const { native, vocabularySize } = this.model;
    const pointer: unknown = native.logits(this.pointer, outputIndex);
    return new Float32Array(koffi.view(pointer, vocabularySize * 4));
  }

  /** Hidden state of one output, length `embeddingSize`; a view that the next decode overwrites. */
  embedding(outputIndex: number): Float32Array {
    const { native, embeddingSize } = this.model;
    const pointer: unknown = native.embeddings(this.pointer, outputIndex);
    return new Float32Array(koffi.view(pointer, embeddingSize * 4));
  }

  /** Frees positions `from` … `to` − 1 of a sequence; `to` −1 means to its end. */
  removeSequence(sequence: number, from = 0, to = -1): void {
    this.model.native.memoryRemove(this.#memory, sequence, from, to);
  }

  /** Bytes of the keys and values of one cell in all layers. */
  get bytesPerCell(): number {
    const { layers, keyValueHeads, headSizes } = this.model;
    const { keyCacheType, valueCacheType } = this.options;
    const perHead = headSizes.keys * bytesPerElement[keyCacheType] + headSizes.values * bytesPerElement[valueCacheType];
    return layers * keyValueHeads * perHead;
  }

  /** Whether cells can be given other positions; not with M-RoPE. */
  get canMove(): boolean {
    // The library says yes for M-RoPE too.
    return !this.model.usesMrope && (this.model.native.memoryCanShift(this.#memory) as boolean);
  }

  /** Adds `by` to positions `from` … `to` − 1 of a sequence. Cells that another sequence shares move for that one too. */
  moveSequence(sequence: number, from: number, to: number, by: number): void {
    this.model.native.memoryShift(this.#memory, sequence, from, to, by);
  }

  /** Keys, values and positions of one sequence, in the library's own layout (`sequence-state.ts` reads it). */
  readSequence(sequence: number): Uint8Array {
    const size = Number(this.model.native.sequenceStateSize(this.pointer, sequence));
    const bytes = new Uint8Array(size);
    const written = Number(this.model.native.sequenceStateRead(this.pointer, bytes, size, sequence));
    if (written === 0) throw makeError('engine_failed', { reason: 'a sequence could not be read from the cache' });
    return bytes.subarray(0, written);
  }

  /** Puts into an empty sequence what `readSequence` gave. False where the cache has no room or cannot take it. */
  writeSequence(sequence: number, bytes: Uint8Array): boolean {
    const read = Number(this.model.native.sequenceStateWrite(this.pointer, bytes, bytes.length, sequence));
    return read > 0;
  }

  /** Lets `target` share the cells of `source` at positions 0 … `length` − 1. */
  copySequence(source: number, target: number, length: number): void {
    this.model.native.memoryCopy(this.#memory, source, target, 0, length);
  }

  /** Cells in use by any sequence; a shared cell counts once. */
  cellsUsed(): number {
    return this.model.native.memoryCellsUsed(this.#memory, -1) as number;
  }

  /** What batches are computed with from now on; `undefined`: the model alone. Throws `engine_failed`. */
  useAdapter(adapter: NativeAdapter | undefined): void {
    if (adapter === this.#adapter) return;
    this.#applyAdapter(adapter);
    this.#adapter?.usedBy(this, false);
    this.#adapter = adapter;
    adapter?.usedBy(this, true);
  }

  #applyAdapter(adapter: NativeAdapter | undefined): void {
    const pointers = adapter === undefined ? [] : [adapter.pointer];
    const status = this.model.native.setAdapters(this.pointer, pointers, pointers.length, [1]) as number;
    if (status !== 0) throw makeError('engine_failed', { reason: `llama_set_adapters_lora returned ${status}` });
  }

  setThreads(threads: number): void {
    this.#threads = threads;
    this.model.native.setThreads(this.pointer, threads, threads);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#adapter?.usedBy(this, false);
    this.model.native.contextFree(this.pointer);
  }
}

/** The library insists on room for one output of each sequence. */
function outputsOf({ maxSequences, maxOutputs }: ContextOptions): number {
  return Math.max(maxSequences, maxOutputs);
}

function openContext(model: NativeModel, options: ContextOptions): Pointer {
  const parameters = model.native.contextDefaultParams() as StructValue;
  parameters['n_ctx'] = options.cells;
  parameters['n_batch'] = options.batchTokens;
  parameters['n_ubatch'] = options.batchTokens;
  parameters['n_seq_max'] = options.maxSequences;
  // Logits are reserved for each output: with a vocabulary of 152k, 512 of them would cost 311 MB.
  parameters['n_outputs_max'] = outputsOf(options);
  parameters['n_threads'] = options.threads;
  parameters['n_threads_batch'] = options.threads;
  parameters['type_k'] = ggmlTypes[options.keyCacheType];
  parameters['type_v'] = ggmlTypes[options.valueCacheType];
  parameters['flash_attn_type'] = flashAttention[options.flashAttention];
  // One buffer for all sequences, so that a shared prefix is shared and not copied.
  parameters['kv_unified'] = true;
  parameters['embeddings'] = options.embeddings ?? false;
  if (options.training === true) Object.assign(parameters, { training: true, type_k: 0, type_v: 0 });
  if (options.evaluationCallback !== undefined) parameters['cb_eval'] = options.evaluationCallback;
  const pointer = model.native.contextInit(model.pointer, parameters) as Pointer;
  if (isNull(pointer)) throw makeError('engine_failed', { reason: 'the KV cache could not be allocated' });
  return pointer;
}
