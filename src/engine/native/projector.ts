/** The native side of vision: a projector (`mmproj` file) that turns pixels into embeddings for its language model. */
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';
import type { DecodedPicture } from '../../core/perception.ts';
import type { NativeFunctions, Pointer } from './library.ts';
import { callAsync, isNull, type NativeModel } from './model.ts';
import type { StructValue } from './structs.ts';

/** A picture in the form in which it stands in a prompt: marks of the model around one or more encoded pieces. */
export type PictureSegment =
  | { kind: 'tokens'; tokens: Int32Array }
  | {
      kind: 'picture';
      /** Tokens it takes in the cache. */
      count: number;
      /** By how much it moves the position of what follows; with M-RoPE less than `count`. */
      positions: number;
      /** Time, row and column of each token from the first position, one row after another; absent without M-RoPE. */
      grid: Int32Array | undefined;
      isCausal: boolean;
      chunk: Pointer;
    };

const textChunk = 0;
const imageChunk = 1;

export class NativeProjector {
  readonly #native: NativeFunctions;
  readonly #model: NativeModel;
  readonly #pointer: Pointer;
  readonly #usesMrope: boolean;
  #disposed = false;

  private constructor(model: NativeModel, pointer: Pointer) {
    this.#native = model.native;
    this.#model = model;
    this.#pointer = pointer;
    this.#usesMrope = model.native.mtmdUsesMrope(pointer) as boolean;
  }

  /** The file's header must have been checked before. Throws `model_file_invalid` for one that does not fit the model. */
  static async load(model: NativeModel, options: { path: string; threads: number }): Promise<NativeProjector> {
    const { native } = model;
    const parameters = native.mtmdDefaultParams() as StructValue;
    parameters['use_gpu'] = false;
    parameters['print_timings'] = false;
    parameters['n_threads'] = options.threads;
    // A trial run would allocate for the largest picture there can be.
    parameters['warmup'] = false;
    parameters['skip_audio'] = true;
    const pointer = await callAsync<Pointer>(native.mtmdInit, options.path, model.pointer, parameters);
    if (isNull(pointer)) throw unusable('the native library could not load it for this model');
    if (!(native.mtmdSupportsVision(pointer) as boolean)) {
      native.mtmdFree(pointer);
      throw unusable('it reads no pictures');
    }
    return new NativeProjector(model, pointer);
  }

  /** Scales and cuts a picture as the model wants it. The result must be disposed of. Throws `engine_failed`. */
  async prepare(picture: DecodedPicture): Promise<PreparedPicture> {
    const native = this.#native;
    const bitmap = native.mtmdBitmapInit(picture.width, picture.height, picture.rgb) as Pointer;
    const chunks = native.mtmdChunksInit() as Pointer;
    try {
      const text = native.mtmdDefaultMarker() as string;
      const input = { text, text_len: Buffer.byteLength(text), add_special: false, parse_special: true };
      const status = await callAsync<number>(native.mtmdTokenize, this.#pointer, chunks, input, [bitmap], 1);
      if (status !== 0) throw makeError('engine_failed', { reason: `the picture could not be prepared (${status})` });
      return new PreparedPicture(native, chunks, this.#segments(chunks));
    } catch (error) {
      native.mtmdChunksFree(chunks);
      throw error;
    } finally {
      native.mtmdBitmapFree(bitmap);
    }
  }

  /** One piece at a time: the projector has one output buffer. Runs on another thread. Throws `engine_failed`. */
  async encode(segment: Extract<PictureSegment, { kind: 'picture' }>): Promise<Float32Array> {
    const native = this.#native;
    const status = await callAsync<number>(native.mtmdEncode, this.#pointer, segment.chunk);
    if (status !== 0) throw makeError('engine_failed', { reason: `the picture could not be encoded (${status})` });
    const bytes = segment.count * this.#model.inputEmbeddingSize * 4;
    return new Float32Array(koffi.view(native.mtmdEmbeddings(this.#pointer), bytes)).slice();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#native.mtmdFree(this.#pointer);
  }

  #segments(chunks: Pointer): PictureSegment[] {
    const native = this.#native;
    const size = Number(native.mtmdChunksSize(chunks));
    return Array.from({ length: size }, (_, index): PictureSegment => {
      const chunk = native.mtmdChunksGet(chunks, index) as Pointer;
      const count = Number(native.mtmdChunkTokens(chunk));
      const type = native.mtmdChunkType(chunk) as number;
      if (type === textChunk) {
        const view: unknown = native.mtmdChunkTextTokens(chunk, [0]);
        return { kind: 'tokens', tokens: new Int32Array(koffi.view(view, count * 4)).slice() };
      }
      if (type !== imageChunk) throw makeError('engine_failed', { reason: 'the projector made no picture of it' });
      return {
        kind: 'picture',
        count,
        positions: native.mtmdChunkPositions(chunk) as number,
        grid: this.#usesMrope ? this.#grid(chunk, count) : undefined,
        isCausal: !(native.mtmdUsesNonCausal(this.#pointer, chunk) as boolean),
        chunk,
      };
    });
  }

  #grid(chunk: Pointer, count: number): Int32Array {
    const image = this.#native.mtmdChunkImage(chunk) as Pointer;
    const grid = new Int32Array(3 * count);
    for (let index = 0; index < count; index++) {
      const { t, y, x } = this.#native.mtmdImagePosition(image, 0, index) as { t: number; x: number; y: number };
      grid[index] = t;
      grid[count + index] = y;
      grid[2 * count + index] = x;
    }
    return grid;
  }
}

/** Holds native memory until it is disposed of. */
export class PreparedPicture {
  readonly segments: readonly PictureSegment[];
  readonly #native: NativeFunctions;
  readonly #chunks: Pointer;
  #disposed = false;

  constructor(native: NativeFunctions, chunks: Pointer, segments: PictureSegment[]) {
    this.#native = native;
    this.#chunks = chunks;
    this.segments = segments;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#native.mtmdChunksFree(this.#chunks);
  }
}

function unusable(reason: string): Error {
  return makeError('model_file_invalid', { file: 'The projector', reason });
}
