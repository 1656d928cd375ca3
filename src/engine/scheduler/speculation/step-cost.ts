/** What a step that only continues answers takes, by its number of tokens. Measured on the way; pure. */

/** Share of the time of a one-token step that a further token takes, where nothing was measured: a CPU. */
const assumedShare = 0.4;
/** The least of the newest few counts: an interruption only ever adds, and must not look like a price. */
const samplesKept = 5;
/** With fewer samples a size is not believed to be dearer than its neighbours say, so that it is tried again. */
const samplesBelieved = 3;
/** Figures that were not renewed for so many steps are forgotten: the device may be busier or less busy by now. */
const staleSteps = 256;

export class StepCost {
  readonly #samples = new Map<number, { times: number[]; observedAt: number }>();
  #steps = 0;

  /** Whether anything was measured. */
  get isKnown(): boolean {
    return this.#samples.size > 0;
  }

  observe(tokens: number, milliseconds: number): void {
    this.#steps++;
    const times = this.#samples.get(tokens)?.times ?? [];
    times.push(milliseconds);
    if (times.length > samplesKept) times.shift();
    this.#samples.set(tokens, { times, observedAt: this.#steps });
    for (const [count, { observedAt }] of this.#samples) {
      if (this.#steps - observedAt > staleSteps) this.#samples.delete(count);
    }
  }

  /** Milliseconds; before any step in units of a step of one token. */
  expected(tokens: number): number {
    const times = this.#samples.get(tokens)?.times ?? [];
    const least = Math.min(...times);
    return times.length >= samplesBelieved ? least : Math.min(least, this.#fromNeighbours(tokens));
  }

  #fromNeighbours(tokens: number): number {
    let below: number | undefined;
    let above: number | undefined;
    for (const count of this.#samples.keys()) {
      if (count < tokens && count > (below ?? 0)) below = count;
      if (count > tokens && count < (above ?? Infinity)) above = count;
    }
    if (below !== undefined && above !== undefined) {
      const place = (tokens - below) / (above - below);
      return this.#least(below) * (1 - place) + this.#least(above) * place;
    }
    const nearest = below ?? above;
    if (nearest !== undefined) return (this.#least(nearest) * assumed(tokens)) / assumed(nearest);
    return this.#samples.has(tokens) ? Infinity : assumed(tokens);
  }

  #least(tokens: number): number {
    return Math.min(...(this.#samples.get(tokens)?.times ?? []));
  }
}

function assumed(tokens: number): number {
  return 1 + assumedShare * (tokens - 1);
}
