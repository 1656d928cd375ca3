import { encoderSamples } from '../../../../models/whisper/encoder-graph.ts';
import { hopSamples } from '../../../../models/whisper/mel-filters.ts';
import { firstSpecialToken, textCandidates } from '../../../../models/whisper/whisper-tokens.ts';
import type { InPlaceSession, NativeTensor, NativeTensors } from '../../../native/onnx-in-place.ts';

/** What every decoder layer attends to, by the names of the decoder's inputs. */
export type HeardSound = NativeTensors;

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

export type WhisperDimensions = {
  layers: number;
  heads: number;
  headSize: number;
  audioPositions: number;
  textPositions: number;
  vocabulary: number;
  /** Heads whose attention follows the sound in time. */
  alignmentHeads: number;
};

/** The two graphs and the cache of one search at a time. */
export class WhisperModel {
  readonly #encoder: InPlaceSession;
  readonly #decoder: InPlaceSession;
  readonly #dimensions: WhisperDimensions;
  readonly #cache: { name: string; data: Float32Array }[];
  readonly #sound: HeardSound;
  readonly mostBeams: number;

  constructor(encoder: InPlaceSession, decoder: InPlaceSession, dimensions: WhisperDimensions, mostBeams: number) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#dimensions = dimensions;
    this.mostBeams = mostBeams;
    const { layers, heads, headSize, audioPositions } = dimensions;
    const names = Array.from({ length: layers }, (_, layer) => [`key_${layer}`, `value_${layer}`]).flat();
    this.#cache = names.map((name) => ({ name, data: new Float32Array(mostBeams * this.#slotSize) }));
    this.#sound = Object.fromEntries(
      Array.from({ length: layers }, (_, layer) => [
        [`cross_key_${layer}`, emptyTensor([heads, audioPositions, headSize])],
        [`cross_value_${layer}`, emptyTensor([heads, headSize, audioPositions])],
      ]).flat() as [string, NativeTensor][],
    );
  }

  get textPositions(): number {
    return this.#dimensions.textPositions;
  }

  /**
   * @param audio `encoderSamples` samples: half a window before the 30 s, and after them
   * @param samples how many of the 30 s hold sound
   * @returns valid until the next call: its memory is used again
   */
  async hear(audio: Float32Array, samples: number): Promise<HeardSound> {
    const frames = int64Tensor([Math.floor(samples / hopSamples)]);
    await this.#encoder.run({ audio: { data: audio, dims: [1, 1, encoderSamples] }, frames }, this.#sound);
    return this.#sound;
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
    return { scores: readScores(results), logits: rowsOf(results, 'logits') };
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
    return { scores: readScores(results), logits: rowsOf(results, 'logits') };
  }

  /** Attention of the alignment heads over the sound: `[heads, tokens, positions]`, and the logits after each token. */
  async align(
    sound: HeardSound,
    tokens: readonly number[],
  ): Promise<{ attention: { data: Float32Array; dims: readonly number[] }; logits: Float32Array[] }> {
    const rows = tokens.map((_, index) => index);
    const results = await this.#run(sound, [tokens], 0, rows, ['alignment', 'logits']);
    return { attention: floats(results, 'alignment'), logits: rowsOf(results, 'logits') };
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

  dispose(): void {
    this.#encoder.dispose();
    this.#decoder.dispose();
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
    further: readonly ('logits' | 'alignment')[],
  ): Promise<NativeTensors> {
    const { heads, headSize, textPositions, audioPositions, vocabulary, alignmentHeads } = this.#dimensions;
    const beams = tokens.length;
    const length = tokens[0]?.length ?? 0;
    const inputs: Record<string, NativeTensor> = {
      ...sound,
      tokens: int64Tensor(tokens.flat(), [beams, length]),
      positions: int64Tensor(Array.from({ length }, (_, index) => position + index)),
      rows: int64Tensor(wanted),
      last_position: int32Tensor(Array.from({ length: beams }, () => position + length - 1)),
      places: int32Tensor([position + length]),
    };
    const results: Record<string, NativeTensor> = {
      text_scores: emptyTensor([wanted.length, textCandidates]),
      text_tokens: { data: new BigInt64Array(wanted.length * textCandidates), dims: [wanted.length, textCandidates] },
      text_total: emptyTensor([wanted.length, 1]),
      special_logits: emptyTensor([wanted.length, vocabulary - firstSpecialToken]),
    };
    if (further.includes('logits')) results['logits'] = emptyTensor([wanted.length, vocabulary]);
    if (further.includes('alignment')) {
      results['alignment'] = emptyTensor([alignmentHeads, beams * length, audioPositions]);
    }
    const outputs = { ...results };
    for (const { name, data } of this.#cache) {
      // The same memory in and out: the new keys and values are written in place.
      const part = data.subarray(0, beams * this.#slotSize);
      const tensor = { data: part, dims: [beams, heads, textPositions, headSize] };
      inputs[`past_${name}`] = tensor;
      outputs[`present_${name}`] = tensor;
    }
    await this.#decoder.run(inputs, outputs);
    return results;
  }
}

function readScores(results: NativeTensors): StepScores[] {
  const specials = rowsOf(results, 'special_logits');
  const totals = floats(results, 'text_total').data;
  const tokens = results['text_tokens']?.data as BigInt64Array;
  return rowsOf(results, 'text_scores').map((textLogits, row) => ({
    textTokens: Array.from(tokens.subarray(row * textLogits.length, (row + 1) * textLogits.length), Number),
    textLogits,
    textTotal: totals[row] as number,
    specialLogits: specials[row] as Float32Array,
  }));
}

function floats(results: NativeTensors, name: string): { data: Float32Array; dims: readonly number[] } {
  return results[name] as { data: Float32Array; dims: readonly number[] };
}

function rowsOf(results: NativeTensors, name: string): Float32Array[] {
  const { data, dims } = floats(results, name);
  const [rows, columns] = dims as [number, number];
  return Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns));
}

function emptyTensor(dims: readonly number[]): NativeTensor {
  return { data: new Float32Array(dims.reduce((product, each) => product * each, 1)), dims };
}

function int64Tensor(values: readonly number[], dims: readonly number[] = [values.length]): NativeTensor {
  return { data: BigInt64Array.from(values, BigInt), dims };
}

function int32Tensor(values: readonly number[]): NativeTensor {
  return { data: Int32Array.from(values), dims: [values.length] };
}

/** Logit of a special token. */
export function specialLogit(scores: StepScores, token: number): number {
  return scores.specialLogits[token - firstSpecialToken] as number;
}
