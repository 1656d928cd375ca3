/** From conversations to tokens, as requests are turned into prompts, with a mark on what is learnt. */
import type { ModelEntry } from '../../core/catalogue.ts';
import type { ChatMessage } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import { personaFor } from '../../core/persona.ts';
import { ControlTextGuard } from '../modules/control-text.ts';
import { ChatTemplate } from '../modules/language/chat-template.ts';
import type { TrainingExample } from '../native/lora-training.ts';
import type { NativeModel } from '../native/model.ts';
import type { Conversation, TrainingMessage } from './training-data.ts';

export type EncodedConversation = TrainingExample & { line: number };

/** The tokenizer's side of a model; the tests give a simulated one. */
export type EncoderModel = Pick<
  NativeModel,
  'metadata' | 'beginTokenText' | 'endTokenText' | 'controlTokens' | 'tokenize' | 'isEnd'
>;

export class ConversationEncoder {
  readonly #model: EncoderModel;
  readonly #template: ChatTemplate;
  readonly #guard: ControlTextGuard;
  readonly #controlTexts: string[];
  readonly #entry: ModelEntry;

  /** Throws `unsupported_feature` where the model has no chat template. */
  constructor(model: EncoderModel, entry: ModelEntry) {
    const templateText = entry.quirks.chatTemplate ?? model.metadata('tokenizer.chat_template');
    if (templateText === undefined) {
      const advice = 'Choose a model that chats.';
      throw makeError('unsupported_feature', {
        model: entry.id,
        feature: 'training on chats: it has no chat template',
        advice,
      });
    }
    this.#model = model;
    this.#template = new ChatTemplate(templateText, { bosToken: model.beginTokenText, eosToken: model.endTokenText });
    this.#controlTexts = [...model.controlTokens().values()].filter((text) => text !== '');
    this.#guard = new ControlTextGuard(this.#controlTexts);
    this.#entry = entry;
  }

  /** Whether somebody wrote the text of a control token into it. Such text is learnt and read as plain text. */
  holdsControlText({ messages }: Conversation): boolean {
    return messages.some(({ content }) => this.#controlTexts.some((text) => content.includes(text)));
  }

  /**
   * Learnt are the tokens of the answers, with the one that ends each; not the questions, the system prompt or the template's
   * own words. Throws `training_data_invalid` where the template cannot take the conversation.
   */
  encode({ line, messages }: Conversation, file: string): EncodedConversation {
    try {
      return { line, ...this.#encode(messages) };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'the chat template cannot take it';
      throw makeError('training_data_invalid', { file, place: `, line ${line}`, reason }, { cause });
    }
  }

  #encode(messages: TrainingMessage[]): TrainingExample {
    const whole = this.#render(messages, false);
    const parts: { text: string; isAnswer: boolean }[] = [];
    let done = 0;
    for (const [index, { role }] of messages.entries()) {
      if (role !== 'assistant') continue;
      const before = this.#render(messages.slice(0, index), true);
      const after = index === messages.length - 1 ? whole : this.#render(messages.slice(0, index + 1), false);
      // A template may write earlier answers otherwise than when they were given; then only the last one can be learnt.
      if (!whole.startsWith(before) || !after.startsWith(before) || !whole.startsWith(after)) continue;
      parts.push({ text: whole.slice(done, before.length), isAnswer: false });
      parts.push({ text: whole.slice(before.length, after.length), isAnswer: true });
      done = after.length;
    }
    if (parts.length === 0) parts.push(...this.#lastAnswer(messages));
    return this.#tokens(parts);
  }

  /** For templates that render a finished answer otherwise than the model says it: the prompt, the answer, the end. */
  #lastAnswer(messages: TrainingMessage[]): { text: string; isAnswer: boolean }[] {
    const answer = messages.at(-1)?.content ?? '';
    const [marked] = this.#guard.protect([toChatMessage({ role: 'user', content: answer })]);
    const part = marked?.content[0];
    const text = part?.type === 'text' ? part.text : answer;
    return [
      { text: this.#render(messages.slice(0, -1), true), isAnswer: false },
      { text: `${text}${this.#model.endTokenText}`, isAnswer: true },
    ];
  }

  #render(messages: TrainingMessage[], addGenerationPrompt: boolean): string {
    const persona = personaFor(this.#entry, messages.find(({ role }) => role === 'user')?.content ?? '');
    return this.#template.render({
      messages: this.#guard.protect(messages.map((message) => toChatMessage(message))),
      tools: [],
      addGenerationPrompt,
      ...(persona === undefined ? {} : { persona }),
    });
  }

  #tokens(parts: { text: string; isAnswer: boolean }[]): TrainingExample {
    const tokens: number[] = [];
    const learnt: number[] = [];
    for (const { text, isAnswer } of parts) {
      let ended = !isAnswer;
      for (const piece of this.#guard.split(text)) {
        for (const token of this.#model.tokenize(piece.text, false, !piece.isPlain)) {
          tokens.push(token);
          learnt.push(ended ? 0 : 1);
          // What the template writes behind the end of an answer is not the model's to say.
          if (!piece.isPlain && this.#model.isEnd(token)) ended = true;
        }
      }
    }
    return { tokens: Int32Array.from(tokens), learnt: Uint8Array.from(learnt) };
  }
}

function toChatMessage({ role, content }: TrainingMessage): ChatMessage {
  const parts = [{ type: 'text' as const, text: content }];
  return role === 'assistant' ? { role, content: parts, toolCalls: [] } : { role, content: parts };
}

/** Cut to the window; one of which nothing learnt is left goes. */
export function cutToWindow(
  encoded: readonly EncodedConversation[],
  windowTokens: number,
): { kept: EncodedConversation[]; cut: number[]; dropped: number[] } {
  const kept: EncodedConversation[] = [];
  const cut: number[] = [];
  const dropped: number[] = [];
  for (const each of encoded) {
    const short = { ...each, tokens: each.tokens.slice(0, windowTokens), learnt: each.learnt.slice(0, windowTokens) };
    // The first token has nothing before it to be said after.
    if (!short.learnt.subarray(1).includes(1)) dropped.push(each.line);
    else {
      kept.push(short);
      if (each.tokens.length > windowTokens) cut.push(each.line);
    }
  }
  return { kept, cut, dropped };
}
