import { describe, expect, it } from 'vitest';
import { StopMatcher } from './stop-matcher.ts';
import { seededRandom } from './testing/gbnf-interpreter.ts';

function run(stops: string[], pieces: string[]): { text: string; stop: string | undefined } {
  const matcher = new StopMatcher(stops);
  let text = '';
  for (const piece of pieces) {
    const result = matcher.push(piece);
    text += result.text;
    if (result.stop !== undefined) return { text, stop: result.stop };
  }
  return { text: text + matcher.finish(), stop: undefined };
}

describe('StopMatcher', () => {
  it.each([
    ['plain', ['END'], 'one END two', 'one ', 'END'],
    ['no stop', ['END'], 'one EN', 'one EN', undefined],
    ['false start', ['aab'], 'aaab', 'a', 'aab'],
    ['a stop inside the beginning of another', ['abcd', 'bc'], 'xabce', 'xa', 'bc'],
    ['two that end together', ['bc', 'abc'], 'xabc', 'x', 'abc'],
    ['Chinese', ['。结束', '用户：'], '你好。结果：用户：再见', '你好。结果：', '用户：'],
    ['emoji that share a half', ['😀!'], '😁😀?😀!', '😁😀?', '😀!'],
    ['at the very start', ['\n\n'], '\n\nx', '', '\n\n'],
  ])('%s', (_, stops, input, text, stop) => {
    const random = seededRandom(3);
    for (let round = 0; round < 30; round++) {
      const pieces: string[] = [];
      for (const character of input) {
        if (pieces.length === 0 || random() < 0.5) pieces.push(character);
        else pieces.push((pieces.pop() ?? '') + character);
      }
      expect(run(stops, pieces), pieces.join('|')).toEqual({ text, stop });
    }
  });

  it('holds back no more than what may begin a stop', () => {
    const matcher = new StopMatcher(['</s>', 'Stop']);
    expect(matcher.push('hello').text).toBe('hello');
    expect(matcher.push(' </').text).toBe(' ');
    expect(matcher.push('b> St').text).toBe('</b> ');
    expect(matcher.push('ep').text).toBe('Step');
    expect(matcher.finish()).toBe('');
  });

  it('finds the same as a search through the whole text, for random stops', () => {
    const random = seededRandom(17);
    const word = (length: number): string => Array.from({ length }, () => 'ab中'[Math.floor(random() * 3)]).join('');
    for (let round = 0; round < 300; round++) {
      const stops = Array.from({ length: 1 + Math.floor(random() * 6) }, () => word(1 + Math.floor(random() * 4)));
      const input = word(20);
      const ends = stops.filter((stop) => input.includes(stop)).map((stop) => input.indexOf(stop) + stop.length);
      const result = run(stops, Array.from(input));
      if (ends.length === 0) {
        expect(result).toEqual({ text: input, stop: undefined });
      } else {
        expect(result.text.length + (result.stop?.length ?? 0)).toBe(Math.min(...ends));
        expect(input.startsWith(result.text + (result.stop ?? '?'))).toBe(true);
      }
    }
  });

  it('sends everything at once where there is nothing to stop at', () => {
    expect(new StopMatcher([]).push('abc')).toEqual({ text: 'abc', stopped: false });
    expect(new StopMatcher(['']).push('abc')).toEqual({ text: 'abc', stopped: false });
  });
});
