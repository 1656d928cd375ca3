/**
 * Bytes of tokens to whole characters. A character split over tokens is held back until it is complete; bytes that cannot be
 * UTF-8 become U+FFFD, one for each maximal wrong part (WHATWG Encoding, as `TextDecoder` does it).
 */
export class Utf8Decoder {
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** The text that is certain by now; may be empty. */
  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What is left at the end: U+FFFD for a character that never became whole. The decoder can be used again. */
  finish(): string {
    const rest = this.#decoder.decode();
    this.#decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return rest;
  }
}
