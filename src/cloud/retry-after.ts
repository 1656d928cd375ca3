/** RFC 9110, 10.2.3: seconds or a date. `undefined` where it is neither. At most one hour, so that nobody can park us. */
export function parseRetryAfter(header: string | undefined, wallTimeMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return limited(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : limited(date - wallTimeMs);
}

function limited(milliseconds: number): number {
  return Math.min(3_600_000, Math.max(0, milliseconds));
}
