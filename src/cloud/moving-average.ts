/** Exponentially weighted: the newest observation counts `share`, default 0.2. */
export class MovingAverage {
  #value: number | undefined;
  readonly #share: number;

  constructor(share = 0.2) {
    this.#share = share;
  }

  get value(): number | undefined {
    return this.#value;
  }

  add(observation: number): void {
    if (!Number.isFinite(observation)) return;
    this.#value = this.#value === undefined ? observation : this.#value + this.#share * (observation - this.#value);
  }
}
