import type { Tensor } from 'onnxruntime-node';
import { float32Tensor, int64Tensor, openOnnxSession, type OnnxSession } from '../../native/onnx-session.ts';

/** Silero's frame at 16 kHz, and the samples before it that it wants to see again. */
export const frameSamples = 512;
const contextSamples = 64;
const sampleRate = 16_000;

/** Silero VAD: sound in order → the probability of speech in each 32 ms. */
export class VoiceActivityModel {
  readonly #session: OnnxSession;

  private constructor(session: OnnxSession) {
    this.#session = session;
  }

  static async open(path: string): Promise<VoiceActivityModel> {
    // A frame is too small for a second thread to help.
    return new VoiceActivityModel(await openOnnxSession(path, { threads: 1 }));
  }

  listen(): VoiceActivity {
    return new VoiceActivity(this.#session);
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

/** One recording. Four bytes are kept for each 32 ms: 0.5 MB an hour. */
export class VoiceActivity {
  readonly #session: OnnxSession;
  readonly #frame = new Float32Array(contextSamples + frameSamples);
  #filled = 0;
  #state: Tensor = float32Tensor(new Float32Array(256), [2, 1, 128]);
  readonly #rate = int64Tensor([sampleRate], []);
  #probabilities = new Float32Array(1024);
  #count = 0;

  constructor(session: OnnxSession) {
    this.#session = session;
  }

  /** Frames that are complete so far. */
  get frames(): number {
    return this.#count;
  }

  async hear(samples: Float32Array): Promise<void> {
    let taken = 0;
    while (taken < samples.length) {
      const part = samples.subarray(taken, taken + (frameSamples - this.#filled));
      this.#frame.set(part, contextSamples + this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === frameSamples) await this.#frameDone();
    }
  }

  /** Probability of speech in the frame that holds a sample; 0 after the last whole frame. */
  probabilityAt(sample: number): number {
    return this.#probabilities[Math.floor(sample / frameSamples)] ?? 0;
  }

  async #frameDone(): Promise<void> {
    const input = float32Tensor(this.#frame, [1, this.#frame.length]);
    const results = await this.#session.run({ input, state: this.#state, sr: this.#rate });
    const output = results['output'];
    const state = results['stateN'];
    if (output === undefined || state === undefined) throw new Error('the voice activity model lacks its outputs');
    this.#state = state;
    if (this.#count === this.#probabilities.length) {
      const larger = new Float32Array(2 * this.#count);
      larger.set(this.#probabilities);
      this.#probabilities = larger;
    }
    const [probability] = output.data as Float32Array;
    this.#probabilities[this.#count++] = probability ?? 0;
    this.#frame.copyWithin(0, frameSamples);
    this.#filled = 0;
  }
}

/** Speech is likely from here on; below, silence is. */
const speechThreshold = 0.35;
/** Kept before and after speech, so that no first consonant is lost. */
const paddingSamples = 0.4 * sampleRate;

/** First sample, with some before it, at which speech is heard within `[from, to)`; `undefined` where there is none. */
export function findSpeech(
  activity: Pick<VoiceActivity, 'probabilityAt'>,
  from: number,
  to: number,
): number | undefined {
  for (let sample = from; sample < to; sample += frameSamples) {
    if (activity.probabilityAt(sample) >= speechThreshold) return Math.max(from, sample - paddingSamples);
  }
  return undefined;
}
