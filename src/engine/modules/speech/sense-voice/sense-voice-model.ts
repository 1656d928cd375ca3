import {
  filterBanks,
  readSenseVoiceShape,
  type SenseVoiceShape,
} from '../../../../models/sense-voice/sense-voice-file.ts';
import { openInPlaceSession, type InPlaceSession } from '../../../native/onnx-in-place.ts';
import { filterBankOf, frameSamples } from './filter-bank.ts';
import { TokenTable } from './token-table.ts';

/** What the model says of language, feeling, kind of sound and numbers stands before the text, a frame each. */
const answerFrames = 4;
const blank = 0;
const frameSeconds = 0.01;

export type HeardToken = {
  token: number;
  /** From the start of the samples. */
  seconds: number;
  logprob: number;
};
export type HeardUtterance = {
  /** As the model names it, for example `zh`, `NEUTRAL`, `Speech`; `undefined` where it names none. */
  language?: string;
  emotion?: string;
  event?: string;
  languageProbability: number;
  tokens: HeardToken[];
};

/** SenseVoiceSmall: a whole utterance at once, no decoder, the best token of each frame. */
export class SenseVoiceModel {
  readonly tokens: TokenTable;
  readonly #shape: SenseVoiceShape;
  readonly #session: InPlaceSession;
  /** Kept from call to call: half a minute is 50 MB. */
  #logits = new Float32Array(0);

  private constructor(shape: SenseVoiceShape, session: InPlaceSession, tokens: TokenTable) {
    this.#shape = shape;
    this.#session = session;
    this.tokens = tokens;
  }

  /** Throws `model_file_invalid`. */
  static async open(weights: string, tokens: string, options: { threads: number }): Promise<SenseVoiceModel> {
    const shape = await readSenseVoiceShape(weights);
    const table = await TokenTable.read(tokens, shape.vocabulary);
    return new SenseVoiceModel(shape, openInPlaceSession(weights, options), table);
  }

  get languages(): string[] {
    return [...this.#shape.languages.keys()].filter((code) => code !== 'auto');
  }

  /** Seconds between two frames of text. */
  get stepSeconds(): number {
    return this.#shape.shift * frameSeconds;
  }

  /**
   * @param samples 16 kHz, −1 to 1, at most some 30 s
   * @param language one of `languages`; absent: the model finds out
   */
  async hear(samples: Float32Array, language?: string): Promise<HeardUtterance> {
    const { vocabulary, languages, asWritten } = this.#shape;
    const input = framesOf(samples, this.#shape);
    const width = this.#shape.window * filterBanks;
    const frames = input.length / width;
    const rows = frames + answerFrames;
    if (this.#logits.length < rows * vocabulary) this.#logits = new Float32Array(rows * vocabulary);
    const logits = this.#logits.subarray(0, rows * vocabulary);
    const number = (value: number) => ({ data: Int32Array.of(value), dims: [1] });
    await this.#session.run(
      {
        x: { data: input, dims: [1, frames, width] },
        x_length: number(frames),
        language: number(languages.get(language ?? 'auto') ?? 0),
        text_norm: number(asWritten),
      },
      { logits: { data: logits, dims: [1, rows, vocabulary] } },
    );
    const row = (index: number): Float32Array => logits.subarray(index * vocabulary, (index + 1) * vocabulary);
    const best = Array.from({ length: rows }, (_, index) => indexOfLargest(row(index)));
    const tokens: HeardToken[] = [];
    for (let index = answerFrames; index < rows; index++) {
      const token = best[index] as number;
      if (token === blank || token === best[index - 1] || this.tokens.mark(token) !== undefined) continue;
      const seconds = (index - answerFrames) * this.stepSeconds;
      tokens.push({ token, seconds, logprob: logprobOf(row(index), token) });
    }
    const said = (index: number): string | undefined => this.tokens.mark(best[index] as number);
    const [found, emotion, event] = [said(0), said(1), said(2)];
    return {
      languageProbability: Math.exp(logprobOf(row(0), best[0] as number)),
      tokens,
      ...(found === undefined ? {} : { language: found }),
      ...(emotion === undefined ? {} : { emotion }),
      ...(event === undefined ? {} : { event }),
    };
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/**
 * `window` frames of the filter bank in one, every `shift`, with the mean taken out. Before the first frame it stands again for half
 * a window, and the last one after the end, as in FunASR (`WavFrontend.apply_lfr`) and sherpa-onnx from 2.0 on.
 */
export function framesOf(samples: Float32Array, shape: SenseVoiceShape): Float32Array {
  const { window, shift, negativeMean, inverseDeviation } = shape;
  const scaled = new Float32Array(Math.max(frameSamples, samples.length));
  samples.forEach((sample, index) => (scaled[index] = shape.normalised ? sample : sample * 32_768));
  const bank = filterBankOf(scaled);
  const given = bank.length / filterBanks;
  const before = (window - 1) >> 1;
  const width = window * filterBanks;
  const output = new Float32Array(Math.ceil(given / shift) * width);
  for (let index = 0; index < output.length; index++) {
    const [frame, place] = [Math.floor(index / width), index % width];
    const row = frame * shift + Math.floor(place / filterBanks) - before;
    const value = bank[Math.min(given - 1, Math.max(0, row)) * filterBanks + (place % filterBanks)] as number;
    output[index] = (value + (negativeMean[place] as number)) * (inverseDeviation[place] as number);
  }
  return output;
}

function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) > (values[best] as number)) best = index;
  }
  return best;
}

/** @param token the likeliest one */
function logprobOf(logits: Float32Array, token: number): number {
  const largest = logits[token] as number;
  let total = 0;
  for (const each of logits) total += Math.exp(each - largest);
  return -Math.log(total);
}
