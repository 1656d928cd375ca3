/**
 * Finds many words in one pass (Aho and Corasick 1975). Serves the topic and cue words and the user's own word list.
 * Terms and texts are compared as they are: both sides have to be normalised and in lower case already.
 */
export type Term<Tag> = { text: string; tag: Tag };

/** A Latin or digit character: a term that begins or ends with one matches whole words only. */
function isWordCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}

export class TermMatcher<Tag> {
  readonly #terms: Term<Tag>[] = [];
  /** Transitions in an open-addressing table: state and character code to the next state. Faster than nested maps. */
  #states = new Int32Array(1024);
  #codes = new Uint16Array(1024);
  #targets = new Int32Array(1024);
  #used = 0;
  /** Where each character leads from the root, which most characters of a text are looked up in. */
  readonly #fromRoot = new Int32Array(0x10000);
  readonly #fail: number[] = [0];
  /** Terms that end in a state, and the nearest shorter state that ends one (0 for none). */
  readonly #ends: number[][] = [[]];
  readonly #shorter: number[] = [0];

  constructor(terms: Iterable<Term<Tag>>) {
    const children: [number, number][][] = [[]];
    for (const term of terms) {
      if (term.text === '') continue;
      let state = 0;
      for (let index = 0; index < term.text.length; index++) {
        const code = term.text.charCodeAt(index);
        let next = this.#find(state, code);
        if (next === 0) {
          next = this.#ends.length;
          this.#ends.push([]);
          this.#fail.push(0);
          this.#shorter.push(0);
          children.push([]);
          children[state]?.push([code, next]);
          this.#insert(state, code, next);
        }
        state = next;
      }
      this.#ends[state]?.push(this.#terms.length);
      this.#terms.push(term);
    }
    for (const [code, child] of children[0] ?? []) this.#fromRoot[code] = child;
    // Breadth first, so that the fall-back state of a parent is known before its children's.
    const queue = (children[0] ?? []).map(([, state]) => state);
    for (const state of queue) {
      for (const [code, child] of children[state] ?? []) {
        queue.push(child);
        let fallback = this.#fail[state] ?? 0;
        while (fallback !== 0 && this.#find(fallback, code) === 0) fallback = this.#fail[fallback] ?? 0;
        const target = this.#find(fallback, code);
        this.#fail[child] = target;
        this.#shorter[child] = (this.#ends[target]?.length ?? 0) > 0 ? target : (this.#shorter[target] ?? 0);
      }
    }
  }

  /** Calls `visit` for each match in `text` between `from` and `to`; `start` and `end` are offsets in `text`. */
  scan(text: string, visit: (tag: Tag, start: number, end: number) => void, from = 0, to = text.length): void {
    const fail = this.#fail;
    let state = 0;
    for (let index = from; index < to; index++) {
      const code = text.charCodeAt(index);
      let next = state === 0 ? 0 : this.#find(state, code);
      while (next === 0 && state !== 0) {
        state = fail[state] ?? 0;
        if (state !== 0) next = this.#find(state, code);
      }
      if (state === 0) next = this.#fromRoot[code] ?? 0;
      state = next;
      for (let hit = state; hit !== 0; hit = this.#shorter[hit] ?? 0) {
        const ends = this.#ends[hit];
        if (ends === undefined || ends.length === 0) continue;
        for (const which of ends) this.#report(text, which, index + 1, visit);
      }
    }
  }

  #report(text: string, which: number, end: number, visit: (tag: Tag, start: number, end: number) => void): void {
    const term = this.#terms[which];
    if (term === undefined) return;
    const start = end - term.text.length;
    if (isWordCharacter(text.charCodeAt(start)) && start > 0 && isWordCharacter(text.charCodeAt(start - 1))) return;
    if (isWordCharacter(text.charCodeAt(end - 1)) && isWordCharacter(text.charCodeAt(end))) {
      // A plural s is still the word.
      const plural = text.charCodeAt(end) === 115 && term.text.length > 3 && !isWordCharacter(text.charCodeAt(end + 1));
      if (!plural) return;
    }
    visit(term.tag, start, end);
  }

  #slot(state: number, code: number): number {
    const mask = this.#states.length - 1;
    let slot = (Math.imul(state, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b)) >>> 7;
    slot &= mask;
    while (this.#targets[slot] !== 0 && (this.#states[slot] !== state || this.#codes[slot] !== code)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** The next state, or 0 (the root, which no transition leads to) when there is none. */
  #find(state: number, code: number): number {
    return this.#targets[this.#slot(state, code)] ?? 0;
  }

  #insert(state: number, code: number, target: number): void {
    // Half full at most: probes stay short.
    if (++this.#used * 2 > this.#states.length) this.#grow();
    const slot = this.#slot(state, code);
    this.#states[slot] = state;
    this.#codes[slot] = code;
    this.#targets[slot] = target;
  }

  #grow(): void {
    const [states, codes, targets] = [this.#states, this.#codes, this.#targets];
    this.#states = new Int32Array(states.length * 2);
    this.#codes = new Uint16Array(states.length * 2);
    this.#targets = new Int32Array(states.length * 2);
    for (let old = 0; old < states.length; old++) {
      if (targets[old] === 0) continue;
      const slot = this.#slot(states[old] ?? 0, codes[old] ?? 0);
      this.#states[slot] = states[old] ?? 0;
      this.#codes[slot] = codes[old] ?? 0;
      this.#targets[slot] = targets[old] ?? 0;
    }
  }
}
