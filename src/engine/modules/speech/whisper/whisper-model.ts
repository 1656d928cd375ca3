import type * as ort from 'onnxruntime-node';
import { encoderSamples } from '../../../../models/whisper/encoder-graph.ts';
import { firstSpecialToken } from '../../../../models/whisper/whisper-tokens.ts';
import { float32Tensor, int32Tensor, int64Tensor, type OnnxSession } from '../../../native/onnx-session.ts';

/** What every decoder layer attends to, by the names of the decoder's inputs. */
export type HeardSound = Record<string, ort.Tensor>;

/** Of one row of tokens. */
export type StepScores = {
  /** Best text tokens first, with their logits; suppressed ones are not among them. */
  textTokens: number[];
  textLogits: Float32Array;
  /** Log-sum-exp over all text tokens that may be written. */
  textTotal: number;
  /** Logits from `firstSpecialToken` on: the end, the languages, the timestamps. */
  specialLogits: Float32Array;
};

export type WhisperDimensions = { layers: number; heads: number; headSize: number; textPositions: number };

/** The two graphs and the cache of one search at a time. */
export class WhisperModel {
  readonly #encoder: OnnxSession;
  readonly #decoder: OnnxSession;
  readonly #dimensions: WhisperDimensions;
  readonly #cache: { name: string; data: Float32Array }[];
  readonly mostBeams: number;

  constructor(encoder: OnnxSession, decoder: OnnxSession, dimensions: WhisperDimensions, mostBeams: number) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#dimensions = dimensions;
    this.mostBeams = mostBeams;
    const names = Array.from({ length: dimensions.layers }, (_, layer) => [`key_${layer}`, `value_${layer}`]).flat();
    this.#cache = names.map((name) => ({ name, data: new Float32Array(mostBeams * this.#slotSize) }));
  }

  get textPositions(): number {
    return this.#dimensions.textPositions;
  }

  /** @param audio `encoderSamples` samples: half a window before the 30 s, and after them */
  async hear(audio: Float32Array): Promise<HeardSound> {
    const wanted = this.#encoder.outputNames.filter((name) => name.startsWith('cross_'));
    return this.#encoder.run({ audio: float32Tensor(audio, [1, 1, encoderSamples]) }, wanted);
  }

  /**
   * Reads `tokens` into the first place of the cache, from position 0.
   * @returns the scores after each of the rows `wanted`, and the logits of the whole vocabulary after them
   */
  async prefill(
    sound: HeardSound,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<{ scores: StepScores[]; logits: Float32Array[] }> {
    const results = await this.#run(sound, [tokens], 0, wanted, ['logits']);
    const logits = results['logits'] as ort.Tensor;
    return { scores: readScores(results), logits: rowsOf(logits) };
  }

  /** One token for each beam; beam `index` uses place `index` of the cache. */
  async step(sound: HeardSound, tokens: readonly number[], position: number): Promise<StepScores[]> {
    const rows = tokens.map((_, index) => index);
    return readScores(
      await this.#run(
        sound,
        tokens.map((token) => [token]),
        position,
        rows,
        [],
      ),
    );
  }

  /** As `step`, with the logits of the whole vocabulary. */
  async stepWithLogits(
    sound: HeardSound,
    tokens: readonly number[],
    position: number,
  ): Promise<{ scores: StepScores[]; logits: Float32Array[] }> {
    const rows = tokens.map((_, index) => index);
    const results = await this.#run(
      sound,
      tokens.map((token) => [token]),
      position,
      rows,
      ['logits'],
    );
    return { scores: readScores(results), logits: rowsOf(results['logits'] as ort.Tensor) };
  }

  /** Attention of the alignment heads over the sound: `[heads, tokens, positions]`, and the logits after each token. */
  async align(
    sound: HeardSound,
    tokens: readonly number[],
  ): Promise<{ attention: ort.Tensor; logits: Float32Array[] }> {
    const rows = tokens.map((_, index) => index);
    const results = await this.#run(sound, [tokens], 0, rows, ['alignment', 'logits']);
    return { attention: results['alignment'] as ort.Tensor, logits: rowsOf(results['logits'] as ort.Tensor) };
  }

  /** Makes place `to` of the cache the same as place `from`, as far as it is filled. */
  copyBeam(from: number, to: number, filledPositions: number): void {
    const { heads, headSize, textPositions } = this.#dimensions;
    for (const { data } of this.#cache) {
      for (let head = 0; head < heads; head++) {
        const source = from * this.#slotSize + head * textPositions * headSize;
        const target = to * this.#slotSize + head * textPositions * headSize;
        data.copyWithin(target, source, source + filledPositions * headSize);
      }
    }
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#decoder.dispose();
  }

  get #slotSize(): number {
    const { heads, headSize, textPositions } = this.#dimensions;
    return heads * headSize * textPositions;
  }

  async #run(
    sound: HeardSound,
    tokens: readonly (readonly number[])[],
    position: number,
    wanted: readonly number[],
    further: readonly string[],
  ): Promise<ort.InferenceSession.ReturnType> {
    const { heads, headSize, textPositions } = this.#dimensions;
    const beams = tokens.length;
    const length = tokens[0]?.length ?? 0;
    const feeds: Record<string, ort.Tensor> = {
      ...sound,
      tokens: int64Tensor(tokens.flat(), [beams, length]),
      positions: int64Tensor(Array.from({ length }, (_, index) => position + index)),
      rows: int64Tensor(wanted),
      last_position: int32Tensor(Array.from({ length: beams }, () => position + length - 1)),
      places: int32Tensor([position + length]),
    };
    const fetches: Record<string, ort.Tensor | null> = {};
    const names = ['text_scores', 'text_tokens', 'text_total', 'special_logits', ...further];
    for (const name of names) fetches[name] = null;
    for (const { name, data } of this.#cache) {
      // The same memory in and out: the new keys and values are written in place.
      const part = data.subarray(0, beams * this.#slotSize);
      const tensor = float32Tensor(part, [beams, heads, textPositions, headSize]);
      feeds[`past_${name}`] = tensor;
      fetches[`present_${name}`] = tensor;
    }
    return this.#decoder.run(feeds, fetches);
  }
}

function readScores(results: ort.InferenceSession.ReturnType): StepScores[] {
  const scores = rowsOf(results['text_scores'] as ort.Tensor);
  const specials = rowsOf(results['special_logits'] as ort.Tensor);
  const totals = (results['text_total'] as ort.Tensor).data as Float32Array;
  const tokens = (results['text_tokens'] as ort.Tensor).data as BigInt64Array;
  return scores.map((textLogits, row) => ({
    textTokens: Array.from(tokens.subarray(row * textLogits.length, (row + 1) * textLogits.length), Number),
    textLogits,
    textTotal: totals[row] as number,
    specialLogits: specials[row] as Float32Array,
  }));
}

function rowsOf(tensor: ort.Tensor): Float32Array[] {
  const [rows, columns] = tensor.dims as [number, number];
  const data = tensor.data as Float32Array;
  return Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns));
}

/** Logit of a special token. */
export function specialLogit(scores: StepScores, token: number): number {
  return scores.specialLogits[token - firstSpecialToken] as number;
}
