import { deflateSync } from 'node:zlib';
import {
  endOfText,
  firstTimestamp,
  noSpeech,
  startOfPrevious,
  startOfTranscript,
} from '../../../../models/whisper/whisper-tokens.ts';
import { beamSearch, type Hypothesis } from './beam-search.ts';
import { sample } from './sampling.ts';
import type { Vocabulary } from './vocabulary.ts';
import type { HeardSound, WhisperModel } from './whisper-model.ts';

export type WindowRequest = {
  sound: HeardSound;
  /** Tokens of what was said before, or of the prompt; the newest are kept. */
  previous: readonly number[];
  /** Language token. */
  language: number;
  /** Transcribe or translate. */
  task: number;
  /** 0: beam search, and sampling only where that fails. */
  temperature: number;
  signal: AbortSignal;
};
export type WindowResult = {
  tokens: number[];
  averageLogprob: number;
  compressionRatio: number;
  noSpeechProbability: number;
  temperature: number;
};

/** The thresholds are those of OpenAI's Whisper. */
export const mostCompression = 2.4;
export const leastLogprob = -1;
export const noSpeechThreshold = 0.6;
const temperatures = [0, 0.2, 0.4, 0.6, 0.8, 1];
const beams = 5;
const samplingTries = 5;

/** One window of at most 30 s → tokens with timestamps; tried again at higher temperatures where the answer is poor. */
export async function decodeWindow(
  model: WhisperModel,
  vocabulary: Vocabulary,
  suppressed: ReadonlySet<number>,
  request: WindowRequest,
): Promise<WindowResult> {
  const { sound, signal, temperature: lowest } = request;
  const start = [startOfTranscript, request.language, request.task];
  const half = model.textPositions / 2;
  const kept = request.previous.slice(-(half - 1)).filter((token) => token < endOfText || token >= firstTimestamp);
  const prompt = kept.length > 0 ? [startOfPrevious, ...kept, ...start] : start;
  const mostTokens = Math.min(half, model.textPositions - prompt.length);
  const results: WindowResult[] = [];
  for (const temperature of [lowest, ...temperatures.filter((each) => each > lowest)]) {
    const { scores, logits } = await model.prefill(sound, prompt, [prompt.length - 3, prompt.length - 1]);
    const noSpeechProbability = probability(logits[0] as Float32Array, noSpeech);
    const common = {
      sound,
      promptLength: prompt.length,
      scores: scores[1] as (typeof scores)[number],
      mostTokens,
      signal,
    };
    const hypothesis: Hypothesis =
      temperature === 0
        ? await beamSearch(model, beams, common)
        : await sample(model, {
            ...common,
            logits: logits[1] as Float32Array,
            temperature,
            tries: samplingTries,
            suppressed,
          });
    const result = {
      tokens: hypothesis.tokens,
      averageLogprob: hypothesis.logprob / (hypothesis.tokens.length + 1),
      compressionRatio: compressionRatio(vocabulary.decode(hypothesis.tokens).trim()),
      noSpeechProbability,
      temperature,
    };
    results.push(result);
    if (isGood(result)) return result;
  }
  const readable = results.filter((each) => each.compressionRatio <= mostCompression);
  const candidates = readable.length > 0 ? readable : results;
  return candidates.reduce((best, each) => (each.averageLogprob > best.averageLogprob ? each : best));
}

function isGood(result: WindowResult): boolean {
  const isSilence = result.noSpeechProbability > noSpeechThreshold && result.averageLogprob < leastLogprob;
  if (isSilence) return true;
  return result.compressionRatio <= mostCompression && result.averageLogprob >= leastLogprob;
}

/** A text that repeats itself packs far better than speech does. */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length / deflateSync(bytes).length;
}

export function probability(logits: Float32Array, token: number): number {
  const largest = logits.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, each) => sum + Math.exp(each - largest), 0);
  return Math.exp((logits[token] as number) - largest) / total;
}
