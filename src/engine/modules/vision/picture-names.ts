/**
 * Gives each picture negative numbers that stand for its tokens. The same picture gets the same numbers again, so that the
 * prefix cache finds it like text, also when the picture itself had to be encoded anew.
 */
const smallest = -(2 ** 31);
const maxRemembered = 4_096;

export class PictureNames {
  readonly #first = new Map<string, number>();
  #next = -1;

  /** The numbers of one piece of a picture. */
  of(key: string, count: number): Int32Array {
    const first = this.#firstOf(key, count);
    return Int32Array.from({ length: count }, (_, index) => first - index);
  }

  #firstOf(key: string, count: number): number {
    const known = this.#first.get(key);
    if (known !== undefined) {
      this.#first.delete(key);
      this.#first.set(key, known);
      return known;
    }
    // After two thousand million tokens the numbers start anew; what had the old ones is long gone.
    if (this.#next - count < smallest) this.#next = -1;
    const first = this.#next;
    this.#next -= count;
    this.#first.set(key, first);
    for (const oldest of this.#first.keys()) {
      if (this.#first.size <= maxRemembered) break;
      this.#first.delete(oldest);
    }
    return first;
  }
}
