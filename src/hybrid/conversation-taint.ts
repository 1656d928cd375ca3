/**
 * Remembers private conversations without remembering a word of them: salted hashes, in the order of their last use.
 * Clients are stateless, so a later turn is recognised by what it repeats:
 *
 * - the chain of its messages (system messages aside) runs through a private point; or
 * - it holds an answer or a tool result of a private conversation (whole, or a sentence of it quoted elsewhere, as title
 *   generators do); or
 * - it holds two messages in a row of a private conversation, so a client that drops the oldest turns is recognised too.
 *
 * Short texts ("继续", "yes") are no sign by themselves: everybody writes them.
 */
import { hash, randomBytes } from 'node:crypto';
import type { ChatMessage } from '../core/chat.ts';

export type TaintOptions = {
  /** Hashes kept; the oldest go first. Default 50,000: about 500 long conversations, 5 MB. */
  capacity?: number;
  /** Default: random, so that hashes of one process mean nothing to another. */
  salt?: string;
  /** Called with each new hash, for whoever keeps them over a restart. */
  onRemember?: (hashes: readonly string[]) => void;
};

/** What a message is for the taint: who spoke and what, without ids and media types. */
type Turn = { role: ChatMessage['role']; text: string; lines: string };

/** Latin letters count 1, ideographs 2. */
const messageWeight = 24;
const sentenceWeight = 32;

export class ConversationTaint {
  readonly #capacity: number;
  readonly #salt: string;
  readonly #hashes = new Set<string>();
  readonly #onRemember: ((hashes: readonly string[]) => void) | undefined;

  constructor(options: TaintOptions = {}) {
    this.#capacity = options.capacity ?? 50_000;
    this.#salt = options.salt ?? randomBytes(16).toString('base64');
    this.#onRemember = options.onRemember;
  }

  get size(): number {
    return this.#hashes.size;
  }

  /** The index of the first message that belongs to a private conversation, or −1. */
  find(messages: readonly ChatMessage[]): number {
    if (this.#hashes.size === 0) return -1;
    let found = -1;
    this.#walk(messages.map(turnOf), (index, hashes) => {
      const isKnown = hashes.chain
        .concat(hashes.marks, hashes.sentences)
        .some((each) => each !== '' && this.#touch(each));
      if (isKnown && found < 0) found = index;
      return found >= 0;
    });
    return found;
  }

  /** Whether a text (a raw prompt, an input of an embedding) is or quotes something private. */
  findText(text: string): boolean {
    return this.find([{ role: 'user', content: [{ type: 'text', text }] }]) >= 0;
  }

  /**
   * @param from index of the first private message; what stands before it was public and stays so
   * @param withUserSentences also what the user wrote is recognised where it is quoted: for texts that no detector would
   * find again
   */
  remember(messages: readonly ChatMessage[], from: number, withUserSentences = false): void {
    const fresh: string[] = [];
    const add = (each: string): void => {
      if (!this.#hashes.delete(each)) fresh.push(each);
      this.#hashes.add(each);
    };
    this.#walk(messages.map(turnOf), (index, hashes) => {
      if (index < from) return false;
      hashes.chain.forEach(add);
      const isOwn = messages[index]?.role === 'user';
      const [alone = '', pair = ''] = hashes.marks;
      if (alone !== '' && (!isOwn || withUserSentences)) add(alone);
      // A pair that begins before the private point would mark public turns.
      if (pair !== '' && index > from) add(pair);
      if (!isOwn || withUserSentences) hashes.sentences.forEach(add);
      return false;
    });
    for (const oldest of this.#hashes) {
      if (this.#hashes.size <= this.#capacity) break;
      this.#hashes.delete(oldest);
    }
    if (fresh.length > 0) this.#onRemember?.(fresh);
  }

  /** From an earlier process that used the same salt. */
  restore(hashes: Iterable<string>): void {
    for (const each of hashes) this.#hashes.add(each);
  }

  #touch(each: string): boolean {
    if (!this.#hashes.delete(each)) return false;
    this.#hashes.add(each);
    return true;
  }

  /** `visit` gets the hashes of each message that is no system message; it returns true to end the walk. */
  #walk(turns: readonly Turn[], visit: (index: number, hashes: TurnHashes) => boolean): void {
    let chain = '';
    let before: Turn | undefined;
    for (const [index, turn] of turns.entries()) {
      if (turn.role === 'system') continue;
      const own = `${turn.role}\n${turn.text}`;
      chain = this.#hash(`chain\n${chain}\n${own}`);
      const pair = before === undefined ? '' : `${before.role}\n${before.text}\n${own}`;
      const hashes = {
        // One short message alone ("hello") begins many conversations.
        chain: before !== undefined || weigh(turn.text, messageWeight) ? [chain] : [],
        marks: [
          weigh(turn.text, messageWeight) ? this.#hash(`message\n${own}`) : '',
          before !== undefined && weigh(before.text + turn.text, messageWeight) ? this.#hash(`pair\n${pair}`) : '',
        ],
        sentences: sentencesOf(turn.lines).map((sentence) => this.#hash(`sentence\n${sentence}`)),
      };
      if (visit(index, hashes)) return;
      before = turn;
    }
  }

  /** 96 bits are enough: a false hit keeps a public request on the device, nothing more. */
  #hash(text: string): string {
    return hash('sha256', this.#salt + text, 'base64').slice(0, 16);
  }
}

/** `marks`: the message alone, and with the one before it; an empty string where it is too short to mean anything. */
type TurnHashes = { chain: string[]; marks: string[]; sentences: string[] };

function turnOf(message: ChatMessage): Turn {
  const parts = message.content.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'audio') return `audio:${digest(part.bytes)}`;
    return part.source.kind === 'url' ? part.source.url : `image:${digest(part.source.bytes)}`;
  });
  if (message.role === 'assistant') {
    for (const call of message.toolCalls) parts.push(`${call.name} ${call.arguments}`);
  }
  // Clients trim and join differently.
  const lines = parts.join('\n');
  return { role: message.role, text: lines.replaceAll(/\s+/g, ' ').trim(), lines };
}

function digest(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64');
}

/** Where a quotation may begin and end: at line ends, full stops, quotation marks and colons. */
function sentencesOf(lines: string): string[] {
  return lines
    .split(/[。！？；!?;:：\n"“”「」『』《》]|\.(?=\s|$)/u)
    .map((sentence) =>
      sentence
        .replaceAll(/\s+/g, ' ')
        .replace(/[.\s]+$/, '')
        .trim(),
    )
    .filter((sentence) => weigh(sentence, sentenceWeight));
}

/** Whether a text says enough to be told from others. */
function weigh(text: string, wanted: number): boolean {
  if (text.length >= wanted) return true;
  let weight = 0;
  for (let index = 0; index < text.length; index++) weight += text.charCodeAt(index) >= 0x2e80 ? 2 : 1;
  return weight >= wanted;
}
