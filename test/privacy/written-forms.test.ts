/**
 * Identifiers in the many ways that people write them, and numbers that look alike and are nobody's. Written by the
 * authors of the rules: they show what the rules are meant for, and that a change loses none of it; how much is found in
 * texts of others is what `sets.test.ts` measures.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { detectPrivacy } from '../../src/signals/privacy/detect.ts';
import type { IdentifierType } from '../../src/signals/privacy/types.ts';

const folder = 'test/fixtures/privacy/forms';
const linesOf = (name: string): string[] =>
  readFileSync(`${folder}/${name}.txt`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll('\\n', '\n').replaceAll('\\t', '\t'));

/** Types that say the same of a value. */
const alike: Partial<Record<IdentifierType, IdentifierType[]>> = {
  secret: ['password'],
  password: ['secret', 'verification-code'],
  'bank-account': ['bank-card', 'iban'],
  'bank-card': ['bank-account'],
};

/** `type|text with the «value»`; without marks the finding may stand anywhere. */
function isFound(line: string): boolean {
  const bar = line.indexOf('|');
  const type = line.slice(0, bar) as IdentifierType;
  const marked = line.slice(bar + 1);
  const text = marked.replace(/[«»]/g, '');
  const start = marked.indexOf('«');
  const end = marked.indexOf('»') - 1;
  return detectPrivacy([{ role: 'user', text, origin: 'text' }]).findings.some(
    (finding) =>
      (finding.type === type || alike[type]?.includes(finding.type) === true) &&
      (start < 0 || (finding.start < end && finding.end > start)),
  );
}

describe('identifiers as people write them', () => {
  it('are found', () => {
    expect(linesOf('found').filter((line) => !isFound(line))).toEqual([]);
  });

  it('are not seen in numbers and words that look alike', () => {
    const called = linesOf('harmless').filter((text) => {
      return detectPrivacy([{ role: 'user', text, origin: 'text' }]).level === 'private';
    });
    expect(called).toEqual([]);
  });
});
