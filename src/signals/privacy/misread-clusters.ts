import type { DigitCluster } from './digit-clusters.ts';

/**
 * Numbers as a reader of pictures leaves them, with letters for the digits that they look like: 1101O5 1949l231 OO2X.
 * People paste such text, so it is looked for wherever text comes from; only what a checksum or a label confirms counts.
 */

/** Letters that are read for a digit, by how they look. */
export const misreadings: Record<string, string> = {
  O: '0', o: '0', D: '0', Q: '0', I: '1', l: '1', i: '1', '|': '1', '!': '1', Z: '2', z: '2', S: '5', s: '5', B: '8', G: '6', b: '6', q: '9', g: '9',
}; // prettier-ignore
/** Bars part the cells of tables and qq is a messenger: what stands for a 1 or a 9 in a picture alone is left out. */
const like = '[0-9OoDIliZzSsBGb]';
/** Nine characters and more, in groups or not; X may close a resident ID. */
const candidate = new RegExp(
  `(?<![A-Za-z0-9])${like}{1,19}(?:[\\s.,_-]{1,3}${like}{1,19}){0,8}[Xx]?(?![A-Za-z0-9])`,
  'g',
);
const group = new RegExp(`${like}+`, 'g');
const minimumCharacters = 9;

/** Clusters that hold at least one such letter and are digits for the most part. Offsets in `text`. */
export function findMisreadClusters(text: string): DigitCluster[] {
  const clusters: DigitCluster[] = [];
  for (const match of text.matchAll(candidate)) {
    const whole = match[0];
    if (whole.length < minimumCharacters) continue;
    const digits = whole.match(/\d/g)?.length ?? 0;
    const letters = whole.match(/[A-WYZa-wyz]/g)?.length ?? 0;
    if (letters === 0 || digits < 5 || letters > digits * 1.5) continue;
    const cluster: DigitCluster = { digits: '', groups: [], separators: [] };
    let last = 0;
    for (const part of whole.matchAll(group)) {
      if (cluster.groups.length > 0) cluster.separators.push(whole.slice(last, part.index));
      last = part.index + part[0].length;
      const from = cluster.digits.length;
      cluster.digits += Array.from(part[0], (character) => misreadings[character] ?? character).join('');
      cluster.groups.push({
        from,
        to: cluster.digits.length,
        start: match.index + part.index,
        end: match.index + last,
      });
    }
    clusters.push(cluster);
  }
  return clusters;
}
