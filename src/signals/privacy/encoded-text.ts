/** Base64 that hides readable text. The bounds keep a hostile message from buying unbounded work. */
const candidate = /(?:[A-Za-z0-9+/]{60,76}\r?\n){0,128}[A-Za-z0-9+/_-]{12,8192}={0,2}/g;
const maximumCandidates = 16;

export type EncodedText = { start: number; end: number; text: string };

/** Reads standard and URL-safe base64; undefined unless the bytes are UTF-8 text that a person could read. */
function decodePrintable(encoded: string): string | undefined {
  const standard = encoded
    .replace(/[=\s]+/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  if (standard.length % 4 === 1) return undefined;
  try {
    const binary = atob(standard);
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Control characters and private-use characters mean bytes, not text.
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ue000-\uf8ff]/.test(text) ? undefined : text; // eslint-disable-line no-control-regex
  } catch {
    // Not base64 or not UTF-8, which is the ordinary case.
    return undefined;
  }
}

/** The shortest run of the alphabet that is looked at. */
const shortestRun = 12;

/** Whether any run of visible ASCII is long enough; most texts end here. */
function hasLongRun(text: string): boolean {
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 32 || code > 126) start = index + 1;
    else if (index - start >= shortestRun - 1) return true;
  }
  return false;
}

/** Stretches of base64 in a text and what they say. Ranges are offsets in that text. */
export function findEncodedText(text: string): EncodedText[] {
  const found: EncodedText[] = [];
  if (!hasLongRun(text)) return found;
  let tried = 0;
  for (const match of text.matchAll(candidate)) {
    // A run without digits and capitals is an ordinary word or a path; a run of digits is a number.
    if (!/[A-Z]/.test(match[0]) || !/[a-z]/.test(match[0])) continue;
    if (++tried > maximumCandidates) break;
    const decoded = decodePrintable(match[0]);
    if (decoded !== undefined && decoded.length >= 2) {
      found.push({ start: match.index, end: match.index + match[0].length, text: decoded });
    }
  }
  return found;
}
