import { seededRandom } from '../metrics/random.ts';

/** Arrival times in ms of a Poisson process: exponential gaps with the mean 1 ÷ rate. The same for the same seed. */
export function poissonArrivals(count: number, perSecond: number, seed: number): number[] {
  const random = seededRandom(seed);
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs += (-Math.log(1 - random()) / perSecond) * 1000;
    return atMs;
  });
}
