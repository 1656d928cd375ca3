/** Makes a running sequence smaller. */
import { chooseEvictions, type CacheBudget } from '../cache/cache-budget.ts';
import type { Sequence } from './sequence.ts';
import type { ScoreRequest, StepRunner } from './types.ts';

/** Tokens of what was said last that are put behind the question. */
const newestTokens = 16;

/** Returns how many tokens went. Throws `engine_failed`. */
export function compress(runner: StepRunner, sequence: Sequence, budget: CacheBudget, target: number): number {
  const { kept, slot } = sequence;
  if (kept === undefined) return 0;
  const places = chooseEvictions({
    budget,
    indices: kept.indices,
    scores: budget.policy === 'window' ? undefined : runner.score(scoreRequest(sequence, budget, budget.policy)),
    isPicture: (index) => sequence.spanAt(index) !== undefined,
    target,
  });
  runner.remove(slot, kept.evict(places));
  if (runner.canMove) runner.move(slot, kept.closeGaps());
  return places.length;
}

/**
 * While the prompt is computed its question is put to what is there already, as if it followed at once. Later the question is
 * put again at the end, with what was said last.
 */
function scoreRequest(
  sequence: Sequence,
  { question }: CacheBudget,
  policy: Exclude<CacheBudget['policy'], 'window'>,
): ScoreRequest {
  const { tokens, slot, computed, generated } = sequence;
  const positions = sequence.kept?.positions ?? [];
  const isAnswering = sequence.isDecoding && generated > 1;
  const newest = isAnswering ? tokens.slice(-Math.min(newestTokens, generated)) : [];
  const from = sequence.positionAt(isAnswering ? computed : Math.min(computed, question.start));
  return { slot, policy, positions, query: { tokens: [...question.tokens, ...newest], position: from } };
}
