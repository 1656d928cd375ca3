/** Turns pictures into what stands for them in a prompt; each picture is encoded once as long as it is remembered. */
import { makeError } from '../../../core/errors.ts';
import type { DecodedPicture } from '../../../core/perception.ts';
import type { PictureSegment, PreparedPicture } from '../../native/projector.ts';
import { Turnstile } from '../../scheduler/turnstile.ts';
import { PictureCache } from './picture-cache.ts';

/** The native projector, or the one of the tests. */
export interface Projector {
  prepare(picture: DecodedPicture): Promise<Pick<PreparedPicture, 'segments' | 'dispose'>>;
  encode(segment: PieceOf<PictureSegment>): Promise<Float32Array>;
  dispose(): void;
}

type PieceOf<Segment> = Extract<Segment, { kind: 'picture' }>;

/** A picture of which only the size in a prompt is known yet. */
export type MeasuredPicture = {
  /** The same for the same pixels. */
  key: string;
  segments: readonly MeasuredSegment[];
};
export type MeasuredSegment =
  | { kind: 'tokens'; tokens: Int32Array }
  | { kind: 'picture'; count: number; positions: number; grid: Int32Array | undefined; isCausal: boolean };

type Known = { measured: MeasuredPicture; embeddings: Float32Array[]; sizeBytes: number };
type Encoding = { result: Promise<Float32Array[]>; waiting: number; isAbandoned: boolean };

export type EncoderStatistics = { encoded: number; fromCache: number; cacheBytes: number };

export class PictureEncoder {
  readonly #projector: Projector;
  readonly #cache: PictureCache<Known>;
  readonly #measured = new PictureCache<{ measured: MeasuredPicture; sizeBytes: number }>(4 * 1024 * 1024);
  readonly #encodings = new Map<string, Encoding>();
  readonly #oneAtATime = new Turnstile();
  #encoded = 0;
  #fromCache = 0;
  #disposed = false;

  constructor(projector: Projector, cacheBytes: number) {
    this.#projector = projector;
    this.#cache = new PictureCache(cacheBytes);
  }

  statistics(): EncoderStatistics {
    return { encoded: this.#encoded, fromCache: this.#fromCache, cacheBytes: this.#cache.sizeBytes };
  }

  /** How many tokens the picture takes, without encoding it. Throws `engine_failed`. */
  async measure(picture: DecodedPicture): Promise<MeasuredPicture> {
    const key = keyOf(picture);
    const known = this.#cache.get(key)?.measured ?? this.#measured.get(key)?.measured;
    if (known !== undefined) return known;
    const prepared = await this.#alone(() => this.#projector.prepare(picture));
    const measured = { key, segments: prepared.segments.map((segment) => measuredSegment(segment)) };
    prepared.dispose();
    this.#measured.set(key, { measured, sizeBytes: sizeOf(measured) });
    return measured;
  }

  /**
   * Embeddings of the pieces of the picture, in order. Whoever waits may leave by the signal; a native call that has begun
   * goes on, and its result is kept for the next question. Throws `engine_failed`.
   */
  async encode(picture: DecodedPicture, measured: MeasuredPicture, signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const known = this.#cache.get(measured.key);
    if (known !== undefined) {
      this.#fromCache++;
      return known.embeddings;
    }
    const encoding = this.#encodings.get(measured.key) ?? this.#begin(picture, measured);
    encoding.waiting++;
    encoding.isAbandoned = false;
    let onAbort = (): void => {};
    const left = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([encoding.result, left]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      encoding.waiting--;
      if (encoding.waiting === 0) encoding.isAbandoned = true;
    }
  }

  /** Waits for the native call in progress, then frees the projector. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const release = await this.#oneAtATime.enter();
    this.#projector.dispose();
    release();
  }

  #begin(picture: DecodedPicture, measured: MeasuredPicture): Encoding {
    const encoding: Encoding = { result: Promise.resolve([]), waiting: 0, isAbandoned: false };
    encoding.result = this.#run(picture, measured, encoding).finally(() => this.#encodings.delete(measured.key));
    encoding.result.catch(() => {});
    this.#encodings.set(measured.key, encoding);
    return encoding;
  }

  async #run(picture: DecodedPicture, measured: MeasuredPicture, encoding: Encoding): Promise<Float32Array[]> {
    return this.#alone(async () => {
      const prepared = await this.#projector.prepare(picture);
      try {
        const embeddings: Float32Array[] = [];
        for (const segment of prepared.segments) {
          if (segment.kind !== 'picture') continue;
          // Between two tiles of a picture that nobody waits for any more.
          if (encoding.isAbandoned) throw makeError('client_closed', {});
          embeddings.push(await this.#projector.encode(segment));
        }
        this.#encoded++;
        const sizeBytes = embeddings.reduce((sum, each) => sum + each.byteLength, 0) + sizeOf(measured);
        this.#cache.set(measured.key, { measured, embeddings, sizeBytes });
        return embeddings;
      } finally {
        prepared.dispose();
      }
    });
  }

  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const release = await this.#oneAtATime.enter();
    try {
      if (this.#disposed) throw makeError('engine_unavailable', { reason: 'the vision module was unloaded' });
      return await work();
    } finally {
      release();
    }
  }
}

/** Scaled to another size it is another picture to the model. */
function keyOf({ sha256, width, height }: DecodedPicture): string {
  return `${sha256}:${width}x${height}`;
}

function measuredSegment(segment: PictureSegment): MeasuredSegment {
  if (segment.kind === 'tokens') return segment;
  const { kind, count, positions, grid, isCausal } = segment;
  return { kind, count, positions, grid, isCausal };
}

function sizeOf({ segments }: MeasuredPicture): number {
  return segments.reduce(
    (sum, segment) =>
      sum + 64 + (segment.kind === 'tokens' ? segment.tokens.byteLength : (segment.grid?.byteLength ?? 0)),
    0,
  );
}
