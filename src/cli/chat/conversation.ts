/** Questions and answers so far, and how one more answer is shown. */
import { systemClock } from '../../core/clock.ts';
import { dim, type Terminal } from '../terminal.ts';
import { AnswerMeter, figuresText, type AnswerFigures } from './answer-meter.ts';
import type { ChatClient, ChatPart, ChatTurn } from './chat-client.ts';

export type ConversationOptions = {
  client: ChatClient;
  terminal: Terminal;
  model: string;
  system?: string;
  temperature?: number;
  maxTokens?: number;
};

/** `heard` is there where a recording was asked with. */
export type Answer = { text: string; reasoning: string; figures: AnswerFigures; heard?: string };
/** How much of what was read in a picture is shown. */
const mostShown = 200;

export class Conversation {
  readonly #options: ConversationOptions;
  /** Pictures and recordings that go with the next question. */
  #attached: ChatPart[] = [];
  #turns: ChatTurn[] = [];

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.clear();
  }

  clear(): void {
    const { system } = this.#options;
    this.#attached = [];
    this.#turns = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  attach(parts: readonly ChatPart[]): void {
    this.#attached.push(...parts);
  }

  get hasAttached(): boolean {
    return this.#attached.length > 0;
  }

  /**
   * Asks, shows the answer while it comes, and remembers both. An answer that was stopped is remembered as far as it
   * came; a question without any answer is forgotten, so that it can be asked again with the same pictures and recordings.
   *
   * @param question may be empty where a recording asks
   */
  async ask(question: string, signal: AbortSignal, { silent = false } = {}): Promise<Answer> {
    const { client, terminal, model, temperature, maxTokens } = this.#options;
    const meter = new AnswerMeter(systemClock);
    const answer: Omit<Answer, 'figures'> = { text: '', reasoning: '' };
    const attached = this.#attached;
    this.#attached = [];
    this.#turns.push({ role: 'user', content: contentOf(question, attached) });
    const settings = {
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
    };
    try {
      for await (const update of client.ask({ model, messages: [...this.#turns], ...settings }, signal)) {
        if (update.type === 'usage') meter.usage(update.completionTokens);
        else if (update.type === 'read') {
          if (update.kind === 'recording') answer.heard = [answer.heard, update.text].filter(Boolean).join(' ');
          if (!silent) this.#showRead(update.kind, update.text);
        } else {
          meter.text();
          answer[update.type] += update.text;
          if (!silent) this.#show(update.type, update.text, answer);
        }
      }
    } finally {
      if (answer.text === '') {
        this.#turns.pop();
        this.#attached = [...attached, ...this.#attached];
      } else this.#turns.push({ role: 'assistant', content: answer.text });
      if (!silent && answer.text + answer.reasoning !== '') terminal.out('\n');
    }
    const figures = meter.figures();
    if (!silent) terminal.note(`${dim(`[${figuresText(figures)}]`, terminal.noteIsTerminal)}\n`);
    return { ...answer, figures };
  }

  #showRead(kind: 'recording' | 'picture', text: string): void {
    const { terminal } = this.#options;
    const line = text.replaceAll(/\s+/g, ' ').trim();
    if (line === '' && kind === 'picture') return;
    const shown = line === '' ? '(nothing)' : line.length > mostShown ? `${line.slice(0, mostShown)} …` : line;
    terminal.note(`${dim(`${kind === 'recording' ? 'heard' : 'read'}: ${shown}`, terminal.noteIsTerminal)}\n`);
  }

  /** Reasoning is for people who watch; what is piped on gets the answer only. */
  #show(type: 'text' | 'reasoning', text: string, soFar: { text: string; reasoning: string }): void {
    const { terminal } = this.#options;
    if (type === 'reasoning') {
      if (terminal.outIsTerminal) terminal.out(dim(text, true));
      return;
    }
    const isFirst = soFar.text === text;
    if (isFirst && soFar.reasoning !== '' && terminal.outIsTerminal) terminal.out('\n\n');
    terminal.out(text);
  }
}

function contentOf(question: string, attached: readonly ChatPart[]): ChatTurn['content'] {
  if (attached.length === 0) return question;
  return question.trim() === '' ? [...attached] : [...attached, { type: 'text', text: question }];
}
