import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../../core/chat.ts';
import { truncateMessages } from './truncate.ts';

const text = (value: string): { type: 'text'; text: string }[] => [{ type: 'text', text: value }];
const system = (value: string): ChatMessage => ({ role: 'system', content: text(value) });
const user = (value: string): ChatMessage => ({ role: 'user', content: text(value) });
const assistant = (value: string, calls: string[] = []): ChatMessage => ({
  role: 'assistant',
  content: text(value),
  toolCalls: calls.map((id) => ({ id, name: 'f', arguments: '{}' })),
});
const result = (id: string): ChatMessage => ({ role: 'tool', toolCallId: id, content: text(id) });

/** Ten tokens a message. */
const count = (messages: ChatMessage[]): number => messages.length * 10;
const truncate = (messages: ChatMessage[], budgetTokens: number): ReturnType<typeof truncateMessages> =>
  truncateMessages({ messages, budgetTokens, countTokens: count, model: 'm', contextTokens: 4096 });
const names = (messages: ChatMessage[]): string =>
  messages.map((message) => message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')).join(' ');

describe('truncateMessages', () => {
  const chat = [
    system('s'),
    user('u1'),
    assistant('a1'),
    user('u2'),
    assistant('c2', ['t2', 't2b']),
    result('t2'),
    result('t2b'),
    assistant('a2'),
    user('u3'),
  ];

  it('leaves alone what fits', () => {
    expect(truncate(chat, 90)).toEqual({ messages: chat, droppedMessages: 0 });
  });

  it('drops whole turns from the oldest', () => {
    expect(names(truncate(chat, 89).messages)).toBe('s u2 c2 t2 t2b a2 u3');
    expect(names(truncate(chat, 70).messages)).toBe('s u2 c2 t2 t2b a2 u3');
    expect(truncate(chat, 69)).toEqual({ messages: [system('s'), user('u3')], droppedMessages: 7 });
  });

  it('keeps system messages wherever they stand', () => {
    expect(names(truncate([user('u1'), assistant('a1'), system('s2'), user('u2')], 25).messages)).toBe('s2 u2');
  });

  it('drops old tool rounds of the last turn, a call never without its results', () => {
    const agent = [
      user('u'),
      assistant('c1', ['r1']),
      result('r1'),
      assistant('c2', ['r2']),
      result('r2'),
      assistant('c3', ['r3']),
      result('r3'),
    ];
    expect(names(truncate(agent, 50).messages)).toBe('u c2 r2 c3 r3');
    expect(names(truncate(agent, 49).messages)).toBe('u c3 r3');
    expect(() => truncate(agent, 29)).toThrow('70 tokens');
  });

  it('says so when the last user message alone is too long', () => {
    expect(() => truncate(chat, 19)).toThrow(expect.objectContaining({ code: 'context_length_exceeded' }));
    expect(() => truncate([user('u')], 5)).toThrow(expect.objectContaining({ code: 'context_length_exceeded' }));
    expect(() => truncate([], -1)).toThrow(expect.objectContaining({ code: 'context_length_exceeded' }));
  });

  it('counts a few times only', () => {
    const long = Array.from({ length: 1000 }, (_, index) => [user(`u${index}`), assistant(`a${index}`)]).flat();
    let calls = 0;
    const kept = truncateMessages({
      messages: [...long, user('now')],
      budgetTokens: 505,
      model: 'm',
      contextTokens: 4096,
      countTokens: (messages) => {
        calls++;
        return count(messages);
      },
    });
    expect(kept.messages).toHaveLength(49);
    expect(calls).toBeLessThan(15);
  });
});
