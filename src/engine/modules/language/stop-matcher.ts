/** What one piece of text brought: text that is safe to send, and which stop string is now complete, if one is. */
export type StopResult = { text: string; stopped: boolean; stop?: string };

type State = { next: Map<string, number>; fallback: number; depth: number; stop: string | undefined };

/**
 * Finds the first of several stop strings in a stream (Aho and Corasick 1975: one automaton for all, each character looked at
 * once). Holds back only what may be the beginning of a stop string. When two end at the same character, the longer wins.
 */
export class StopMatcher {
  readonly #states: State[];
  #state = 0;
  #held = '';
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#states = buildStates(stops.filter((stop) => stop !== ''));
  }

  /** After a stop was reported, everything further is dropped. */
  push(piece: string): StopResult {
    if (this.#stopped) return { text: '', stopped: true };
    if (this.#states.length === 1) return { text: piece, stopped: false };
    const text = this.#held + piece;
    for (let index = this.#held.length; index < text.length; index++) {
      this.#state = this.#step(this.#state, text[index] ?? '');
      const stop = this.#states[this.#state]?.stop;
      if (stop !== undefined) {
        this.#stopped = true;
        this.#held = '';
        return { text: text.slice(0, index + 1 - stop.length), stopped: true, stop };
      }
    }
    const heldLength = this.#states[this.#state]?.depth ?? 0;
    this.#held = heldLength === 0 ? '' : text.slice(-heldLength);
    return { text: text.slice(0, text.length - heldLength), stopped: false };
  }

  /** What was held back and turned out to be no stop string. */
  finish(): string {
    const rest = this.#held;
    this.#held = '';
    this.#state = 0;
    return rest;
  }

  #step(from: number, unit: string): number {
    let index = from;
    for (;;) {
      const state = this.#states[index];
      const next = state?.next.get(unit);
      if (next !== undefined) return next;
      if (state === undefined || index === 0) return 0;
      index = state.fallback;
    }
  }
}

function buildStates(stops: string[]): State[] {
  const states: State[] = [{ next: new Map(), fallback: 0, depth: 0, stop: undefined }];
  const at = (index: number): State => states[index] as State;
  for (const stop of stops) {
    let index = 0;
    for (let unit = 0; unit < stop.length; unit++) {
      const character = stop[unit] ?? '';
      let next = at(index).next.get(character);
      if (next === undefined) {
        next = states.push({ next: new Map(), fallback: 0, depth: unit + 1, stop: undefined }) - 1;
        at(index).next.set(character, next);
      }
      index = next;
    }
    at(index).stop = stop;
  }
  const queue = [...at(0).next.values()];
  for (const index of queue) {
    for (const [character, child] of at(index).next) {
      queue.push(child);
      let fallback = at(index).fallback;
      while (fallback !== 0 && !at(fallback).next.has(character)) fallback = at(fallback).fallback;
      at(child).fallback = at(fallback).next.get(character) ?? 0;
      at(child).stop ??= at(at(child).fallback).stop;
    }
  }
  return states;
}
