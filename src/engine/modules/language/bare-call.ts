/**
 * Small Qwen2.5-Coder models tend to write a tool call without its tags: the bare object, or in a code fence, `<tools>` tags
 * or a list. This tells such an answer from ordinary text as early as possible.
 */

const fence = '```';
const openers = [`${fence}json`, `${fence}tool_call`, fence, '<tools>'];
/** What may stand after the calls, by what stood before them. */
const closers: Record<string, string> = { '<tools>': '</tools>' };

export type BareStart =
  /** An object that calls one of the tools starts at `at`; `closing` lists what may follow and means nothing. */
  | { state: 'yes'; at: number; closing: string[] }
  /** Could still become one. */
  | { state: 'maybe' }
  | { state: 'no' };

/** `text` starts at the first character that is not white space; `names` are the tools on offer. */
export function findBareCall(text: string, names: readonly string[], isEnd: boolean): BareStart {
  const cursor = new Cursor(text, isEnd);
  const closing: string[] = [];
  // Longest first, and not the short fence while it may still become a longer one.
  if (!isEnd && openers.some((each) => each.length > text.length && each.startsWith(text))) return { state: 'maybe' };
  const opener = openers.find((each) => text.startsWith(each));
  if (opener !== undefined) {
    closing.push(closers[opener] ?? fence);
    cursor.skip(opener.length);
  }
  cursor.blanks();
  if (cursor.peek() === '[') {
    closing.push(']', ',');
    cursor.skip(1);
    cursor.blanks();
  } else {
    closing.push(',');
  }
  const at = cursor.position;
  const quoted = names.map((name) => JSON.stringify(name));
  const parts = [['{'], ['"name"'], [':'], quoted, [','], ['"arguments"', '"parameters"'], [':'], ['{']];
  for (const part of parts) {
    const state = cursor.accept(part);
    if (state !== 'yes') return { state };
    cursor.blanks();
  }
  return { state: 'yes', at, closing };
}

class Cursor {
  readonly #text: string;
  readonly #isEnd: boolean;
  position = 0;

  constructor(text: string, isEnd: boolean) {
    this.#text = text;
    this.#isEnd = isEnd;
  }

  peek(): string {
    return this.#text[this.position] ?? '';
  }

  skip(length: number): void {
    this.position += length;
  }

  blanks(): void {
    while (/\s/.test(this.peek())) this.position++;
  }

  accept(options: readonly string[]): 'yes' | 'maybe' | 'no' {
    const rest = this.#text.slice(this.position);
    const match = options.find((option) => rest.startsWith(option));
    if (match !== undefined) {
      this.position += match.length;
      return 'yes';
    }
    return !this.#isEnd && options.some((option) => option.startsWith(rest)) ? 'maybe' : 'no';
  }
}
