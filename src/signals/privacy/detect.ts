import { findAnsweredQuestions } from './answered-questions.ts';
import { examineText, type KnownText } from './examine-text.ts';
import { identifierRulesVersion } from './identifiers/identifiers.ts';
import { findSplitIdentifiers } from './split-turns.ts';
import { defaultIdentifierThreshold, defaultTopicThresholds } from './thresholds.ts';
import { topicModel, type TopicScore } from './topics/classify.ts';
import { sensitiveTopics, type PrivacyFinding, type SensitiveTopic, type TextSegment } from './types.ts';
import type { WordList } from './word-list.ts';

export type PrivacyOptions = {
  /** Confidence from which an identifier counts. Default 0.5; 0–1. */
  identifierThreshold?: number;
  /** Score from which a topic counts, 0–1; a topic that is left out keeps its default. 2 switches a topic off. */
  topicThresholds?: Partial<Record<SensitiveTopic, number>>;
  /** The user's own words, from `makeWordList`. */
  wordList?: WordList;
};

export type PrivacyVerdict = {
  level: 'public' | 'private';
  /** Identifiers at or above the threshold, by segment and position. */
  findings: PrivacyFinding[];
  /** Topics at or above their thresholds, highest first. */
  topics: TopicScore[];
  /** The highest score of every topic, for explanations. */
  topicScores: Record<SensitiveTopic, number>;
  /** Name of each detector that ran, and its version: for receipts. */
  detectorVersions: Record<string, string>;
};

/** An assistant's general advice addresses "you" and reads like a case; its own words count only when they are plain. */
const assistantTopicFloor = 0.8;
/** Words for who speaks or is spoken to. */
const anybody = /[你您妳我俺咱]|\b(?:you|yours?|i|my|me|we|our)\b/i;
/** Two short turns in a row are also read as one text: "最近心慌" and then "医生开了美托洛尔". */
const joinedTurnLimit = 160;
/** Two turns that have nothing to do with each other read like one muddled sentence; only a clear score counts. */
const joinedTurnFloor = 0.6;

function highestScores(
  segments: readonly TextSegment[],
  perSegment: Float64Array[],
  thresholds: Record<SensitiveTopic, number>,
): Float64Array {
  const highest = new Float64Array(sensitiveTopics.length);
  segments.forEach(({ role, origin, text }, index) => {
    // An answer without a you or an I is knowledge: "Fever, cough, aches." Somebody's matter was told in another turn.
    if (role === 'assistant' && origin === 'text' && !anybody.test(text)) return;
    perSegment[index]?.forEach((score, topic) => {
      const name = sensitiveTopics[topic];
      if (name === undefined) return;
      const tooWeak = role === 'assistant' && score < Math.max(assistantTopicFloor, thresholds[name]);
      if (!tooWeak && score > (highest[topic] ?? 0)) highest[topic] = score;
    });
  });
  return highest;
}

/**
 * Judges a whole conversation: identifiers in every segment and over the seams of user turns, topics, and the user's
 * words. Findings only add up: nothing that a text says about itself makes it less private. Throws when a detector does;
 * the caller has to treat that as private. `known` is a text that is normalised already. Pure; a few milliseconds for 2,000 characters (`npm run bench:signals`).
 */
export function detectPrivacy(
  segments: readonly TextSegment[],
  options: PrivacyOptions = {},
  known?: KnownText,
): PrivacyVerdict {
  const identifierThreshold = options.identifierThreshold ?? defaultIdentifierThreshold;
  const thresholds = { ...defaultTopicThresholds, ...options.topicThresholds };
  const findings: PrivacyFinding[] = [];
  const scores: Float64Array[] = [];
  segments.forEach(({ text, role, origin }, segment) => {
    // Tool definitions come as system text with the origin `tool`: descriptions of fields, nobody's matter.
    const topics = !(role === 'system' && origin === 'tool');
    const { matches, topicScores } = examineText(text, { topics, wordList: options.wordList, origin, known });
    for (const match of matches) findings.push({ ...match, segment });
    scores.push(topicScores);
  });

  const turns = segments.flatMap(({ role, text }, segment) => (role === 'user' ? [{ segment, text }] : []));
  findings.push(...findSplitIdentifiers(turns).filter((split) => !findings.some((other) => covers(other, split))));
  findings.push(
    ...findAnsweredQuestions(segments).filter((answer) => !findings.some((other) => covers(other, answer))),
  );
  turns.forEach((turn, index) => {
    const before = turns[index - 1];
    if (before === undefined || before.text.length + turn.text.length > joinedTurnLimit) return;
    const { topicScores } = examineText(`${before.text},${turn.text}`, { topics: true });
    const own = scores[turn.segment];
    topicScores.forEach((score, topic) => {
      if (own !== undefined && score >= joinedTurnFloor && score > (own[topic] ?? 0)) own[topic] = score;
    });
  });

  const highest = highestScores(segments, scores, thresholds);
  const sure = findings
    .filter(({ confidence }) => confidence >= identifierThreshold)
    .sort((a, b) => a.segment - b.segment || a.start - b.start);
  // Where nothing else is private, an assistant's bare name answers a question of knowledge: 在位最长的是谁? 唐玄宗.
  const counted = sure.every((finding) => isAssistantsName(finding, segments)) ? [] : sure;
  if (counted.some(({ type }) => type === 'word-list')) highest[sensitiveTopics.indexOf('company-secret')] = 1;
  const topicScores = Object.fromEntries(sensitiveTopics.map((topic, index) => [topic, highest[index] ?? 0])) as Record<
    SensitiveTopic,
    number
  >;
  const topics = sensitiveTopics
    .map((topic) => ({ topic, score: topicScores[topic] }))
    .filter(({ topic, score }) => score >= thresholds[topic])
    .sort((a, b) => b.score - a.score);
  return {
    level: counted.length > 0 || topics.length > 0 ? 'private' : 'public',
    findings: counted,
    topics,
    topicScores,
    detectorVersions: {
      identifiers: identifierRulesVersion,
      topics: topicModel().version,
      ...(options.wordList === undefined ? {} : { 'word-list': String(options.wordList.size) }),
    },
  };
}

/** From this confidence on a name was introduced as somebody's: 患者姓名:…. */
const assistantNameFloor = 0.85;

function isAssistantsName({ type, segment, confidence }: PrivacyFinding, segments: readonly TextSegment[]): boolean {
  return type === 'person-name' && segments[segment]?.role === 'assistant' && confidence < assistantNameFloor;
}

function covers(finding: PrivacyFinding, split: PrivacyFinding): boolean {
  return finding.segment === split.segment && finding.start <= split.start && finding.end >= split.end;
}
