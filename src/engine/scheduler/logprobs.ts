/**
 * Natural-log probabilities from raw logits, before temperature and truncation, as the OpenAI API reports them.
 * @param logits length of the vocabulary
 * @param count alternatives to return, likeliest first; 0–20
 */
export function topLogprobs(
  logits: Float32Array,
  token: number,
  count: number,
): { logprob: number; top: { token: number; logprob: number }[] } {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  const logSum = highest + Math.log(sum);

  const top: { token: number; logprob: number }[] = [];
  const candidates = count === 0 ? 0 : logits.length;
  for (let index = 0; index < candidates; index++) {
    const logprob = (logits[index] as number) - logSum;
    const last = top.at(-1);
    if (top.length === count && last !== undefined && logprob <= last.logprob) continue;
    const place = top.findIndex((entry) => entry.logprob < logprob);
    top.splice(place < 0 ? top.length : place, 0, { token: index, logprob });
    if (top.length > count) top.pop();
  }
  return { logprob: (logits[token] as number) - logSum, top };
}
