import type { TranscriptSegment, TranscriptWord } from '../../../../core/perception.ts';
import { encoderSamples } from '../../../../models/whisper/encoder-graph.ts';
import { sampleRateHz, windowSamples } from '../../../../models/whisper/mel-filters.ts';
import {
  endOfText,
  firstLanguage,
  languageCount,
  startOfTranscript,
  transcribeToken,
  translateToken,
} from '../../../../models/whisper/whisper-tokens.ts';
import type { SampleStream } from '../sample-stream.ts';
import { findSpeech, type VoiceActivityModel } from '../voice-activity.ts';
import { decodeWindow, leastLogprob, noSpeechThreshold } from './decode-window.ts';
import type { Vocabulary } from './vocabulary.ts';
import { specialLogit, type HeardSound, type WhisperModel } from './whisper-model.ts';
import { splitWindow, type WindowSegment } from './window-segments.ts';
import { timeWords, type TimedWord } from './word-times.ts';

export type StreamRequest = {
  /** Token number; absent: detected in the first window with speech. */
  language?: number;
  translate: boolean;
  prompt?: string;
  words: boolean;
  temperature: number;
  /** What lies before is only decoded. */
  fromSeconds: number;
  signal: AbortSignal;
};
export type StreamEvents = {
  /** Where none was asked for. @returns false where somebody else shall hear this language */
  onLanguage(language: string, probability: number): boolean;
  onSegment(segment: TranscriptSegment): void;
  onProgress(heardSeconds: number): void;
};
export type StreamParts = {
  model: WhisperModel;
  vocabulary: Vocabulary;
  suppressed: ReadonlySet<number>;
  voice: VoiceActivityModel;
};

const windowSize = 30 * sampleRateHz;
/** Half an analysis window, which the first and the last frame need beside the 30 s. */
const marginSamples = windowSamples / 2;
/** Silence at the start of a window that is worth jumping over. */
const jumpSamples = sampleRateHz;
/** What was said before helps the next window, unless that had to be guessed at this temperature or above. */
const forgetAtTemperature = 0.5;
const mostPreviousTokens = 223;

/**
 * Hears a stream in windows of 30 s, each beginning where the last whole segment ended, and jumps over silence.
 *
 * @returns where somebody else shall go on, in seconds; `undefined` where all was heard
 */
export async function transcribeStream(
  parts: StreamParts,
  stream: SampleStream,
  request: StreamRequest,
  events: StreamEvents,
): Promise<number | undefined> {
  const { model, vocabulary, voice } = parts;
  const { signal } = request;
  let language = request.language;
  let previous = request.prompt === undefined ? [] : vocabulary.encode(` ${request.prompt.trim()}`);
  const task = request.translate ? translateToken : transcribeToken;
  const from = Math.round(request.fromSeconds * sampleRateHz);
  // In steps, so that what nobody needs is not kept.
  for (let skipped = 0; skipped < from && !stream.ended; skipped += windowSize) {
    await stream.fill(Math.min(skipped, from), signal);
    stream.forgetBefore(Math.min(skipped, from) - marginSamples);
  }
  for (let seek = from; ;) {
    signal.throwIfAborted();
    await stream.fill(seek + windowSize + marginSamples, signal);
    stream.forgetBefore(seek - marginSamples);
    events.onProgress(seek / sampleRateHz);
    const size = Math.min(windowSize, stream.arrived - seek);
    if (size <= 0) return undefined;
    const speech = await findSpeech(voice, stream, seek, seek + size);
    if (speech === undefined || speech > seek + jumpSamples) {
      seek = speech ?? seek + size;
      continue;
    }
    const sound = await model.hear(windowAt(stream, seek, size), size);
    if (language === undefined) {
      const detected = await detectLanguage(parts, sound);
      if (!events.onLanguage(detected.code, detected.probability)) return seek / sampleRateHz;
      language = detected.token;
    }
    const result = await decodeWindow(model, vocabulary, parts.suppressed, {
      sound,
      previous,
      language,
      task,
      temperature: request.temperature,
      signal,
    });
    const isSilence = result.noSpeechProbability > noSpeechThreshold && result.averageLogprob <= leastLogprob;
    if (isSilence) {
      seek += size;
      continue;
    }
    const split = splitWindow(result.tokens, size / sampleRateHz);
    const offset = seek / sampleRateHz;
    const code = vocabulary.languages[language - firstLanguage] ?? 'en';
    const words = request.words
      ? await timeWords(model, vocabulary, sound, {
          start: [startOfTranscript, language, task],
          text: split.segments.flatMap(({ tokens }) => textOf(tokens)),
          language: code,
          windowSeconds: size / sampleRateHz,
        })
      : undefined;
    const queue = words?.slice();
    for (const segment of split.segments) {
      const text = vocabulary.decode(segment.tokens);
      const own = queue === undefined ? undefined : takeWords(queue, segment, offset);
      if (segment.start === segment.end || text.trim() === '') continue;
      previous = [...previous, ...segment.tokens].slice(-mostPreviousTokens);
      events.onSegment({
        text,
        start: offset + segment.start,
        end: Math.min(offset + segment.end, stream.arrived / sampleRateHz),
        averageLogprob: result.averageLogprob,
        noSpeechProbability: result.noSpeechProbability,
        compressionRatio: result.compressionRatio,
        temperature: result.temperature,
        tokens: segment.tokens,
        ...(own === undefined ? {} : { words: own }),
      });
    }
    if (result.temperature > forgetAtTemperature) previous = [];
    const advance = Math.round(split.advance * sampleRateHz);
    seek += advance > 0 ? Math.min(advance, size) : size;
  }
}

function windowAt(stream: SampleStream, seek: number, size: number): Float32Array {
  const audio = stream.copy(seek - marginSamples, seek - marginSamples + encoderSamples);
  // Nothing was recorded before the start: the first samples are mirrored, as in training.
  if (seek === 0)
    for (let index = 1; index <= marginSamples; index++)
      audio[marginSamples - index] = audio[marginSamples + index] ?? 0;
  audio.fill(0, Math.min(audio.length, marginSamples + size));
  return audio;
}

async function detectLanguage(
  parts: StreamParts,
  sound: HeardSound,
): Promise<{ token: number; code: string; probability: number }> {
  const { scores } = await parts.model.prefill(sound, [startOfTranscript], [0]);
  const [first] = scores;
  if (first === undefined) throw new Error('no scores');
  const logits = Array.from({ length: languageCount }, (_, index) => specialLogit(first, firstLanguage + index));
  const largest = Math.max(...logits);
  const total = logits.reduce((sum, each) => sum + Math.exp(each - largest), 0);
  const best = logits.indexOf(largest);
  return { token: firstLanguage + best, code: parts.vocabulary.languages[best] ?? 'en', probability: 1 / total };
}

function textOf(tokens: readonly number[]): number[] {
  return tokens.filter((token) => token < endOfText);
}

/** The words of one segment, taken from the front of the window's. */
function takeWords(queue: TimedWord[], segment: WindowSegment, offset: number): TranscriptWord[] {
  let left = textOf(segment.tokens).length;
  const words: TranscriptWord[] = [];
  while (left > 0 && queue.length > 0) {
    const word = queue.shift() as TimedWord;
    left -= word.tokens;
    const text = word.text;
    words.push({ text, start: offset + word.start, end: offset + word.end, probability: word.probability });
  }
  return words;
}
