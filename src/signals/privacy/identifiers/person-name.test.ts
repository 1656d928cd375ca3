import { describe, expect, it } from 'vitest';
import negativeSentences from '../../data/person-names-negative.tsv?raw';
import positiveSentences from '../../data/person-names-positive.tsv?raw';
import { examineText } from '../examine-text.ts';

const lines = (tsv: string): string[] => tsv.split('\n').filter((line) => line !== '');

const names = (text: string): string[] =>
  examineText(text, { topics: false })
    .matches.filter(({ type, confidence }) => type === 'person-name' && confidence >= 0.5)
    .map(({ start, end }) => text.slice(start, end));

/** Sentences written for this test by hand; the negative ones are ordinary requests and public names. */
const positive = lines(positiveSentences).map((line) => {
  const [name = '', ...text] = line.split('\t');
  return { name, text: text.join('\t').replaceAll('\\t', '\t') };
});
const negative = lines(negativeSentences);

describe('names of people', () => {
  it('finds at least 93 % of the full names in ordinary sentences', () => {
    const missed = positive.filter(({ name, text }) => !names(text).includes(name));
    expect(missed.length / positive.length, JSON.stringify(missed)).toBeLessThanOrEqual(0.07);
  });

  it('sees a name in at most 1 % of the sentences without one', () => {
    const flagged = negative.filter((text) => names(text).length > 0);
    expect(flagged.length / negative.length, JSON.stringify(flagged)).toBeLessThanOrEqual(0.01);
  });

  it('finds a name that base64 hides', () => {
    const bytes = new TextEncoder().encode('联系人张晓雯');
    expect(names(btoa(String.fromCharCode(...bytes)))).toHaveLength(1);
  });
});
