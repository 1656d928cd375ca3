import { describe, expect, it } from 'vitest';
import { type ServerEvent, ServerEventParser } from './server-events.ts';

function read(...pieces: string[]): ServerEvent[] {
  const parser = new ServerEventParser();
  return pieces.flatMap((piece) => parser.push(piece));
}
const data = (text: string): ServerEvent => ({ type: 'data', data: text });

describe('server-sent events', () => {
  it.each([
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
    ['both', '\r\n'],
  ])('are the same however they are cut, with %s', (_, end) => {
    const text = [
      '\uFEFF: keep-alive',
      '',
      'event: named',
      'id: 7',
      'data: {"a":1}',
      '',
      'data:x',
      'data: y',
      '',
      '',
    ].join(end);
    const expected = [{ type: 'comment', text: 'keep-alive' }, data('{"a":1}'), data('x\ny')];
    // A lone carriage return at the end is a line break only once something follows it.
    const whole = end === '\r' ? `${text}:` : text;
    expect(read(whole)).toEqual(expected);
    for (let at = 1; at < whole.length; at += 1) expect(read(whole.slice(0, at), whole.slice(at))).toEqual(expected);
    expect(read(...whole.split(''))).toEqual(expected);
  });

  it('throw away what is incomplete at the end', () => {
    expect(read('data: a\n\ndata: b\n')).toEqual([data('a')]);
    expect(read('data: a\n\ndata: b')).toEqual([data('a')]);
  });

  it('are not made of fields without data, or of garbage', () => {
    expect(read('event: ping\n\n', 'retry: 10\n\n', '\u0000\u0001\n\n', '<html>\n\n')).toEqual([]);
    expect(read('data\n\n')).toEqual([data('')]);
  });

  it('have an end: a line without one is refused instead of kept', () => {
    const parser = new ServerEventParser();
    const piece = 'x'.repeat(1024 * 1024);
    expect(() => {
      for (let times = 0; times < 20; times += 1) parser.push(piece);
    }).toThrow(/too long/);
  });
});
