/** From what the detectors say to what a decision needs. */
import type { Modality } from '../core/backend.ts';
import type { ChatMessage, EmbeddingRequest, GenerationRequest, RouteWishes } from '../core/chat.ts';
import { plainChat, plainRequest } from '../core/plain-request.ts';
import type { Policy } from './policy.ts';
import type { PrivacySignal, RouteSignals, RouteTarget } from './types.ts';
import { makeWordList, type WordList } from '../signals/privacy/word-list.ts';
import type { ReadText } from '../signals/request-segments.ts';
import type { SignalOptions, Signals } from '../signals/signals.ts';
import { measureSize, type SizeSignal } from '../signals/size.ts';

/** The detectors. The default is `computeSignals`. */
export type ComputeSignals = (request: GenerationRequest, options: SignalOptions) => Signals;

/** Assumed where a request does not limit its answer. */
const usualAnswerTokens = 256;

export type RequestFacts = {
  wishes: RouteWishes;
  forced?: RouteTarget;
  tainted: boolean;
  isEmbedding: boolean;
  hasTools: boolean;
  /** What OCR and speech recognition found in the request's parts. */
  readTexts?: readonly ReadText[];
  /** Why its parts count as unchecked although they were read. */
  uncheckedReason?: string;
  /** Kinds of parts that a model can also be given as text. */
  readable?: readonly Modality[];
};

let lastWords: { policyId: string; list: WordList } | undefined;

/** @param readTexts what OCR and speech recognition found in the request's parts */
export function signalOptions(policy: Policy, readTexts: readonly ReadText[] = []): SignalOptions {
  const { thresholds, privacy } = policy;
  const { topic_confidence: topicConfidence } = thresholds;
  if (privacy.words.length > 0 && lastWords?.policyId !== policy.id) {
    lastWords = { policyId: policy.id, list: makeWordList(privacy.words) };
  }
  const topics = ['health', 'finance', 'children', 'religion', 'sexuality', 'biometric', 'location', 'company-secret'];
  return {
    readTexts,
    uncheckedIsPrivate: privacy.unchecked === 'device',
    privacy: {
      identifierThreshold: thresholds.identifier_confidence,
      ...(topicConfidence === undefined
        ? {}
        : { topicThresholds: Object.fromEntries(topics.map((topic) => [topic, topicConfidence])) }),
      ...(privacy.words.length > 0 && lastWords !== undefined ? { wordList: lastWords.list } : {}),
    },
  };
}

export function routeSignals(signals: Signals, policy: Policy, facts: RequestFacts): RouteSignals {
  const { task, complexity, size } = signals;
  return {
    privacy: privacySignal(signals, policy, facts),
    task: task.kind,
    complexity: complexity.score,
    ...sizeFields(size, facts),
  };
}

/** Where the detectors failed: private, and as hard as can be. */
export function blindSignals(request: GenerationRequest, reason: string, facts: RequestFacts): RouteSignals {
  return {
    privacy: {
      complete: false,
      incompleteReason: reason,
      identifiers: [],
      topics: [],
      declared: facts.wishes.privacy !== undefined,
      tainted: facts.tainted,
    },
    task: 'chat',
    complexity: 1,
    ...sizeFields(measureSize(request), facts),
  };
}

function privacySignal({ privacy }: Signals, policy: Policy, facts: RequestFacts): PrivacySignal {
  const identifiers = privacy.findings.map(({ type, confidence }) => ({ type, confidence }));
  const topics = privacy.topics.map(({ topic, score }) => ({ topic, confidence: score }));
  const unchecked =
    privacy.unchecked.length > 0 ? `unchecked-${privacy.unchecked[0]?.kind ?? 'part'}` : facts.uncheckedReason;
  const isUnchecked = unchecked !== undefined && policy.privacy.unchecked !== 'open';
  // A verdict of "private" that names nothing is one that we do not understand.
  const isUnexplained =
    privacy.level !== 'public' && identifiers.length + topics.length + privacy.unchecked.length === 0;
  const incomplete = isUnchecked ? unchecked : isUnexplained ? 'detector-unclear' : undefined;
  return {
    complete: incomplete === undefined,
    ...(incomplete === undefined ? {} : { incompleteReason: incomplete }),
    identifiers,
    topics,
    // Any word there, also one of a later version, makes it private.
    declared: facts.wishes.privacy !== undefined,
    tainted: facts.tainted,
  };
}

function sizeFields(size: SizeSignal, facts: RequestFacts): Omit<RouteSignals, 'privacy' | 'task' | 'complexity'> {
  return {
    modalities: size.modalities,
    ...(facts.readable === undefined || facts.readable.length === 0 ? {} : { readable: facts.readable }),
    promptTokens: size.estimatedPromptTokens,
    answerTokens: facts.isEmbedding ? 0 : Math.min(size.maximumAnswerTokens ?? usualAnswerTokens, usualAnswerTokens),
    needs: { tools: facts.hasTools, embeddings: facts.isEmbedding },
    wishes: facts.wishes,
    ...(facts.forced === undefined ? {} : { forced: facts.forced }),
  };
}

/** The texts of an embedding as a request that the detectors can read; token lists are unreadable, hence private. */
export function embeddingAsRequest(request: EmbeddingRequest): GenerationRequest {
  const tokens = request.inputs.find((input): input is number[] => typeof input !== 'string');
  const texts = request.inputs.filter((input) => typeof input === 'string');
  const messages = texts.map((text): ChatMessage => ({ role: 'user', content: [{ type: 'text', text }] }));
  return plainRequest(
    request.id,
    tokens === undefined ? plainChat('', { messages }) : { kind: 'completion', prompt: tokens, echo: false },
    { model: request.model, ...(request.route === undefined ? {} : { route: request.route }) },
  );
}
