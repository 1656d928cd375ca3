import { softTopicWords } from '../privacy/topics/soft-topic-words.ts';
import { topicWords } from '../privacy/topics/topic-words.ts';
import { sensitiveTopics } from '../privacy/types.ts';
import {
  everydayGrammar,
  harmlessGrammar,
  neutralNouns,
  neutralPatterns,
  sharedSlots,
  topicGrammars,
} from './grammar.ts';
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

/** Word groups whose words say, beside a person, that a matter is private; with the letter of the topic. */
const tellingGroups: [string, readonly (keyof typeof topicWords)[]][] = [
  ['h', ['disease', 'symptom', 'drug', 'mental', 'pregnancy']],
  ['f', ['debt']],
  ['r', ['faith', 'practice']],
  ['s', ['orientation', 'intimacy']],
  ['b', ['biometricWord']],
];
const personalFrames = {
  zh: [
    '<who><when><w><how>',
    '<iwho><w>,<w2><how>',
    '<when><iwho>因为<w><w2>',
    '<w><when><w2><how>',
    '<iwho><w>怎么办',
    '不敢告诉<who>,我<w>',
    '<who>的<w>,<w2>',
  ],
  en: [
    '<ewho> <w> <ewhen><ehow>',
    'I have <w> and <w2><ehow>',
    'my <w> <w2><ehow>',
    'our <w> <ewhen>',
    'nobody knows about my <w>',
    '<w> <ewhen>, <w2><ehow>',
    "I can't tell anyone about <w><ehow>",
  ],
};
const neutralFrames = {
  zh: ['<w>是什么意思', '<w>的历史', '介绍<w>和<w2>', '研究<w>的论文', '小说里的<w>', '为什么<w>与<w2>有关', '<w>怎么翻译', '<w>的新闻报道', '如何科普<w>', '常见的<w>有哪些'],
  en: ['what is <w>', 'history of <w>', 'explain <w> and <w2>', 'a study on <w>', 'a novel about <w>', 'why <w> and <w2> are related in the population', 'translate <w>', 'news about <w>', 'common types of <w>', 'write a story about <w>'],
}; // prettier-ignore

/** Teaches what every word of a list means with a person and without one, also those that no sentence uses. */
function wordListExamples(random: Random, count: number): Example[] {
  const examples: Example[] = [];
  for (const [letter, groups] of tellingGroups) {
    const all = groups.flatMap((group) => topicWords[group].split('|'));
    const soft =
      { h: 'ailment', f: 'moneySoft', r: 'faithSoft', s: 'intimacySoft', b: 'identitySoft' }[letter] ?? 'ailment';
    const near = softTopicWords[soft as keyof typeof softTopicWords].split('|');
    for (const language of ['zh', 'en'] as const) {
      const own = (word: string): boolean => /[\u4e00-\u9fa5]/.test(word) === (language === 'zh');
      const words = all.filter(own);
      const others = near.filter(own);
      for (let round = 0; round < count; round++) {
        const slots = { w: random.pick(words), w2: random.pick(random.next() < 0.5 ? words : others) };
        examples.push({
          text: expand(random.pick(personalFrames[language]), slots, random),
          labels: parseLabels(letter),
          weight: 0.6,
        });
        examples.push({
          text: expand(random.pick(neutralFrames[language]), slots, random),
          labels: parseLabels('-'),
          weight: 0.6,
        });
      }
    }
  }
  return examples;
}

/** Hand-written examples with variations, patterns, and pairs of sentences. Deterministic for a seed. */
export function makeExamples(handWritten: Example[], random: Random): Example[] {
  const examples: Example[] = [];
  for (const example of handWritten) {
    examples.push(example);
    for (let copy = 0; copy < 3; copy++) examples.push({ ...dressed(example, random), weight: example.weight / 3 });
  }
  for (const grammar of topicGrammars) {
    for (let count = 0; count < 168; count++) {
      const text = expand(random.pick(grammar.patterns), grammar.slots, random);
      examples.push(dressed({ text, labels: parseLabels(grammar.labels), weight: 1 }, random));
    }
  }
  examples.push(...wordListExamples(random, 104));
  const none = new Uint8Array(sensitiveTopics.length);
  for (const language of ['zh', 'en'] as const) {
    for (let count = 0; count < 880; count++) {
      const text = expand(random.pick(neutralPatterns[language]), { n: neutralNouns[language] }, random);
      examples.push(dressed({ text, labels: none, weight: 1 }, random));
    }
    for (let count = 0; count < 600; count++) {
      const { patterns, slots } = harmlessGrammar[language];
      examples.push(dressed({ text: expand(random.pick(patterns), slots, random), labels: none, weight: 1 }, random));
    }
    for (let count = 0; count < 360; count++) {
      const { patterns, slots } = everydayGrammar[language];
      examples.push(dressed({ text: expand(random.pick(patterns), slots, random), labels: none, weight: 1 }, random));
    }
  }
  return examples;
}
