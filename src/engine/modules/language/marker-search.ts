/** Finding marks such as `</think>` in text that arrives in pieces. */

export type MarkerSearch =
  /** `marker` starts at `at`; nothing earlier matters. */
  | { found: true; at: number; marker: string }
  /** The first `safe` characters belong to no marker, whatever comes next. */
  | { found: false; safe: number };

/** The earliest of `markers` in `text`; at the end of the stream nothing is held back. */
export function findMarker(text: string, markers: readonly string[], isEnd: boolean): MarkerSearch {
  let at = -1;
  let first = '';
  for (const marker of markers) {
    const index = text.indexOf(marker);
    if (index >= 0 && (at < 0 || index < at)) {
      at = index;
      first = marker;
    }
  }
  if (at >= 0) return { found: true, at, marker: first };
  if (isEnd) return { found: false, safe: text.length };
  const held = Math.max(0, ...markers.map((marker) => heldLength(text, marker)));
  return { found: false, safe: text.length - held };
}

/** Length of the longest end of `text` with which `marker` begins. */
function heldLength(text: string, marker: string): number {
  for (let length = Math.min(marker.length - 1, text.length); length > 0; length--) {
    if (marker.startsWith(text.slice(-length))) return length;
  }
  return 0;
}

export type Start = 'yes' | 'maybe' | 'no';

/** Whether `text`, of which more may come, starts with `marker`. */
export function startsWith(text: string, marker: string, isEnd: boolean): Start {
  if (text.startsWith(marker)) return 'yes';
  return !isEnd && marker.startsWith(text) ? 'maybe' : 'no';
}
