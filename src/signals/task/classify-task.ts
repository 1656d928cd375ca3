import { TextFilter } from '../privacy/text-filter.ts';
import { longDocument, minimumScore, questionPattern, taskPatterns } from '../data/task-coefficients.ts';

export type TaskKind =
  | 'chat'
  | 'question'
  | 'summary'
  | 'translation'
  | 'code'
  | 'mathematics'
  | 'reasoning'
  | 'extraction'
  | 'image-question'
  | 'speech'
  | 'minutes';

export type TaskSignal = {
  kind: TaskKind;
  /** 0–1: how far the winner is ahead. */
  confidence: number;
};

export type TaskInput = {
  /** The newest user text, normalised and in lower case. */
  lower: string;
  hasImage: boolean;
  hasAudio: boolean;
};

/** Instructions stand at either end of a long text; the middle is the document. Characters. */
const instructionReach = 400;

function score(text: string): { kind: TaskKind; sum: number }[] {
  const filter = new TextFilter(text);
  return (Object.keys(taskPatterns) as (keyof typeof taskPatterns)[])
    .map((kind) => ({
      kind,
      sum: taskPatterns[kind].reduce(
        (sum, { pattern, weight }) => sum + (filter.mayMatch(pattern) && pattern.test(text) ? weight : 0),
        0,
      ),
    }))
    .sort((a, b) => b.sum - a.sum);
}

/** Says what the newest user text asks for. Pure, by patterns; see `data/task-coefficients.ts`. */
export function classifyTask({ lower, hasImage, hasAudio }: TaskInput): TaskSignal {
  const instruction =
    lower.length <= 2 * instructionReach
      ? lower
      : `${lower.slice(0, instructionReach)}\n${lower.slice(-instructionReach)}`;
  const ranked = score(instruction);
  const [first, second] = ranked;
  const minutes = ranked.find(({ kind }) => kind === 'minutes');
  if (hasAudio)
    return { kind: minutes !== undefined && minutes.sum >= minimumScore ? 'minutes' : 'speech', confidence: 0.95 };
  if (hasImage) return { kind: 'image-question', confidence: 0.95 };
  if (first === undefined || first.sum < minimumScore) {
    if (questionPattern.test(instruction.trim())) return { kind: 'question', confidence: 0.6 };
    // A long text with no word about it is most likely there to be summed up.
    return lower.length > 3 * longDocument ? { kind: 'summary', confidence: 0.4 } : { kind: 'chat', confidence: 0.6 };
  }
  const ahead = first.sum - (second?.sum ?? 0);
  return { kind: first.kind, confidence: Math.min(0.95, 0.5 + ahead * 0.15) };
}
