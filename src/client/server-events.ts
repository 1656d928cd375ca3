/** Server-sent events (HTML Living Standard, 9.2.6), from text that may be cut anywhere. */
import { DuanyunClientError } from './errors.ts';

export type ServerEvent = { type: 'data'; data: string } | { type: 'comment'; text: string };

/** Characters. A line longer than this is no event of Duanyun; without a limit garbage would fill the memory. */
const maxLineLength = 16 * 1024 * 1024;

export class ServerEventParser {
  #rest = '';
  /** Up to here the rest holds no end of a line. */
  #searched = 0;
  #data: string[] = [];
  #isFirst = true;

  /** What an incomplete event holds at the end of a stream is thrown away, as the standard says. */
  push(text: string): ServerEvent[] {
    if (text === '') return [];
    const events: ServerEvent[] = [];
    this.#rest += text;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (this.#rest.startsWith('\uFEFF')) this.#rest = this.#rest.slice(1);
    }
    let start = 0;
    for (;;) {
      const end = lineEnd(this.#rest, Math.max(start, this.#searched));
      if (end === undefined) break;
      this.#line(this.#rest.slice(start, end.at), events);
      start = end.next;
    }
    this.#rest = this.#rest.slice(start);
    // A carriage return at the very end may be half of a line break.
    this.#searched = this.#rest.endsWith('\r') ? this.#rest.length - 1 : this.#rest.length;
    if (this.#rest.length > maxLineLength) {
      throw new DuanyunClientError('response_invalid', 'The server sent a line that is too long for an event.');
    }
    return events;
  }

  #line(line: string, events: ServerEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ type: 'data', data: this.#data.join('\n') });
      this.#data = [];
      return;
    }
    if (line.startsWith(':')) {
      events.push({ type: 'comment', text: line.slice(1).trim() });
      return;
    }
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    if (name !== 'data') return;
    const value = colon === -1 ? '' : line.slice(colon + 1);
    this.#data.push(value.startsWith(' ') ? value.slice(1) : value);
  }
}

/** LF, CRLF or CR. `undefined` while the line may go on. */
function lineEnd(text: string, from: number): { at: number; next: number } | undefined {
  for (let at = from; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 10) return { at, next: at + 1 };
    if (character === 13) {
      if (at + 1 === text.length) return undefined;
      return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
    }
  }
  return undefined;
}
