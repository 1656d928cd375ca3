import { describe, expect, it } from 'vitest';
import { readTrainingData } from './training-data.ts';

const line = (question: string, answer = `The answer to ${question}`) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  });
const good = Array.from({ length: 10 }, (_, index) => line(`question ${index}`));
const read = (text: string | Buffer, share = 0.2) => readTrainingData(Buffer.from(text), 'chats.jsonl', share);
const failure = (text: string | Buffer) => {
  try {
    read(text);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('readTrainingData', () => {
  it('keeps some conversations apart, the same ones whatever the order of the lines', () => {
    const data = read(good.join('\n'));
    expect(data.train).toHaveLength(8);
    expect(data.validation).toHaveLength(2);
    const questions = (text: string) =>
      read(text)
        .validation.map(({ messages }) => messages[0]?.content)
        .toSorted();
    expect(questions(good.toReversed().join('\n'))).toEqual(questions(good.join('\n')));
  });

  it('takes what editors and other programs write: a byte order mark, CRLF, blank lines, further fields, a system prompt', () => {
    const withSystem = JSON.stringify({
      id: 7,
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'a', name: 'x' },
        { role: 'assistant', content: 'b' },
      ],
    });
    const data = read(`\uFEFF${[...good, '', withSystem].join('\r\n')}\r\n`);
    expect(data.train.length + data.validation.length).toBe(11);
    expect([...data.train, ...data.validation].map(({ line: number }) => number)).toContain(12);
  });

  it('counts what is said twice once, so that nothing is checked by what was learnt', () => {
    const data = read([...good, good[3], good[4]].join('\n'));
    expect(data.repeated).toBe(2);
    expect(data.train.length + data.validation.length).toBe(10);
  });

  it.each([
    ['no JSON', '{"messages": [', 'not valid JSON'],
    ['another form', '{"prompt": "x", "completion": "y"}', 'messages'],
    [
      'an unknown role',
      '{"messages":[{"role":"robot","content":"x"},{"role":"assistant","content":"y"}]}',
      'messages.0.role',
    ],
    [
      'content that is no text',
      '{"messages":[{"role":"user","content":[1]},{"role":"assistant","content":"y"}]}',
      'messages.0.content',
    ],
    ['one message', '{"messages":[{"role":"assistant","content":"y"}]}', 'fewer than two'],
    [
      'no answer at the end',
      '{"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]}',
      'two questions',
    ],
    ['an empty answer', line('x', ' '), 'an answer is empty'],
  ])('names the line of %s, and reads nothing else', (_, bad, reason) => {
    const error = failure([...good.slice(0, 6), bad, ...good.slice(6)].join('\n'));
    expect(error).toMatchObject({ code: 'training_data_invalid' });
    expect((error as Error).message).toMatch(/^chats\.jsonl, line 7: .*Nothing was trained\.$/);
    expect((error as Error).message).toContain(reason);
  });

  it('names a line that is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from(`${good.join('\n')}\n`), Buffer.from([0x22, 0xff, 0xfe, 0x22])]);
    expect(failure(bytes)).toMatchObject({
      message: 'chats.jsonl, line 11: it is not valid UTF-8. Nothing was trained.',
    });
  });

  it.each([
    ['an empty file', '', 'no conversations'],
    ['blank lines', '\n\n  \n', 'no conversations'],
    ['too few', good.slice(0, 3).join('\n'), '3 different conversations'],
    ['one line again and again', Array.from({ length: 50 }, () => good[0]).join('\n'), '1 different'],
  ])('refuses %s', (_, text, reason) => {
    expect(failure(text)).toMatchObject({
      code: 'training_data_invalid',
      message: expect.stringContaining(reason) as string,
    });
  });
});
