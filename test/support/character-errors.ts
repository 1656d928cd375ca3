/** Share of signs that would have to be changed, added or left out; white space and the width of signs do not count. */
export function characterErrorRate(read: string, expected: string): number {
  const [left, right] = [signs(expected), signs(read)];
  let row = [...Array(right.length + 1).keys()];
  for (const [index, sign] of left.entries()) {
    const next = [index + 1];
    for (const [position, other] of right.entries()) {
      const changed = (row[position] ?? 0) + (sign === other ? 0 : 1);
      next.push(Math.min((row[position + 1] ?? 0) + 1, (next[position] ?? 0) + 1, changed));
    }
    row = next;
  }
  return (row[right.length] ?? 0) / Math.max(1, left.length);
}

function signs(text: string): string[] {
  return Array.from(text.normalize('NFKC').replaceAll(/\s+/g, ''));
}
