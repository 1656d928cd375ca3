/** Which voices are the same person's: average-linkage clustering of voice vectors by their cosine. */

export type Voice = {
  /** Of length 1. */
  vector: Float32Array;
  seconds: number;
};

/** Shorter ones say too little of a voice: they join whom they are most like, at the end. */
const leastSeconds = 1.2;
/** Whoever says less, in seconds and of all that is said, is rather somebody else, heard badly. */
const leastSpeakerSeconds = 2;
const leastSpeakerShare = 0.05;
/** More speakers than this are not looked for by themselves. */
const mostSpeakers = 10;
/** How much nearer a voice must be to its own group than to the next, on average, for there to be groups at all. */
const leastSeparation = 0.2;
/** Share of what is said that the groups of substance must hold. */
const leastCovered = 0.8;
/** Two groups whose centres are as alike as this are one person. */
const sameCentres = 0.9;
/** More lines than this are grouped by some of them; the others join. Keeps hours of speech within seconds. */
const mostGrouped = 400;

/**
 * @param count how many people speak; absent: the number that sets the voices apart best
 * @returns for each voice the index of its speaker, in the order in which they first speak
 */
export function clusterVoices(voices: readonly Voice[], count?: number): number[] {
  if (voices.length === 0) return [];
  const long = voices.flatMap(({ seconds }, index) => (seconds >= leastSeconds ? [index] : []));
  const seeds = spread(long.length === 0 ? voices.map((_, index) => index) : long, mostGrouped);
  const groups = count === undefined ? bestGroups(seeds, voices) : groupsOf(seeds, voices, count);
  const centres = groups.map((group) => unit(sumOf(group, voices)));
  const own = new Map(groups.flatMap((group, speaker) => group.map((index) => [index, speaker] as const)));
  const speakers = voices.map(({ vector }, index) => own.get(index) ?? nearest(vector, centres));
  const order = [...new Set(speakers)];
  return speakers.map((speaker) => order.indexOf(speaker));
}

/** The coarsest grouping with so many groups of substance; the rest is an outlier here and there, which joins them later. */
function groupsOf(seeds: readonly number[], voices: readonly Voice[], count: number): number[][] {
  let found: number[][] | undefined;
  let last: number[][] = [];
  for (const groups of merges(seeds, voices)) {
    const heard = ofSubstance(groups, voices);
    if (heard.length === count) found = heard;
    if (groups.length >= Math.min(count, seeds.length)) last = groups;
  }
  return found ?? last;
}

/** By the mean silhouette (Rousseeuw 1987) of the groups of substance. */
function bestGroups(seeds: readonly number[], voices: readonly Voice[]): number[][] {
  let best: { groups: number[][]; value: number } = { groups: [[...seeds]], value: leastSeparation };
  for (const groups of merges(seeds, voices)) {
    const heard = ofSubstance(groups, voices);
    if (heard.length < 2 || heard.length > mostSpeakers) continue;
    // Before that some person is still in pieces that are too small to count.
    if (secondsOf(heard.flat(), voices) < leastCovered * secondsOf(seeds, voices)) continue;
    const value = separation(heard, voices);
    // Of about equal ones the coarser comes later, and counts.
    if (value >= best.value - 0.01) best = { groups: heard, value: Math.max(value, best.value) };
  }
  return best.groups;
}

function ofSubstance(groups: readonly number[][], voices: readonly Voice[]): number[][] {
  const total = groups.reduce((sum, group) => sum + secondsOf(group, voices), 0);
  const least = Math.min(total / 4, Math.max(leastSpeakerSeconds, leastSpeakerShare * total));
  return groups.filter((group) => secondsOf(group, voices) >= least);
}

/** From each voice by itself to all in one group; by the average of the cosines (Lance–Williams), long voices counting more. */
function* merges(seeds: readonly number[], voices: readonly Voice[]): Generator<number[][]> {
  const groups = seeds.map((index) => [index]);
  const alike = seeds.map((first) => seeds.map((second) => cosine(voices[first], voices[second])));
  yield [...groups];
  while (groups.length > 1) {
    let best = { first: 0, second: 1, value: Number.NEGATIVE_INFINITY };
    for (let first = 0; first < groups.length; first++) {
      for (let second = first + 1; second < groups.length; second++) {
        const value = alike[first]?.[second] ?? 0;
        if (value > best.value) best = { first, second, value };
      }
    }
    const { first, second } = best;
    const [one, two] = [groups[first] ?? [], groups[second] ?? []];
    const share = secondsOf(one, voices) / (secondsOf(one, voices) + secondsOf(two, voices));
    for (let other = 0; other < groups.length; other++) {
      const value = share * (alike[first]?.[other] ?? 0) + (1 - share) * (alike[second]?.[other] ?? 0);
      (alike[first] ?? [])[other] = value;
      (alike[other] ?? [])[first] = value;
    }
    groups[first] = [...one, ...two];
    groups.splice(second, 1);
    alike.splice(second, 1);
    for (const row of alike) row.splice(second, 1);
    yield [...groups];
  }
}

/** −1 to 1: how much nearer voices are to the rest of their group than to the nearest other one; −1 where two groups sound alike. */
function separation(groups: readonly number[][], voices: readonly Voice[]): number {
  const sums = groups.map((group) => sumOf(group, voices));
  const centres = sums.map(unit);
  const isSame = centres.some((centre, at) => centres.slice(0, at).some((other) => dot(centre, other) > sameCentres));
  if (isSame) return -1;
  let sum = 0;
  let total = 0;
  for (const [own, group] of groups.entries()) {
    for (const index of group) {
      const { vector, seconds } = voices[index] ?? { vector: new Float32Array(), seconds: 0 };
      total += seconds;
      // A group of one has nothing to be near to.
      if (group.length === 1) continue;
      const rest = unit((sums[own] ?? vector).map((value, at) => value - (vector[at] ?? 0) * weightOf(seconds)));
      const inside = 1 - dot(vector, rest);
      const outside = 1 - Math.max(...centres.flatMap((centre, at) => (at === own ? [] : [dot(vector, centre)])));
      sum += (seconds * (outside - inside)) / Math.max(outside, inside, 1e-6);
    }
  }
  return total === 0 ? 0 : sum / total;
}

function spread(indices: number[], most: number): number[] {
  if (indices.length <= most) return indices;
  return Array.from({ length: most }, (_, at) => indices[Math.floor((at * indices.length) / most)] ?? 0);
}

function weightOf(seconds: number): number {
  return Math.max(0.1, seconds);
}

function secondsOf(group: readonly number[], voices: readonly Voice[]): number {
  return group.reduce((sum, index) => sum + weightOf(voices[index]?.seconds ?? 0), 0);
}

function sumOf(group: readonly number[], voices: readonly Voice[]): Float32Array {
  const sum = new Float32Array(voices[group[0] ?? 0]?.vector.length ?? 0);
  for (const index of group) {
    const voice = voices[index];
    if (voice === undefined) continue;
    const weight = weightOf(voice.seconds);
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + (voice.vector[at] ?? 0) * weight;
  }
  return sum;
}

function nearest(vector: Float32Array, centres: readonly Float32Array[]): number {
  const values = centres.map((centre) => dot(vector, centre));
  return values.indexOf(Math.max(...values));
}

function cosine(first: Voice | undefined, second: Voice | undefined): number {
  return first === undefined || second === undefined ? 0 : dot(first.vector, second.vector);
}

function dot(first: Float32Array, second: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < first.length; at++) sum += (first[at] ?? 0) * (second[at] ?? 0);
  return sum;
}

export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}
