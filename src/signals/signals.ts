import type { GenerationRequest } from '../core/chat.ts';
import { estimateComplexity, type ComplexitySignal } from './complexity/estimate-complexity.ts';
import { detectPrivacy, type PrivacyOptions, type PrivacyVerdict } from './privacy/detect.ts';
import { normalise, normaliseLower } from './privacy/normalise.ts';
import { requestSegments, type ReadText, type UncheckedPart } from './request-segments.ts';
import { measureSize, type SizeSignal } from './size.ts';
import { classifyTask, type TaskSignal } from './task/classify-task.ts';

export type SignalOptions = {
  privacy?: PrivacyOptions;
  /** What was read from pictures and heard in speech. A part without a text here is unchecked. */
  readTexts?: readonly ReadText[];
  /** Whether a part that nobody read makes the request private. Default true: what cannot be checked does not leave. */
  uncheckedIsPrivate?: boolean;
};

export type PrivacySignal = PrivacyVerdict & { unchecked: UncheckedPart[] };

/** Everything that routing knows about a request. Holds no content, so it may be shown, stored and logged. */
export type Signals = {
  privacy: PrivacySignal;
  task: TaskSignal;
  complexity: ComplexitySignal;
  size: SizeSignal;
};

/** Only the ends of a long text say what is asked for; characters. */
const instructionLimit = 8_000;

/**
 * Computes all signals of a request. Pure: no clock, no I/O, no state. Throws when a detector does; the caller has to
 * treat that as private.
 */
export function computeSignals(request: GenerationRequest, options: SignalOptions = {}): Signals {
  const { segments, unchecked, newestUserText } = requestSegments(request, options.readTexts);
  // Read once for privacy and for what is asked; a long text is only looked at by its ends for the latter.
  const known =
    newestUserText.length > instructionLimit
      ? undefined
      : { original: newestUserText, normalised: normalise(newestUserText) };
  const verdict = detectPrivacy(segments, options.privacy, known);
  const level = unchecked.length > 0 && options.uncheckedIsPrivate !== false ? 'private' : verdict.level;
  const size = measureSize(request);
  const lower =
    known?.normalised.lower ??
    normaliseLower(newestUserText.slice(0, instructionLimit / 2) + newestUserText.slice(-instructionLimit / 2));
  const newest =
    request.input.kind === 'chat' ? request.input.messages.findLast(({ role }) => role === 'user') : undefined;
  const holds = (type: 'image' | 'audio'): boolean => newest?.content.some((part) => part.type === type) === true;
  const task = classifyTask({ lower, hasImage: holds('image'), hasAudio: holds('audio') });
  const structured =
    request.responseFormat.type === 'json-schema' || (request.input.kind === 'chat' && request.input.tools.length > 0);
  const complexity = estimateComplexity({
    lower,
    conversationCharacters: size.characters,
    task: task.kind,
    structured,
  });
  return { privacy: { ...verdict, level, unchecked }, task, complexity, size };
}
