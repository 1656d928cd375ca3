import type { Transcript, TranscriptSegment } from '../../../core/perception.ts';
import { toSimplifiedChinese } from './simplified-chinese.ts';
import type { SpeechProgress, TranscribeRequest } from './speech-messages.ts';

/** What is written down of one recording, whoever hears it, and told on the way. */
export class HeardRecording {
  /** Catalogue id of who heard it. */
  model = '';
  language: string;
  readonly #request: TranscribeRequest;
  readonly #durationSeconds: number | undefined;
  readonly #tell: (progress: SpeechProgress) => void;
  readonly #segments: TranscriptSegment[] = [];
  #probability: number;

  constructor(
    request: TranscribeRequest,
    durationSeconds: number | undefined,
    tell: (progress: SpeechProgress) => void,
  ) {
    this.#request = request;
    this.#durationSeconds = durationSeconds;
    this.#tell = tell;
    this.language = request.language ?? 'en';
    this.#probability = request.language === undefined ? 0 : 1;
  }

  onLanguage(language: string, probability: number): void {
    this.language = language;
    this.#probability = probability;
    this.#tell({ type: 'language', language });
  }

  onSegment(found: TranscriptSegment): void {
    const { task, keepScript } = this.#request;
    const segment = this.language === 'zh' && task === 'transcribe' && !keepScript ? simplified(found) : found;
    this.#segments.push(segment);
    this.#tell({ type: 'segment', segment });
  }

  onProgress(seconds: number): void {
    const durationSeconds = this.#durationSeconds;
    this.#tell({ type: 'heard', seconds, ...(durationSeconds === undefined ? {} : { durationSeconds }) });
  }

  transcript(durationSeconds: number): Transcript {
    const text = this.#segments.map((segment) => segment.text).join('');
    return {
      text: text.trim(),
      language: this.language,
      languageProbability: this.#probability,
      durationSeconds,
      segments: this.#segments,
      model: this.model,
    };
  }
}

function simplified(segment: TranscriptSegment): TranscriptSegment {
  return {
    ...segment,
    text: toSimplifiedChinese(segment.text),
    ...(segment.words === undefined
      ? {}
      : { words: segment.words.map((word) => ({ ...word, text: toSimplifiedChinese(word.text) })) }),
  };
}
