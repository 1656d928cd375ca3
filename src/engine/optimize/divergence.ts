/** How far one set of next-token probabilities is from another. Pure. */

/**
 * @param reference logits of the file that counts as right, length: vocabulary
 * @param candidate logits of the other file at the same place
 * @returns KL(reference ‖ candidate) in nats, and whether both put the same token first
 */
export function divergence(reference: Float32Array, candidate: Float32Array): { kl: number; sameTop: boolean } {
  const top = largest(reference);
  const candidateTop = largest(candidate);
  const shift = reference[top] as number;
  const candidateShift = candidate[candidateTop] as number;
  let sum = 0;
  let candidateSum = 0;
  let weighted = 0;
  for (let index = 0; index < reference.length; index++) {
    const own = (reference[index] as number) - shift;
    const other = (candidate[index] as number) - candidateShift;
    const probability = Math.exp(own);
    sum += probability;
    candidateSum += Math.exp(other);
    weighted += probability * (own - other);
  }
  // Rounding can take a divergence of nothing a little below zero.
  return { kl: Math.max(0, weighted / sum - Math.log(sum) + Math.log(candidateSum)), sameTop: top === candidateTop };
}

/** −ln p(token), nats. */
export function negativeLogLikelihood(logits: Float32Array, token: number): number {
  const shift = logits[largest(logits)] as number;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - shift);
  return Math.log(sum) + shift - (logits[token] as number);
}

function largest(values: Float32Array): number {
  let place = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) > (values[place] as number)) place = index;
  }
  return place;
}
