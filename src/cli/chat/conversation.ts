/** Questions and answers so far, and how one more answer is shown. */
import { systemClock } from '../../core/clock.ts';
import { dim, type Terminal } from '../terminal.ts';
import { AnswerMeter, figuresText, type AnswerFigures } from './answer-meter.ts';
import type { ChatClient, ChatTurn } from './chat-client.ts';

export type ConversationOptions = {
  client: ChatClient;
  terminal: Terminal;
  model: string;
  system?: string;
  temperature?: number;
  maxTokens?: number;
};

export type Answer = { text: string; reasoning: string; figures: AnswerFigures };

export class Conversation {
  readonly #options: ConversationOptions;
  #turns: ChatTurn[] = [];

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.clear();
  }

  clear(): void {
    const { system } = this.#options;
    this.#turns = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  /**
   * Asks, shows the answer while it comes, and remembers both. An answer that was stopped is remembered as far as it
   * came; a question without any answer is forgotten, so that it can be asked again.
   */
  async ask(question: string, signal: AbortSignal, { silent = false } = {}): Promise<Answer> {
    const { client, terminal, model, temperature, maxTokens } = this.#options;
    const meter = new AnswerMeter(systemClock);
    const answer = { text: '', reasoning: '' };
    this.#turns.push({ role: 'user', content: question });
    const settings = {
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
    };
    try {
      for await (const update of client.ask({ model, messages: [...this.#turns], ...settings }, signal)) {
        if (update.type === 'usage') meter.usage(update.completionTokens);
        else {
          meter.text();
          answer[update.type] += update.text;
          if (!silent) this.#show(update.type, update.text, answer);
        }
      }
    } finally {
      if (answer.text === '') this.#turns.pop();
      else this.#turns.push({ role: 'assistant', content: answer.text });
      if (!silent && answer.text + answer.reasoning !== '') terminal.out('\n');
    }
    const figures = meter.figures();
    if (!silent) terminal.note(`${dim(`[${figuresText(figures)}]`, terminal.noteIsTerminal)}\n`);
    return { ...answer, figures };
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
