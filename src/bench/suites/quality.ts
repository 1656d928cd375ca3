/**
 * Twelve questions with an answer that a program can check, so that speed bought with wrong answers is seen. Far too few to
 * rank two models; enough to see one that is broken, cut too short or quantised to pieces.
 */
import { note, sendPatiently, type Suite } from './suite.ts';

const suite = 'quality';
type Item = { name: string; question: string; right: RegExp };

export const qualityItems: readonly Item[] = [
  { name: 'zh-capital', question: '中国的首都是哪里?只回答城市名。', right: /北京/ },
  { name: 'zh-sum', question: '17 加 25 等于多少?只回答数字。', right: /(?<!\d)42(?!\d)/ },
  { name: 'zh-newton', question: '提出万有引力定律的科学家是谁?只回答名字。', right: /牛顿/ },
  { name: 'zh-opposite', question: '“高”的反义词是什么?只回答一个字。', right: /[低矮]/ },
  { name: 'zh-days', question: '一个星期有几天?只回答数字。', right: /7|七/ },
  { name: 'zh-poet', question: '《静夜思》的作者是谁?只回答名字。', right: /李白/ },
  { name: 'en-capital', question: 'What is the capital of France? Answer with one word.', right: /\bparis\b/i },
  {
    name: 'en-product',
    question: 'What is 6 times 7? Answer with the number only.',
    right: /(?<!\d)42(?!\d)|forty-two/i,
  },
  { name: 'en-chemistry', question: 'What is the chemical formula of water? Answer only with it.', right: /H(2|₂)O/i },
  { name: 'en-opposite', question: 'What is the opposite of "hot"? Answer with one word.', right: /\bcold\b/i },
  { name: 'en-planet', question: 'Which planet is closest to the sun? Answer with one word.', right: /\bmercury\b/i },
  {
    name: 'en-code',
    question: 'In Python, what does len("abc") return? Answer with the number only.',
    right: /(?<!\d)3(?!\d)|three/i,
  },
];

export const qualitySuite: Suite = {
  name: suite,
  async run(context) {
    const write = context.write.bind(context);
    for (const { name, question, right } of qualityItems) {
      if (context.signal.aborted) {
        note(context, suite, 'cut', 'the time was over before this question', { case: name });
        continue;
      }
      // The verdict goes onto the record before it is written.
      const judging = {
        ...context,
        write: (line: Parameters<typeof write>[0]) =>
          write(
            line.type === 'request' && line.outcome === 'ok' ? { ...line, correct: right.test(line.text ?? '') } : line,
          ),
      };
      await sendPatiently(judging, {
        suite,
        case: name,
        maxTokens: 32,
        keepText: true,
        messages: [{ role: 'user', content: question }],
      });
    }
  },
};
