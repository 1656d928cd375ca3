import { describe, expect, it } from 'vitest';
import { checkAnswer } from './check-answer.ts';
import { auroc, bootstrap, mean, seeded } from './figures.ts';
import { loadQuestions, type Check } from './questions.ts';

describe('the checkers', () => {
  it.each<[Check, string, boolean]>([
    [{ kind: 'words', groups: [['Paris']] }, 'It is paris.', true],
    [{ kind: 'words', groups: [['au']] }, 'because', false],
    [{ kind: 'words', groups: [['a'], ['b']] }, 'a only', false],
    [{ kind: 'words', groups: [['2'], ['28']] }, 'by the 2nd, or the 28th', true],
    [{ kind: 'words', groups: [['2']] }, 'by the 22nd', false],
    [{ kind: 'words', groups: [['巴黎']], maxCharacters: 3 }, '首都是巴黎', false],
    [{ kind: 'last-line', groups: [['是']] }, '想一想\n不是', false],
    [{ kind: 'last-line', groups: [['no']] }, 'I know.\nNo', true],
    [{ kind: 'number', value: 1234 }, '12 + 1222 = 1,234', true],
    [{ kind: 'number', value: 12 }, 'twelve', false],
    [{ kind: 'pattern', pattern: '^(- [^\\n]+\\n?){2}$' }, '- a\n- b', true],
    [{ kind: 'pattern', pattern: '^(- [^\\n]+\\n?){2}$' }, 'Sure:\n- a\n- b', false],
    [{ kind: 'json', fields: { city: '杭州', price: 12 } }, '```json\n{"city":"杭州","price":12}\n```', true],
    [{ kind: 'json', fields: { city: '杭州' } }, '{"city":"宁波"}', false],
    [
      { kind: 'javascript', name: 'add', cases: [[[2, 3], 5]] },
      '```js\nfunction add(a, b) { return a + b; }\n```',
      true,
    ],
    [{ kind: 'javascript', name: 'add', cases: [[[2, 3], 5]] }, 'export const add = (a, b) => a - b;', false],
    [{ kind: 'javascript', name: 'add', cases: [[[2, 3], 5]] }, 'function add() { for (;;); }', false],
  ])('%j judges %j as %s', (check, answer, right) => {
    expect(checkAnswer(check, answer)).toBe(right);
  });
});

describe('the questions', () => {
  const questions = loadQuestions();
  it('are at least 600, over all text tasks, in both languages, each with its own id', () => {
    expect(questions.length).toBeGreaterThanOrEqual(600);
    expect(new Set(questions.map(({ id }) => id)).size).toBe(questions.length);
    for (const language of ['zh', 'en']) {
      const tasks = new Set(questions.filter((each) => each.language === language).map(({ task }) => task));
      expect(tasks.size).toBe(9);
    }
  });

  it('are not answered by their own text', () => {
    const answered = questions.filter(
      ({ prompt, check, task }) => task !== 'chat' && checkAnswer(check, prompt.slice(0, 200)),
    );
    expect(answered.length / questions.length).toBeLessThan(0.03);
  });
});

describe('the figures', () => {
  it('AUROC is 1 for a perfect order, a half for none, and counts ties half', () => {
    expect(auroc([1, 2, 3, 4], [false, false, true, true])).toBe(1);
    expect(auroc([4, 3, 2, 1], [false, false, true, true])).toBe(0);
    expect(auroc([1, 1, 1, 1], [false, true, false, true])).toBe(0.5);
    expect(auroc([1, 2], [true, true])).toBeNaN();
  });

  it('bootstrap intervals hold the value', () => {
    const values = Array.from({ length: 200 }, (_, index) => index % 2);
    const { value, low, high } = bootstrap(200, (indices) => mean(indices.map((i) => values[i] ?? 0)), seeded(1));
    expect(value).toBe(0.5);
    expect(low).toBeGreaterThan(0.4);
    expect(high).toBeLessThan(0.6);
  });
});
