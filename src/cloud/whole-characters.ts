/** Joins characters that JSON chunks cut in the middle of a surrogate pair. */
export class WholeCharacters {
  #held = '';

  /** What can be shown of it; half a character waits for the next piece. */
  take(piece: string): string {
    const text = this.#held + piece;
    this.#held = '';
    const last = text.charCodeAt(text.length - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    if (isHalf) this.#held = text.slice(-1);
    return wellFormed(isHalf ? text.slice(0, -1) : text);
  }
}

function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}
