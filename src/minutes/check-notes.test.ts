import { describe, expect, it } from 'vitest';
import type { TranscriptLine } from '../core/minutes.ts';
import { checkNotes } from './check-notes.ts';

function meeting(...lines: string[]): TranscriptLine[] {
  return lines.map((line, index) => {
    const [speaker = '', text = ''] = line.split(': ');
    return { start: index * 10, end: index * 10 + 9, speaker, text };
  });
}

const nothing = { decisions: [], actions: [], questions: [] };
const english = meeting(
  'Anna: Two tests fail on the payment page.',
  'Ben: Do we know why?',
  'Anna: The card form is broken.',
  'Anna: Ben, please fix the card form by Wednesday.',
  'Anna: Then we decide that the release moves from Thursday to next Monday.',
  'Clara: Should we tell the customers?',
  'Anna: Yes, I will write an email to the customers tomorrow.',
  'Ben: Do we still support the old mobile app?',
  "Clara: I don't know, we have to ask the sales team.",
);
const chinese = meeting(
  '王经理: 支付页面还有两个问题。',
  '李明: 支付页面的问题我周三之前修好。',
  '王经理: 那我们决定把发布时间推迟到下周一。',
  '张华: 需要通知客户吗?',
  '王经理: 要的,小陈明天给客户发一封邮件。',
  '小陈: 旧版本的手机应用还要不要继续支持?',
  '王经理: 这个问题现在还不清楚,要问一下销售部门。',
);

describe('what the transcript does not bear out goes', () => {
  it('an invented item, owner and date', () => {
    const checked = checkNotes(
      {
        decisions: [{ text: 'The office moves to Berlin' }],
        actions: [{ task: 'Fix the card form', owner: 'Gregor', due: 'in December' }],
        questions: [{ text: 'Who pays for the coffee machine?' }],
      },
      english,
      { language: 'en', date: '2026-11-27' },
    );
    expect(checked.leftOut).toBe(2);
    expect(JSON.stringify(checked)).not.toMatch(/Berlin|Gregor|December|coffee/);
    expect(checked.actions).toContainEqual({
      text: 'Fix the card form',
      at: 30,
      owner: 'Ben',
      due: { text: 'Wednesday', date: '2026-12-02' },
    });
  });

  it('a question that was taken for a decision, and one that was answered', () => {
    const checked = checkNotes(
      {
        ...nothing,
        decisions: [{ text: 'Should we tell the customers' }],
        questions: [{ text: 'Should we tell the customers?' }],
      },
      english,
      { language: 'en' },
    );
    expect(checked.decisions.map(({ at }) => at)).toEqual([40]);
    expect(checked.questions.map(({ at }) => at)).toEqual([70]);
  });
});

describe('what was said in so many words is noted although the model passed it over', () => {
  it('in English', () => {
    expect(checkNotes(nothing, english, { language: 'en' })).toEqual({
      decisions: [{ text: 'We decide that the release moves from Thursday to next Monday.', at: 40 }],
      actions: [
        { text: 'Ben, please fix the card form by Wednesday.', at: 30, owner: 'Ben', due: { text: 'Wednesday' } },
        {
          text: 'I will write an email to the customers tomorrow.',
          at: 60,
          owner: 'Anna',
          due: { text: 'tomorrow' },
        },
      ],
      questions: [{ text: 'Do we still support the old mobile app?', at: 70 }],
      leftOut: 0,
    });
  });

  it('in Chinese', () => {
    const checked = checkNotes(nothing, chinese, { language: 'zh', date: '2026-11-27' });
    expect(checked.decisions).toEqual([{ text: '我们决定把发布时间推迟到下周一。', at: 20 }]);
    expect(checked.actions).toContainEqual({
      text: '支付页面的问题我周三之前修好。',
      at: 10,
      owner: '李明',
      due: { text: '周三', date: '2026-12-02' },
    });
    expect(checked.actions).toContainEqual(
      expect.objectContaining({ at: 40, owner: '小陈', due: { text: '明天', date: '2026-11-28' } }),
    );
    expect(checked.questions).toEqual([{ text: '旧版本的手机应用还要不要继续支持?', at: 50 }]);
  });
});

it('without known words of a language only what is borne out counts', () => {
  const german = meeting('Eva: Wir verschieben die Freigabe auf Montag.', 'Jan: Ich schreibe den Kunden.');
  const checked = checkNotes(
    {
      decisions: [{ text: 'Die Freigabe auf Montag verschieben' }, { text: 'Das Büro zieht um' }],
      actions: [{ task: 'Den Kunden schreiben', owner: 'Jan', due: '' }],
      questions: [],
    },
    german,
    { language: 'de' },
  );
  expect(checked).toMatchObject({
    decisions: [{ at: 0 }],
    actions: [{ text: 'Den Kunden schreiben', owner: 'Jan', at: 10 }],
    leftOut: 1,
  });
});
