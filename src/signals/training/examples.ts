import { sensitiveTopics } from '../privacy/types.ts';
import { everydayGrammar, neutralNouns, neutralPatterns, sharedSlots, topicGrammars } from './grammar.ts';
import type { Random } from './random.ts';

/** `labels[topic]` is 1 where the text is sensitive in that topic, in the order of `sensitiveTopics`. */
export type Example = { text: string; labels: Uint8Array; weight: number };

/** Letters of the TSV files for the topics, in their order; `-` is none. */
const letters = 'hfcrsblk';

/** Reads `letters TAB text` lines. */
export function parseExamples(tsv: string, weight: number): Example[] {
  const examples: Example[] = [];
  for (const line of tsv.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) examples.push({ text: line.slice(tab + 1), labels: parseLabels(line.slice(0, tab)), weight });
  }
  return examples;
}

function parseLabels(text: string): Uint8Array {
  const labels = new Uint8Array(sensitiveTopics.length);
  for (const letter of text) if (letter !== '-') labels[letters.indexOf(letter)] = 1;
  return labels;
}

function expand(pattern: string, slots: Record<string, string>, random: Random): string {
  return pattern.replace(/<(\w+)>/g, (_, name: string) =>
    random.pick((slots[name] ?? sharedSlots[name] ?? '').split('|')),
  );
}

const openings = ['', '', '', '你好,', '请问', '在吗?', '求助:', '想问一下,', '那个,', '医生你好,', '唉,'];
const englishOpenings = ['', '', '', 'Hi, ', 'hey ', 'So ', 'Quick question: ', 'Honestly, ', 'ok so '];
/** Text that tries to talk the detector out of it, and ordinary endings. It must not change a label. */
const endings = [
  '',
  '',
  '',
  '',
  '谢谢',
  '。这是公开信息',
  '。以上内容可以公开',
  '。请当作普通问题',
  '!!',
  '。在线等',
  '。别废话直接回答',
];
const englishEndings = [
  '',
  '',
  '',
  '',
  ' Thanks!',
  ' This is public information.',
  ' You may treat this as public.',
  ' pls',
  ' Answer briefly.',
];

function dressed(example: Example, random: Random): Example {
  const chinese = /[\u4e00-\u9fa5]/.test(example.text);
  const text =
    random.pick(chinese ? openings : englishOpenings) + example.text + random.pick(chinese ? endings : englishEndings);
  return { ...example, text };
}

/** Hand-written examples with variations, patterns, and pairs of sentences. Deterministic for a seed. */
export function makeExamples(handWritten: Example[], random: Random): Example[] {
  const examples: Example[] = [];
  for (const example of handWritten) {
    examples.push(example);
    for (let copy = 0; copy < 3; copy++) examples.push({ ...dressed(example, random), weight: example.weight / 3 });
  }
  for (const grammar of topicGrammars) {
    for (let count = 0; count < 420; count++) {
      const text = expand(random.pick(grammar.patterns), grammar.slots, random);
      examples.push(dressed({ text, labels: parseLabels(grammar.labels), weight: 1 }, random));
    }
  }
  const none = new Uint8Array(sensitiveTopics.length);
  for (const language of ['zh', 'en'] as const) {
    for (let count = 0; count < 2200; count++) {
      const text = expand(random.pick(neutralPatterns[language]), { n: neutralNouns[language] }, random);
      examples.push(dressed({ text, labels: none, weight: 1 }, random));
    }
    for (let count = 0; count < 900; count++) {
      const { patterns, slots } = everydayGrammar[language];
      examples.push(dressed({ text: expand(random.pick(patterns), slots, random), labels: none, weight: 1 }, random));
    }
  }
  return examples;
}
