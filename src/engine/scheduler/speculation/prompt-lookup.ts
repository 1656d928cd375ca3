/**
 * Guesses how a text goes on from the text itself: where the last tokens stood before, what followed then is the draft. Costs no
 * model; right where an answer repeats its prompt (summaries, edited code, extraction). Source of the idea: prompt lookup
 * decoding (Saxena 2023).
 */

export type Draft = {
  tokens: number[];
  /** Tokens before the draft that agree with the place it was found at: the longer, the likelier it is right. */
  matchLength: number;
};

/** Shorter repetitions are chance. */
const keyTokens = 2;
/** Agreement beyond this tells no more. */
const longestMatch = 32;
/** Places looked at for one guess, newest first. */
const placesTried = 24;

export class PromptLookup {
  readonly #tokens: readonly number[];
  /** For each pair of neighbours the places right behind it, oldest first. */
  readonly #places = new Map<number, number[]>();
  #indexed = keyTokens - 1;
  /** Where the last guess was taken from, and where the text ended then. */
  #last: { place: number; end: number } | undefined;

  /** @param tokens prompt and answer; may grow and be cut at its end, as long as `cut` is told. */
  constructor(tokens: readonly number[]) {
    this.#tokens = tokens;
  }

  /** At most `count` tokens, fewer where a picture begins; `undefined` where nothing repeats. */
  propose(count: number): Draft | undefined {
    this.#index();
    const tokens = this.#tokens;
    const end = tokens.length;
    if (count < 1 || end < keyTokens) return undefined;
    const places = this.#places.get(keyAt(tokens, end)) ?? [];
    // An answer that copies goes on next to where it copied last, also after a word of its own.
    const expected = this.#last === undefined ? end : this.#last.place + end - this.#last.end;
    let best: { place: number; matchLength: number; distance: number } | undefined;
    const oldest = Math.max(0, places.length - placesTried);
    for (let index = places.length - 1; index >= oldest; index--) {
      const place = places[index] as number;
      if (place >= end) continue;
      const matchLength = this.#agreement(place, end);
      if (matchLength < keyTokens) continue;
      const distance = Math.abs(place - expected);
      const isBetter =
        best === undefined ||
        matchLength > best.matchLength ||
        (matchLength === best.matchLength && distance < best.distance);
      if (isBetter) best = { place, matchLength, distance };
    }
    if (best === undefined) return undefined;
    const { place } = best;
    this.#last = { place, end };
    const drafted: number[] = [];
    while (drafted.length < count) {
      const index = place + drafted.length;
      // Past the end the text goes on repeating itself.
      const token = index < end ? tokens[index] : drafted[index - end];
      if (token === undefined || token < 0) break;
      drafted.push(token);
    }
    return drafted.length === 0 ? undefined : { tokens: drafted, matchLength: best.matchLength };
  }

  /** How many tokens before `place` and before `end` are the same. */
  #agreement(place: number, end: number): number {
    const tokens = this.#tokens;
    let length = 0;
    while (length < longestMatch && length < place && tokens[place - 1 - length] === tokens[end - 1 - length]) length++;
    return length;
  }

  #index(): void {
    for (let place = this.#indexed + 1; place <= this.#tokens.length; place++) {
      const key = keyAt(this.#tokens, place);
      const places = this.#places.get(key);
      if (places === undefined) this.#places.set(key, [place]);
      else places.push(place);
    }
    this.#indexed = Math.max(this.#indexed, this.#tokens.length);
  }
}

/** Of the two tokens before `place`. Different pairs may share one; the agreement tells them apart. */
function keyAt(tokens: readonly number[], place: number): number {
  return (tokens[place - 1] as number) * 0x40_0000 + (tokens[place - 2] as number);
}
