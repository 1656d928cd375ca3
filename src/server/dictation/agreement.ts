/**
 * What a speech model writes of a growing recording changes at its end. What two runs in a row agree on is taken for good
 * (local agreement; Liu et al. 2020, Macháček et al. 2023).
 */
export class Agreement {
  #previous = '';
  #stable = '';

  get stable(): string {
    return this.#stable;
  }

  /** @returns what may still change, and what has become stable just now */
  take(text: string): { tail: string; added: string } {
    const common = commonStart(this.#previous, text);
    this.#previous = text;
    // What was said to be stable stays so, even where the model has changed its mind.
    if (common.length > this.#stable.length && common.startsWith(this.#stable)) {
      const added = common.slice(this.#stable.length);
      this.#stable = common;
      return { tail: text.slice(common.length), added };
    }
    return { tail: text.startsWith(this.#stable) ? text.slice(this.#stable.length) : '', added: '' };
  }
}

/** Up to the end of a whole word; Chinese characters stand for themselves. */
function commonStart(first: string, second: string): string {
  let length = 0;
  while (length < first.length && length < second.length && first[length] === second[length]) length++;
  if (length === first.length && length === second.length) return first;
  const common = first.slice(0, length);
  const isInWord =
    /[\p{L}\p{N}]$/u.test(common) && !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u.test(common);
  return isInWord ? common.replace(/[^\s\p{Script=Han}]+$/u, '') : common;
}
