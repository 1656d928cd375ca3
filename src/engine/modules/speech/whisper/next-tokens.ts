import { endOfText, firstTimestamp } from '../../../../models/whisper/whisper-tokens.ts';
import { specialLogit, type StepScores } from './whisper-model.ts';

/** The first timestamp is at most one second in. */
const mostInitialTimestamps = 50;
const timestampCandidates = 10;

export type Candidate = { token: number; logprob: number };

/** Which kinds of token may follow what a window has written so far. */
export type Allowed = {
  text: boolean;
  end: boolean;
  /** Both inclusive; none where `firstStamp` is above `lastStamp`. */
  firstStamp: number;
  lastStamp: number;
};

/**
 * Timestamps come in pairs around each segment and never go back. Source: `ApplyTimestampRules` of OpenAI's Whisper.
 * @param written tokens after the prompt
 * @param lastTimestamp the largest that the vocabulary has
 */
export function allowedAfter(written: readonly number[], lastTimestamp: number): Allowed {
  const last = written.at(-1);
  if (last === undefined) {
    return { text: false, end: false, firstStamp: firstTimestamp, lastStamp: firstTimestamp + mostInitialTimestamps };
  }
  const latest = written.findLast((token) => token >= firstTimestamp) ?? firstTimestamp;
  if (last < firstTimestamp) return { text: true, end: true, firstStamp: latest + 1, lastStamp: lastTimestamp };
  const before = written.at(-2);
  if (before === undefined || before >= firstTimestamp) {
    return { text: true, end: true, firstStamp: 1, lastStamp: 0 };
  }
  return { text: false, end: true, firstStamp: latest, lastStamp: lastTimestamp };
}

/** The candidates for the next token with their log probabilities among all that are allowed; not sorted. */
export function candidatesAfter(written: readonly number[], scores: StepScores): Candidate[] {
  const lastTimestamp = firstTimestamp + scores.specialLogits.length - 1 - (firstTimestamp - endOfText);
  let allowed = allowedAfter(written, lastTimestamp);
  const stamps = bestStamps(scores, allowed);
  const bestText = allowed.text ? (scores.textLogits[0] as number) : Number.NEGATIVE_INFINITY;
  const end = allowed.end ? specialLogit(scores, endOfText) : Number.NEGATIVE_INFINITY;
  // Where time is more likely than any word, time is written.
  if (stamps.total > Math.max(bestText, end)) allowed = { ...allowed, text: false, end: false };
  let total = stamps.total;
  if (allowed.text) total = addLogs(total, scores.textTotal);
  if (allowed.end) total = addLogs(total, end);
  const candidates = stamps.best.map(({ token, logit }) => ({ token, logprob: logit - total }));
  if (allowed.end) candidates.push({ token: endOfText, logprob: end - total });
  if (allowed.text) {
    scores.textTokens.forEach((token, index) => {
      candidates.push({ token, logprob: (scores.textLogits[index] as number) - total });
    });
  }
  return candidates;
}

function bestStamps(
  scores: StepScores,
  { firstStamp, lastStamp }: Allowed,
): {
  total: number;
  best: { token: number; logit: number }[];
} {
  const best: { token: number; logit: number }[] = [];
  let largest = Number.NEGATIVE_INFINITY;
  for (let token = firstStamp; token <= lastStamp; token++) {
    const logit = specialLogit(scores, token);
    largest = Math.max(largest, logit);
    if (best.length === timestampCandidates && logit <= (best.at(-1)?.logit ?? 0)) continue;
    best.push({ token, logit });
    best.sort((left, right) => right.logit - left.logit);
    best.length = Math.min(best.length, timestampCandidates);
  }
  let sum = 0;
  for (let token = firstStamp; token <= lastStamp; token++) sum += Math.exp(specialLogit(scores, token) - largest);
  return { total: sum === 0 ? Number.NEGATIVE_INFINITY : largest + Math.log(sum), best };
}

function addLogs(left: number, right: number): number {
  const larger = Math.max(left, right);
  if (larger === Number.NEGATIVE_INFINITY) return larger;
  return larger + Math.log(Math.exp(left - larger) + Math.exp(right - larger));
}
