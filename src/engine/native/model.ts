/** A loaded model: weights, vocabulary and tokenizer. */
import { makeError } from '../../core/errors.ts';
import { loadNative, type NativeFunctions, type Pointer } from './library.ts';
import type { StructValue } from './structs.ts';

export type ModelOptions = {
  path: string;
  /** Layers on a GPU; 0 keeps all on the CPU. */
  gpuLayers: number;
  /** Tokenizer only, no weights. Default false. */
  vocabularyOnly?: boolean;
  /**
   * `read` copies the weights into memory of our own; `map` maps the file, so that the system may drop pages under
   * pressure and read them again in the middle of an answer. Default `read`.
   */
  loadMode?: LoadMode;
  /** Whether weights may be laid out for the processor; nothing can be learnt through such. Default true. */
  repack?: boolean;
};

export type LoadMode = 'read' | 'map' | 'map-locked';
/** `enum llama_load_mode`. */
const loadModes = { read: 0, map: 1, 'map-locked': 3 } as const satisfies Record<LoadMode, number>;

/** `LLAMA_ROPE_TYPE_MROPE` and `LLAMA_ROPE_TYPE_IMROPE`. */
const mropeTypes: ReadonlySet<number> = new Set([8, 40]);
const noToken = -1;
const pieceBufferBytes = 256;

export class NativeModel {
  readonly native: NativeFunctions;
  readonly pointer: Pointer;
  readonly vocabulary: Pointer;
  readonly vocabularySize: number;
  readonly trainedContextTokens: number;
  readonly embeddingSize: number;
  /** Floats that stand for one token where a batch holds embeddings; more than the width for models with deepstack. */
  readonly inputEmbeddingSize: number;
  readonly sizeBytes: number;
  readonly parameters: number;
  /** Sequences of such models cannot be cut or shared at any position. */
  readonly isRecurrent: boolean;
  /** Positions have several dimensions; cells cannot be given other positions afterwards. */
  readonly usesMrope: boolean;
  readonly layers: number;
  /** Heads that keys and values are cached for. */
  readonly keyValueHeads: number;
  #disposed = false;
  readonly #pieceBuffer = Buffer.alloc(pieceBufferBytes);

  private constructor(native: NativeFunctions, pointer: Pointer) {
    this.native = native;
    this.pointer = pointer;
    this.vocabulary = native.modelVocab(pointer) as Pointer;
    this.vocabularySize = native.vocabSize(this.vocabulary) as number;
    this.trainedContextTokens = native.modelTrainedContext(pointer) as number;
    this.embeddingSize = native.modelEmbeddingSize(pointer) as number;
    this.inputEmbeddingSize = native.modelInputEmbeddingSize(pointer) as number;
    this.sizeBytes = Number(native.modelSizeBytes(pointer));
    this.parameters = Number(native.modelParameters(pointer));
    this.layers = native.modelLayers(pointer) as number;
    // Asked of a vocabulary without layers, the library ends the process.
    this.keyValueHeads = this.layers === 0 ? 0 : (native.modelKeyValueHeads(pointer) as number);
    this.usesMrope = mropeTypes.has(native.modelRopeType(pointer) as number);
    this.isRecurrent = (native.modelIsRecurrent(pointer) as boolean) || (native.modelIsHybrid(pointer) as boolean);
  }

  /**
   * Loads a GGUF file. The header must have been validated before: the native parser trusts its input.
   * Throws `model_file_invalid` when the library refuses the file.
   */
  static async load(options: ModelOptions): Promise<NativeModel> {
    const native = loadNative();
    const parameters = native.modelDefaultParams() as StructValue;
    parameters['n_gpu_layers'] = options.gpuLayers;
    parameters['vocab_only'] = options.vocabularyOnly ?? false;
    parameters['use_extra_bufts'] = options.repack ?? true;
    parameters['load_mode'] = loadModes[options.loadMode ?? 'read'];
    const pointer = await callAsync<Pointer>(native.modelLoad, options.path, parameters);
    if (isNull(pointer)) {
      throw makeError('model_file_invalid', { file: options.path, reason: 'the native library could not load it' });
    }
    if (native.modelHasEncoder(pointer) as boolean) {
      native.modelFree(pointer);
      throw makeError('model_file_invalid', { file: options.path, reason: 'encoder-decoder models are not supported' });
    }
    return new NativeModel(native, pointer);
  }

