import { describe, expect, it } from 'vitest';
import { decimalGrammar, integerGrammar } from './number-grammar.ts';
import { Gbnf, seededRandom } from './testing/gbnf-interpreter.ts';

const asGrammar = (expression: string): Gbnf => new Gbnf(`root ::= ${expression}\n`);

describe('integers within bounds', () => {
  it('holds exactly what lies between, for every small pair of bounds', () => {
    for (let minimum = -23; minimum <= 23; minimum += 3) {
      for (let maximum = minimum; maximum <= 125; maximum += 7) {
        const grammar = asGrammar(integerGrammar({ minimum, maximum }));
        for (let value = -30; value <= 130; value++) {
          const expected = value >= minimum && value <= maximum;
          expect(grammar.matches(String(value)), `${value} in ${minimum}..${maximum}`).toBe(expected);
        }
      }
    }
  });

  it.each([
    [999, 1000],
    [123, 45_678],
    [1, 999_999],
    [100, 199],
    [1984, 2077],
  ])('%i to %i at the edges', (minimum, maximum) => {
    const grammar = asGrammar(integerGrammar({ minimum, maximum }));
    for (const value of [minimum, maximum, Math.floor((minimum + maximum) / 2)]) {
      expect(grammar.matches(String(value)), String(value)).toBe(true);
    }
    for (const value of [minimum - 1, maximum + 1, maximum * 10, -minimum]) {
      expect(grammar.matches(String(value)), String(value)).toBe(false);
    }
  });

  it('knows exclusive, fractional, one-sided and absurd bounds', () => {
    expect(asGrammar(integerGrammar({ exclusiveMinimum: 1, exclusiveMaximum: 3 })).matches('2')).toBe(true);
    expect(asGrammar(integerGrammar({ exclusiveMinimum: 1, exclusiveMaximum: 3 })).matches('3')).toBe(false);
    expect(asGrammar(integerGrammar({ minimum: 1.2, maximum: 2.9 })).matches('1')).toBe(false);
    expect(asGrammar(integerGrammar({ minimum: 18 })).matches('1000000')).toBe(true);
    expect(asGrammar(integerGrammar({ maximum: -1 })).matches('0')).toBe(false);
    const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
    expect(integerGrammar(safe)).toBe(integerGrammar({}));
    expect(() => integerGrammar({ minimum: 1e30 })).toThrow('no integer');
    expect(() => integerGrammar({ exclusiveMinimum: 1, exclusiveMaximum: 2 })).toThrow('no integer');
  });
});

describe('decimals within bounds', () => {
  const bounds = [-12.5, -3, -0.05, 0, 0.05, 0.1, 0.25, 0.3, 1, 2.75, 99.9, 100];

  it('writes only what fits', () => {
    const random = seededRandom(11);
    for (const low of bounds) {
      for (const high of bounds.filter((each) => each > low)) {
        for (const isExclusive of [false, true]) {
          const limits = isExclusive
            ? { exclusiveMinimum: low, exclusiveMaximum: high }
            : { minimum: low, maximum: high };
          const grammar = asGrammar(decimalGrammar(limits));
          for (let round = 0; round < 20; round++) {
            const value = Number(grammar.generate(random));
            const isInside = isExclusive ? value > low && value < high : value >= low && value <= high;
            expect(isInside, `${value} in ${low}..${high}`).toBe(true);
          }
        }
      }
    }
  });

  it.each([
    [0, 1, ['0', '1', '0.5', '0.0', '1.0', '0.999', '0.001']],
    [-1, 1, ['-1', '-0.5', '0', '1', '-0.01']],
    [0.25, 0.75, ['0.25', '0.5', '0.7', '0.3', '0.749']],
    [2.5, 10, ['2.5', '3', '9.99', '10', '2.75']],
    [-90, 90, ['39.9042', '-33.8688', '90', '-90', '0']],
  ])('%d to %d lets all of %j through', (minimum, maximum, texts) => {
    const grammar = asGrammar(decimalGrammar({ minimum, maximum }));
    for (const text of texts) expect(grammar.matches(text), text).toBe(true);
  });

  it('refuses bounds without a number between', () => {
    expect(() => decimalGrammar({ exclusiveMinimum: 1, maximum: 1 })).toThrow('no number');
    expect(() => decimalGrammar({ minimum: 1e21 })).toThrow('no number');
  });
});
