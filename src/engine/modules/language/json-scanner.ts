/** Finds where a JSON object or array ends in text that arrives in pieces, by its brackets and strings alone. */
export class JsonScanner {
  #open: string[] = [];
  #inString = false;
  #escaped = false;

  /**
   * Reads on from `from`. `end` is the index after the value; `broken` the index of a `<`, which JSON has in strings only.
   * Neither: the value goes on beyond the text.
   */
  scan(text: string, from: number): { end?: number; broken?: number } {
    for (let index = from; index < text.length; index++) {
      const character = text[index] ?? '';
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (character === '\\') this.#escaped = true;
        else if (character === '"') this.#inString = false;
      } else if (character === '"') {
        this.#inString = true;
      } else if (character === '{') {
        this.#open.push('}');
      } else if (character === '[') {
        this.#open.push(']');
      } else if (character === '<') {
        return { broken: index };
      } else if (character === '}' || character === ']') {
        this.#open.pop();
        if (this.#open.length === 0) return { end: index + 1 };
      }
    }
    return {};
  }

  /** The brackets that are still to be closed, in order. */
  get missing(): string {
    return this.#open.toReversed().join('');
  }
}
