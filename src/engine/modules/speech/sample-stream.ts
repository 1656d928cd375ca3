/** A moving window over samples that arrive in pieces; what lies before the window is forgotten. */
export class SampleStream {
  readonly #source: AsyncIterator<Float32Array>;
  #buffer = new Float32Array(0);
  /** Position of the first sample in the buffer. */
  #start = 0;
  #length = 0;
  #ended = false;

  constructor(source: AsyncIterable<Float32Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Samples that have arrived, from the very first. */
  get arrived(): number {
    return this.#start + this.#length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when sample `end` has arrived or the sound is over. */
  async fill(end: number, signal: AbortSignal): Promise<void> {
    while (!this.#ended && this.arrived < end) {
      signal.throwIfAborted();
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        return;
      }
      this.#append(next.value);
    }
  }

  /** A copy of `[from, to)`; silence where there is no sound (before the start, after the end). */
  copy(from: number, to: number): Float32Array {
    const samples = new Float32Array(to - from);
    const first = Math.max(from, this.#start);
    const last = Math.min(to, this.arrived);
    if (last > first) {
      samples.set(this.#buffer.subarray(first - this.#start, last - this.#start), first - from);
    }
    return samples;
  }

  forgetBefore(position: number): void {
    const drop = Math.min(Math.max(0, position - this.#start), this.#length);
    this.#buffer.copyWithin(0, drop, this.#length);
    this.#length -= drop;
    this.#start += drop;
  }

  /** Ends the source early. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #append(samples: Float32Array): void {
    if (this.#length + samples.length > this.#buffer.length) {
      const larger = new Float32Array(Math.max(2 * this.#buffer.length, this.#length + samples.length, 1_000_000));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(samples, this.#length);
    this.#length += samples.length;
  }
}
