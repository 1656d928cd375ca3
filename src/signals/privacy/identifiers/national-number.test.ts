import { describe, expect, it } from 'vitest';
import { detectPrivacy } from '../detect.ts';

const types = (text: string): string[] =>
  detectPrivacy([{ role: 'user', text, origin: 'text' }]).findings.map(({ type }) => type);

describe('numbers of states', () => {
  it.each([
    'QH is no prefix, but JG 10 37 59 A is one for payroll',
    'my NINO: TN 12 34 56 C',
    'HMRC: se-44-02-91-b',
    'my SIN is 046 454 286',
    'SIN zero four six, four five four, two eight six',
    'NHS number 943 476 5919',
    'numéro de sécu 1 85 05 78 006 084 91',
    'CPF 529.982.247-25',
  ])('%s', (text) => {
    expect(types(text)).toContain('social-insurance');
  });

  it.each([
    // Prefixes that HMRC never gave out, and a suffix beyond D.
    'pump BG 12 34 56 A and NK123456B for payroll',
    'code AB 12 34 56 E for the payroll system',
    // One digit wrong: no Luhn, no check digit.
    'SIN 046 454 287',
    'sin 046 degrees is a sine, 046454287 a serial number',
  ])('spares %s', (text) => {
    expect(types(text)).not.toContain('social-insurance');
  });
});
