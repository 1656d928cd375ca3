/** In which order examples are learnt, how strongly, and on how much of the processor. Pure. */

const warmUpShare = 0.05;
const lastShare = 0.1;

/** A short rise, then half a cosine down to a tenth. */
export function learningRateAt(step: number, steps: number, highest: number): number {
  const warmUp = Math.max(1, Math.round(steps * warmUpShare));
  if (step < warmUp) return (highest * (step + 1)) / warmUp;
  const share = (step - warmUp) / Math.max(1, steps - warmUp);
  return highest * (lastShare + (1 - lastShare) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, share))));
}

/** Another order for every seed, the same for the same one. */
export function epochOrder(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const random = generator(seed);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other] as number, order[index] as number];
  }
  return order;
}

/** Mulberry32, public domain: small, and good enough to shuffle. */
function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1);
  return () => {
    state = Math.trunc(state + 0x6d2b_79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = Math.trunc(mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `share` of all cores as whole threads, and the part of the time in which they may compute. */
export function planProcessor(share: number, cores: number): { threads: number; busyShare: number } {
  const threads = Math.max(1, Math.min(cores, Math.floor(share * cores + 1e-9)));
  return { threads, busyShare: Math.min(1, (share * cores) / threads) };
}
