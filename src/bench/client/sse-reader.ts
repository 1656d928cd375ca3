/** Server-sent events from bytes cut anywhere; only `data:` matters to a chat completion. */
const maxLineCharacters = 4 * 1024 * 1024;

export class SseReader {
  #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];

  /** The `data` of each event that is complete now. Throws a RangeError for a line that is no chat event. */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > maxLineCharacters) throw new RangeError('a line of the stream is too long');
    const events: string[] = [];
    for (const line of lines) {
      if (line === '' && this.#data.length > 0) {
        events.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
    return events;
  }
}
