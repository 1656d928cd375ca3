export type Span = { start: number; end: number };

/** Longer stretches without an end mark are cut, so that one sentence never hides another. */
const longestSentence = 140;

/** Cuts normalised text into sentences. Full stops inside numbers and after one letter do not end one. */
export function splitSentences(text: string): Span[] {
  const spans: Span[] = [];
  let start = 0;
  const close = (end: number): void => {
    if (text.slice(start, end).trim().length > 1) spans.push({ start, end });
    start = end;
  };
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // 。 ! ? line feed ; …
    if (code === 0x3002 || code === 33 || code === 63 || code === 10 || code === 59) close(index + 1);
    else if (code === 46) {
      const next = text.charCodeAt(index + 1);
      if (Number.isNaN(next) || next === 32 || next > 0x2e80) {
        if (index - start > 8) close(index + 1);
      }
    } else if (index - start >= longestSentence && (code === 44 || code === 32 || code === 0x3001)) close(index + 1);
    else if (index - start >= 2 * longestSentence) close(index + 1);
  }
  close(text.length);
  return spans;
}
