/** Takes a draft as far as it is right. */
import type { Sequence } from '../sequence.ts';
import type { JobOutcome } from '../types.ts';

/**
 * As far as the request's own sampler says the same, token by token, so that the text is the one it would have been without; the first
 * other token counts too. Returns how many guesses were right, and how the answer ended if it did.
 */
export function checkDraft(
  sequence: Sequence,
  outputIndex: number,
  draft: readonly number[],
  onSampled: (index: number, token: number) => void,
): { accepted: number; outcome: JobOutcome | undefined } {
  const { job } = sequence;
  let accepted = 0;
  try {
    for (;;) {
      const sampled = sequence.sampler.sample(outputIndex + accepted);
      onSampled(accepted, sampled.token);
      sequence.tokens.push(sampled.token);
      // At once and not after the sampling: behind a stop text nothing may be sampled.
      const ends = job.onToken(sampled);
      if (ends || sampled.isEnd) return { accepted, outcome: { kind: 'finished', reason: 'stop' } };
      if (sequence.generated >= job.maxTokens) return { accepted, outcome: { kind: 'finished', reason: 'length' } };
      if (sampled.token !== draft[accepted]) return { accepted, outcome: undefined };
      accepted++;
    }
  } catch (error) {
    return { accepted, outcome: { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) } };
  }
}
