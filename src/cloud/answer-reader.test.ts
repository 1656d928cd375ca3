import { describe, expect, it } from 'vitest';
import type { StreamEvent } from '../core/events.ts';
import { AnswerReader } from './answer-reader.ts';

function read(chunks: unknown[], returnReasoning = true): StreamEvent[] {
  const reader = new AnswerReader({ returnReasoning, estimatedPromptTokens: 5 });
  return [...chunks.flatMap((chunk) => reader.push(JSON.stringify(chunk))), ...reader.end()];
}
const choice = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

describe('the reader of OpenAI chunks', () => {
  it.each(['reasoning_content', 'reasoning'])('reads %s as reasoning', (field) => {
    const events = read([choice({ [field]: 'hm' }), choice({ content: 'yes' }), choice({}, 'stop')]);
    expect(events.slice(0, 2)).toEqual([
      { type: 'reasoning-delta', text: 'hm' },
      { type: 'text-delta', text: 'yes' },
    ]);
    expect(read([choice({ [field]: 'hm' }), choice({}, 'stop')], false)[0]?.type).toBe('usage');
  });

  it('puts tool calls together by their index', () => {
    const call = (fields: object) => choice({ tool_calls: [fields] });
    const events = read([
      call({ index: 0, id: 'a', type: 'function', function: { name: 'tap', arguments: '' } }),
      call({ index: 0, function: { arguments: '{"x"' } }),
      call({ index: 1, function: { name: 'home', arguments: '{}' } }),
      call({ index: 0, function: { arguments: ':1}' } }),
      choice({}, 'tool_calls'),
    ]);
    expect(events.slice(0, 4)).toEqual([
      { type: 'tool-call-delta', index: 0, id: 'a', name: 'tap', arguments: '' },
      { type: 'tool-call-delta', index: 0, arguments: '{"x"' },
      { type: 'tool-call-delta', index: 1, id: 'call_1', name: 'home', arguments: '{}' },
      { type: 'tool-call-delta', index: 0, arguments: ':1}' },
    ]);
    expect(events.at(-1)).toMatchObject({ reason: { unified: 'tool-calls', raw: 'tool_calls' } });
  });

  it('joins a character that two chunks share, and never shows half of one', () => {
    const events = read([
      choice({ content: 'a\uD83E' }),
      choice({ content: '\uDD9Cb' }),
      choice({ content: '\uD83E' }),
      choice({ content: 'c' }),
      choice({}, 'stop'),
    ]);
    const texts = events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));
    expect(texts).toEqual(['a', '🦜b', '\uFFFDc']);
  });

  it('takes the usage that the server states, and counts where it states none', () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } };
    expect(read([choice({ content: 'x' }, 'stop'), { choices: [], usage }]).at(-2)).toMatchObject({
      usage: { promptTokens: 7, completionTokens: 3, cachedTokens: 4 },
    });
    expect(read([choice({ content: 'x' }), choice({ content: 'y' }, 'length')]).at(-2)).toMatchObject({
      usage: { promptTokens: 5, completionTokens: 2 },
    });
  });

  it.each([
    ['no finish reason', [choice({ content: 'x' })]],
    ['a given up answer', [choice({ content: 'x' }), choice({}, 'abort')]],
    ['an error in the stream', [choice({ content: 'x' }), { error: { message: 'boom' } }]],
    ["vLLM's error object", [{ object: 'error', message: 'boom' }]],
    ['chunks of another form', [{ choices: 'x' }]],
    ['no object', ['text']],
  ])('refuses to finish after %s', (_, chunks) => {
    expect(() => read(chunks)).toThrow();
  });
});
