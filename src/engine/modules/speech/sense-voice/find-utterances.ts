import type { SampleStream } from '../sample-stream.ts';
import { frameSamples, type VoiceActivityModel } from '../voice-activity.ts';

/** Places in the recording, in samples at 16 kHz. */
export type Utterance = {
  start: number;
  end: number;
  /** Mean over its frames. */
  speechProbability: number;
};

const sampleRate = 16_000;
/** Silero's own: speech begins above the one and ends below the other. */
const beginsAt = 0.5;
const endsBelow = 0.35;
const pauseFrames = frames(0.6);
const paddingSamples = 0.2 * sampleRate;
/** What the model was trained on is hardly longer; and the longest one must lie in memory. */
const mostFrames = frames(28);
/** Of a longer one, the frame in this last part in which speech is least likely is its end. */
const lookBackFrames = frames(8);
const progressFrames = frames(15);

/** Speech between pauses, as it comes; what lies before the present utterance is forgotten. */
export async function* findUtterances(
  voice: Pick<VoiceActivityModel, 'listen'>,
  stream: SampleStream,
  options: { fromSample: number; signal: AbortSignal; onProgress(sample: number): void },
): AsyncGenerator<Utterance> {
  const { signal } = options;
  const activity = voice.listen();
  let probabilities: number[] = [];
  let silent = 0;
  /** First frame of the present utterance. */
  let start: number | undefined;
  /** Nothing before it is heard again. */
  let done = options.fromSample;
  const cut = (first: number, end: number): Utterance => {
    const heard = probabilities.slice(0, Math.max(1, Math.round((end - first) / frameSamples)));
    const [from, to] = [Math.max(done, first - paddingSamples), Math.min(end + paddingSamples, stream.arrived)];
    done = end;
    return { start: from, end: to, speechProbability: heard.reduce((sum, each) => sum + each, 0) / heard.length };
  };
  for (let place = options.fromSample, frame = 0; ; place += frameSamples, frame++) {
    signal.throwIfAborted();
    await stream.fill(place + frameSamples + paddingSamples, signal);
    stream.forgetBefore((start ?? place) - paddingSamples);
    if (frame % progressFrames === 0) options.onProgress(place);
    if (place >= stream.arrived) break;
    const probability = await activity.hear(stream.copy(place, place + frameSamples));
    if (start === undefined) {
      if (probability < beginsAt) continue;
      [start, probabilities, silent] = [place, [], 0];
    }
    probabilities.push(probability);
    silent = probability < endsBelow ? silent + 1 : 0;
    if (silent >= pauseFrames) {
      yield cut(start, place - (silent - 1) * frameSamples);
      start = undefined;
    } else if (probabilities.length >= mostFrames) {
      const late = probabilities.slice(-lookBackFrames);
      const quietest = probabilities.length - late.length + late.indexOf(Math.min(...late));
      const end = start + quietest * frameSamples;
      yield cut(start, end);
      [start, probabilities] = [end, probabilities.slice(quietest)];
    }
  }
  if (start !== undefined) yield cut(start, stream.arrived);
}

function frames(seconds: number): number {
  return Math.round((seconds * sampleRate) / frameSamples);
}
