/**
 * Parses a text that grows at its end. Blocks that further text cannot change are parsed once; only the last ones are
 * parsed again, so that the work of a step does not grow with the text.
 */
import { type Block, parseMarkdown, plain } from './parse.ts';

/** The last two blocks are open: a line may still join them (a list's next item, a paragraph's next line). */
const openBlocks = 2;
/** An open part longer than this is shown unformatted until it ends; characters. */
const longestOpen = 8_000;
const fence = /^ {0,3}(`{3,}|~{3,})([^\n]*)\n/;

export class GrowingDocument {
  #source = '';
  #closed: Block[] = [];
  #closedLength = 0;

  /** @param isComplete nothing will follow */
  blocks(source: string, isComplete: boolean): readonly Block[] {
    if (!source.startsWith(this.#source.slice(0, this.#closedLength))) {
      this.#closed = [];
      this.#closedLength = 0;
    }
    this.#source = source;
    const rest = source.slice(this.#closedLength);
    const code = isComplete ? undefined : openCode(rest);
    if (code !== undefined) return [...this.#closed, code];
    if (!isComplete && rest.length > longestOpen) return [...this.#closed, plain(rest)];
    const parsed = parseMarkdown(rest);
    const closed = isComplete ? parsed.length : Math.max(0, parsed.length - openBlocks);
    const next = parsed[closed];
    const offset = closed === parsed.length ? rest.length : next?.position?.start.offset;
    if (closed > 0 && offset !== undefined) {
      this.#closed = [...this.#closed, ...parsed.slice(0, closed)];
      // The line's indentation belongs to the block: an indented code would lose it.
      const lineStart = rest.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
      this.#closedLength += closed === parsed.length ? rest.length : lineStart;
      return [...this.#closed, ...parsed.slice(closed)];
    }
    return [...this.#closed, ...parsed];
  }
}

/** Code whose fence is not closed yet needs no parser: all that comes is code. */
function openCode(rest: string): Block | undefined {
  const opening = fence.exec(rest);
  if (opening === null) return undefined;
  const [line, marks = '', info = ''] = opening;
  if (marks.startsWith('`') && info.includes('`')) return undefined;
  const closing = new RegExp(`\\n {0,3}${marks[0]}{${marks.length},}[ \\t]*(\\n|$)`);
  if (closing.test(rest.slice(line.length - 1))) return undefined;
  const language = info.trim().split(/\s/)[0] ?? '';
  return { type: 'code', value: rest.slice(line.length), ...(language === '' ? {} : { lang: language }) };
}
