/**
 * Keeps text that a person or a tool wrote from being read as control tokens: `<|im_end|>` typed by a user must not
 * end the user's turn. Such text is swapped for marks before the template is rendered, and turned into plain tokens
 * when the rendered prompt is tokenized.
 */
import type { ChatMessage, ContentPart } from '../../core/chat.ts';

/** Private-use characters; a message that holds them already has them replaced. */
const markOpen = '\u{F8F0}';
const markClose = '\u{F8F1}';
/** Where a picture stands, for templates that know no pictures. */
export const pictureMark = '\u{F8F2}';
const markPattern = /\u{F8F0}(\d+)\u{F8F1}/u;

export class ControlTextGuard {
  readonly #texts: string[];
  readonly #pattern: RegExp | undefined;

  /** @param controlTexts the texts of the vocabulary's control tokens */
  constructor(controlTexts: Iterable<string>) {
    this.#texts = [...controlTexts].filter((text) => text !== '').toSorted((left, right) => right.length - left.length);
    this.#pattern =
      this.#texts.length === 0
        ? undefined
        : new RegExp(this.#texts.map((text) => escapeForPattern(text)).join('|'), 'g');
  }

  protect(messages: ChatMessage[]): ChatMessage[] {
    return messages.map((message) => ({
      ...message,
      content: message.content.map((part): ContentPart =>
        part.type === 'text' ? { type: 'text', text: this.#mark(part.text) } : part,
      ),
    }));
  }

  /** The rendered prompt in pieces: the template's own text, and text that is never control. */
  split(prompt: string): { text: string; isPlain: boolean }[] {
    return prompt
      .split(markPattern)
      .map((text, index) =>
        index % 2 === 0 ? { text, isPlain: false } : { text: this.#texts[Number(text)] ?? '', isPlain: true },
      )
      .filter((piece) => piece.text !== '');
  }

  #mark(text: string): string {
    const clean = text.replaceAll(/[\u{F8F0}-\u{F8F2}]/gu, '\u{FFFD}');
    if (this.#pattern === undefined) return clean;
    return clean.replace(this.#pattern, (found) => `${markOpen}${this.#texts.indexOf(found)}${markClose}`);
  }
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
