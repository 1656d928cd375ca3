/** Least recently used entries under a budget of bytes. */
export class PictureCache<Value extends { sizeBytes: number }> {
  readonly #entries = new Map<string, Value>();
  readonly #budgetBytes: number;
  #sizeBytes = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** An entry larger than the whole budget is not kept. */
  set(key: string, value: Value): void {
    this.delete(key);
    if (value.sizeBytes > this.#budgetBytes) return;
    this.#entries.set(key, value);
    this.#sizeBytes += value.sizeBytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#sizeBytes <= this.#budgetBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#sizeBytes -= value.sizeBytes;
  }
}
