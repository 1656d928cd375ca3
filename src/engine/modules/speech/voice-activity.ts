import type { Tensor } from 'onnxruntime-node';
import { float32Tensor, int64Tensor, openOnnxSession, type OnnxSession } from '../../native/onnx-session.ts';
import type { SampleStream } from './sample-stream.ts';

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

/** One run of sound without gaps. */
export class VoiceActivity {
  readonly #session: OnnxSession;
  readonly #samples = new Float32Array(contextSamples + frameSamples);
  #state: Tensor = float32Tensor(new Float32Array(256), [2, 1, 128]);
  readonly #rate = int64Tensor([sampleRate], []);

  constructor(session: OnnxSession) {
    this.#session = session;
  }

  /** @param frame the next `frameSamples` samples; @returns the probability that somebody speaks in them */
  async hear(frame: Float32Array): Promise<number> {
    this.#samples.copyWithin(0, frameSamples);
    this.#samples.set(frame, contextSamples);
    const input = float32Tensor(this.#samples, [1, this.#samples.length]);
    const results = await this.#session.run({ input, state: this.#state, sr: this.#rate });
    const output = results['output'];
    const state = results['stateN'];
    if (output === undefined || state === undefined) throw new Error('the voice activity model lacks its outputs');
    this.#state = state;
    const [probability] = output.data as Float32Array;
    return probability ?? 0;
  }
}

/** Speech is likely from here on; below, silence is. */
const speechThreshold = 0.35;
/** Kept before and after speech, so that no first consonant is lost. */
const paddingSamples = 0.4 * sampleRate;

/**
 * First sample, with some before it, at which speech is heard within `[from, to)`; `undefined` where there is none. Listens no
 * further than that: to hear all of a recording takes a tenth of the time of writing it down.
 */
export async function findSpeech(
  model: Pick<VoiceActivityModel, 'listen'>,
  stream: Pick<SampleStream, 'copy'>,
  from: number,
  to: number,
): Promise<number | undefined> {
  const activity = model.listen();
  for (let start = from; start < to; start += frameSamples) {
    const probability = await activity.hear(stream.copy(start, start + frameSamples));
    if (probability >= speechThreshold) return Math.max(from, start - paddingSamples);
  }
  return undefined;
}
