import { expect, it } from 'vitest';
import { makeRandom, type Random } from '../../training/random.ts';
import { findDigitClusters } from '../digit-clusters.ts';
import { TextFilter } from '../text-filter.ts';
import { digitWindows } from './digit-windows.ts';
import { windowRules } from './identifiers.ts';
import { anyBankWord, anyPhoneWord, type RuleInput } from './rule-input.ts';
import { labelsThere, windowsThatMatter } from './window-filter.ts';

const labels = [
  '',
  '电话',
  'tel ',
  'ssn ',
  'nhs ',
  'sin ',
  '身份证',
  '卡号',
  'imei ',
  '银行',
  '+',
  '座机还是',
  'canada ',
];
const behind = ['', ' is my number', '是我手机', ' sin', ' nhs'];
const starts = [
  '138',
  '010',
  '0755',
  '+86',
  '86',
  '852',
  '00852',
  '886',
  '09',
  '021',
  '415',
  '1',
  '6222',
  '4',
  '11010519',
  '35',
  '86',
  '0',
  '04',
  '090',
  '0044',
  '2',
];

/** Numbers in groups of any size, with the beginnings and labels that the rules know. */
function makeText(random: Random): string {
  let text = `${random.pick(labels)}${random.pick(starts)}`;
  const groups = 1 + Math.floor(random.next() * 4);
  for (let group = 0; group < groups; group++) {
    if (random.next() < 0.7) text += random.pick([' ', '-', '.', '']);
    const size = 1 + Math.floor(random.next() * 8);
    for (let index = 0; index < size; index++) text += Math.floor(random.next() * 10);
  }
  return text + random.pick(behind);
}

it('lets every window through that a rule matches', () => {
  const random = makeRandom(4);
  let matched = 0;
  for (let round = 0; round < 4_000; round++) {
    const text = makeText(random);
    const clusters = findDigitClusters(text);
    const input: RuleInput = {
      text,
      lower: text,
      clusters,
      filter: new TextFilter(text),
      mentionsBank: anyBankWord.test(text),
      mentionsPhone: anyPhoneWord.test(text),
    };
    for (const cluster of clusters) {
      const through = new Set(
        windowsThatMatter(cluster, input, labelsThere(input)).map(({ start, end }) => `${start}-${end}`),
      );
      for (const window of digitWindows(cluster, text)) {
        const match = windowRules.map((rule) => rule(window, input)).find((found) => found !== undefined);
        if (match === undefined) continue;
        matched++;
        expect([text, match.rule, through.has(`${window.start}-${window.end}`)]).toEqual([text, match.rule, true]);
      }
    }
  }
  expect(matched).toBeGreaterThan(200);
});
