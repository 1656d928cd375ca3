import type { AssistantMessage, ToolCall } from '../core/chat.ts';
import type { StreamEvent } from '../core/events.ts';

/** The answer as the client will send it back with its next turn. Kept only while it streams. */
export class AnswerRecord {
  #text = '';
  readonly #calls: ToolCall[] = [];

  add(event: StreamEvent): void {
    if (event.type === 'text-delta') this.#text += event.text;
    if (event.type !== 'tool-call-delta') return;
    const call = (this.#calls[event.index] ??= { id: event.id ?? '', name: event.name ?? '', arguments: '' });
    call.arguments += event.arguments;
  }

  /** `undefined` where nothing was answered. */
  message(): AssistantMessage | undefined {
    const toolCalls = this.#calls.filter((call) => call !== undefined);
    if (this.#text === '' && toolCalls.length === 0) return undefined;
    return { role: 'assistant', content: this.#text === '' ? [] : [{ type: 'text', text: this.#text }], toolCalls };
  }
}
