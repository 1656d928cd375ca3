/** Server-sent events from bytes that may be cut anywhere: inside a character, a line end, a field name. */

export type SseItem = { type: 'data'; data: string } | { type: 'comment' };

/** A line longer than this is not an answer to a chat request; without a limit it would fill the memory. */
const maxLineCharacters = 4 * 1024 * 1024;

export class SseOverflow extends Error {}

/**
 * WHATWG HTML, 9.2.6. Event names and ids are not used by OpenAI's wire and are skipped. Bytes that are not UTF-8 become
 * U+FFFD, as the standard says.
 */
export class SseParser {
  #decoder = new TextDecoder('utf-8');
  #line = '';
  #data: string[] = [];
  #dataCharacters = 0;
  /** The last character was CR: a LF that follows belongs to it. */
  #afterReturn = false;

  push(bytes: Uint8Array): SseItem[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The stream is over. An event without its empty line is not an event: it was cut. */
  end(): { cut: boolean } {
    const rest = this.#decoder.decode();
    return { cut: this.#line !== '' || rest !== '' || this.#data.length > 0 };
  }

  #take(text: string): SseItem[] {
    const items: SseItem[] = [];
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code !== 10 && code !== 13) continue;
      const isSecondHalf = code === 10 && this.#afterReturn && index === start && this.#line === '';
      this.#afterReturn = code === 13;
      if (!isSecondHalf) {
        this.#endLine(this.#line + text.slice(start, index), items);
        this.#line = '';
      }
      start = index + 1;
    }
    if (start < text.length) {
      this.#line += text.slice(start);
      this.#afterReturn = false;
      if (this.#line.length > maxLineCharacters) throw new SseOverflow('a line is too long');
    }
    return items;
  }

  #endLine(line: string, items: SseItem[]): void {
    if (line === '') {
      if (this.#data.length > 0) items.push({ type: 'data', data: this.#data.join('\n') });
      this.#data = [];
      this.#dataCharacters = 0;
    } else if (line.startsWith(':')) {
      items.push({ type: 'comment' });
    } else if (line.startsWith('data')) {
      const rest = line.slice(4);
      if (rest !== '' && !rest.startsWith(':')) return;
      const value = rest.startsWith(': ') ? rest.slice(2) : rest.slice(1);
      this.#dataCharacters += value.length;
      if (this.#dataCharacters > maxLineCharacters) throw new SseOverflow('an event is too long');
      this.#data.push(value);
    }
  }
}