  /** Metadata value as text, or `undefined`. Arrays are not readable this way. */
  metadata(key: string): string | undefined {
    const small = Buffer.alloc(1024);
    const length = this.native.modelMetadata(this.pointer, key, small, small.length) as number;
    if (length < 0) return undefined;
    if (length < small.length) return small.toString('utf8', 0, length);
    const large = Buffer.alloc(length + 1);
    this.native.modelMetadata(this.pointer, key, large, large.length);
    return large.toString('utf8', 0, length);
  }

  /** Width of the keys and of the values of one head. */
  get headSizes(): { keys: number; values: number } {
    const architecture = this.metadata('general.architecture') ?? '';
    const usual = (this.native.modelWidth(this.pointer) as number) / (this.native.modelHeads(this.pointer) as number);
    const keys = Number(this.metadata(`${architecture}.attention.key_length`)) || usual;
    return { keys, values: Number(this.metadata(`${architecture}.attention.value_length`)) || keys };
  }

  /** Text of the begin-of-sequence token, empty where there is none. */
  get beginTokenText(): string {
    return this.#specialTokenText(this.native.vocabBeginToken(this.vocabulary) as number);
  }

  get endTokenText(): string {
    return this.#specialTokenText(this.native.vocabEndToken(this.vocabulary) as number);
  }

  /**
   * @param addSpecial adds the begin token where the model wants one (raw prompts; templates write their own).
   * @param parseSpecial reads `<|im_start|>` and the like as control tokens. Never for text that only a user wrote.
   */
  tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array {
    const bytes = Buffer.from(text, 'utf8');
    let tokens = new Int32Array(bytes.length + 8);
    let count = this.#tokenizeInto(bytes, tokens, addSpecial, parseSpecial);
    if (count < 0) {
      tokens = new Int32Array(-count);
      count = this.#tokenizeInto(bytes, tokens, addSpecial, parseSpecial);
    }
    return tokens.slice(0, count);
  }

  #tokenizeInto(bytes: Buffer, tokens: Int32Array, addSpecial: boolean, parseSpecial: boolean): number {
    const { native, vocabulary } = this;
    return native.tokenize(vocabulary, bytes, bytes.length, tokens, tokens.length, addSpecial, parseSpecial) as number;
  }

  /** Exact bytes of one token; may end in the middle of a character. `special` shows control tokens too. */
  pieceOf(token: number, special: boolean): Buffer {
    const buffer = this.#pieceBuffer;
    const length = this.native.tokenToPiece(this.vocabulary, token, buffer, buffer.length, 0, special) as number;
    if (length >= 0) return Buffer.from(buffer.subarray(0, length));
    const large = Buffer.alloc(-length);
    this.native.tokenToPiece(this.vocabulary, token, large, large.length, 0, special);
    return large;
  }

  /** The token as the vocabulary writes it. */
  textOf(token: number): string {
    return this.native.vocabText(this.vocabulary, token) as string;
  }

  /** Control tokens (`<|im_start|>` …) by id; their texts must not be read as such in what a user wrote. */
  controlTokens(): Map<number, string> {
    const control = new Map<number, string>();
    for (let token = 0; token < this.vocabularySize; token++) {
      if (this.native.vocabIsControl(this.vocabulary, token) as boolean) {
        control.set(token, this.native.vocabText(this.vocabulary, token) as string);
      }
    }
    return control;
  }

  /** Whether the token ends the answer (end of turn, end of text …). */
  isEnd(token: number): boolean {
    return this.native.vocabIsEnd(this.vocabulary, token) as boolean;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.native.modelFree(this.pointer);
  }

  #specialTokenText(token: number): string {
    return token === noToken ? '' : ((this.native.vocabText(this.vocabulary, token) as string | null) ?? '');
  }
}

/** Pointers come back as numbers or bigints, whichever fits. */
export function isNull(pointer: Pointer | number | null): boolean {
  return pointer === null || BigInt(pointer) === 0n;
}

/** A function that koffi bound; called through `async` it runs on koffi's thread pool. */
type AsyncCallable = { async: (...values: unknown[]) => void };

/** Runs a native call on koffi's thread pool. Every buffer it points to must stay referenced until it resolves. */
export function callAsync<Result>(callable: unknown, ...values: unknown[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    (callable as AsyncCallable).async(...values, (error: Error | null, result: Result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
