import type { TranscriptSegment } from '../../../../core/perception.ts';
import { speechRate } from '../audio/decode-audio.ts';
import type { SampleStream } from '../sample-stream.ts';
import type { VoiceActivityModel } from '../voice-activity.ts';
import { findUtterances } from './find-utterances.ts';
import type { SenseVoiceModel } from './sense-voice-model.ts';
import { segmentsOf } from './utterance-segments.ts';

export type SenseVoiceRequest = {
  /** Absent: the model says for each utterance which language it is. */
  language?: string;
  words: boolean;
  fromSeconds: number;
  signal: AbortSignal;
};
export type SenseVoiceEvents = {
  /** Of the first utterance, where none was declared. */
  onLanguage(language: string, probability: number): void;
  onSegment(segment: TranscriptSegment): void;
  onProgress(heardSeconds: number): void;
};

/** Hears a recording an utterance at a time: its memory does not grow with the length. */
export async function hearBySenseVoice(
  model: SenseVoiceModel,
  voice: VoiceActivityModel,
  stream: SampleStream,
  request: SenseVoiceRequest,
  events: SenseVoiceEvents,
): Promise<void> {
  const { signal, language, words } = request;
  const fromSample = Math.round(request.fromSeconds * speechRate);
  const step = 30 * speechRate;
  // In steps, so that what nobody needs is not kept.
  for (let skipped = 0; skipped < fromSample && !stream.ended; skipped += step) {
    await stream.fill(Math.min(skipped, fromSample), signal);
    stream.forgetBefore(Math.min(skipped, fromSample));
  }
  let isKnown = language !== undefined;
  const onProgress = (sample: number): void => events.onProgress(Math.min(sample, stream.arrived) / speechRate);
  for await (const { start, end, speechProbability } of findUtterances(voice, stream, {
    fromSample,
    signal,
    onProgress,
  })) {
    const heard = await model.hear(stream.copy(start, end), language);
    // Music and noise have a mark of their own there, and no words.
    if (!isKnown && heard.language !== undefined && model.languages.includes(heard.language)) {
      isKnown = true;
      events.onLanguage(heard.language, heard.languageProbability);
    }
    const times = { start: start / speechRate, end: end / speechRate, speechProbability, words };
    for (const segment of segmentsOf(heard, model.tokens, { ...times, stepSeconds: model.stepSeconds })) {
      events.onSegment(segment);
    }
    onProgress(end);
  }
}
