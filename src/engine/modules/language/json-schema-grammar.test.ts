import { describe, expect, it } from 'vitest';
import type { JsonSchema, JsonValue } from '../../../core/chat.ts';
import { DuanyunError } from '../../../core/errors.ts';
import { grammarFromSchema, jsonObjectGrammar } from './json-schema-grammar.ts';
import { Gbnf, seededRandom } from './testing/gbnf-interpreter.ts';
import { fits } from './testing/schema-check.ts';

const person: JsonSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 20 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    城市: { type: 'string', enum: ['北京', '上海', '深圳', '广州', '杭州', '成都'] },
    note: { type: ['string', 'null'] },
  },
  required: ['name', 'age'],
  additionalProperties: false,
};

const schemas: Record<string, JsonSchema> = {
  person,
  anything: {},
  'all optional': {
    type: 'object',
    properties: { a: { type: 'boolean' }, b: { type: 'null' }, c: { const: 'x"\\\n' } },
    additionalProperties: false,
  },
  'optional before required': {
    type: 'object',
    properties: { a: { type: 'boolean' }, b: { type: 'integer' }, c: { type: 'boolean' } },
    required: ['b'],
  },
  'open object': {
    type: 'object',
    properties: { id: { type: 'integer' }, idea: { type: 'boolean' }, 'a"b': { type: 'null' } },
    required: ['id'],
    additionalProperties: { type: 'string' },
  },
  map: { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 3 },
  'required without a property': { type: 'object', properties: {}, required: ['k'] },
  'counted array': { type: 'array', items: { type: 'integer', minimum: -5, maximum: 5 }, minItems: 2, maxItems: 4 },
  'empty array': { type: 'array', maxItems: 0 },
  tuple: {
    type: 'array',
    prefixItems: [{ type: 'string' }, { type: 'integer' }],
    items: { type: 'boolean' },
    minItems: 3,
    maxItems: 5,
  },
  'closed tuple': { type: 'array', prefixItems: [{ type: 'null' }, { type: 'boolean' }], items: false },
  'long string': { type: 'string', minLength: 2100, maxLength: 4321 },
  date: { type: 'string', format: 'date' },
  time: { type: 'string', format: 'time' },
  'date-time': { type: 'string', format: 'date-time' },
  uuid: { type: 'string', format: 'uuid' },
  email: { type: 'string', format: 'email' },
  'unknown format': { type: 'string', format: 'uri' },
  'plate pattern': { type: 'string', pattern: '^[京沪粤][A-Z]\\d{5}$' },
  'pattern with what JSON escapes': { type: 'string', pattern: '^["\\\\\\n]+ ?[^a-z]{0,2}$' },
  'open pattern': { type: 'string', pattern: 'ab|^c(d|e)*?f$' },
  'negated pattern': { type: 'string', pattern: '^\\D\\W\\S.{1,3}$' },
  union: { anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'boolean' } }, { const: null }] },
  'union beside properties': {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
    additionalProperties: false,
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
  },
  merged: {
    allOf: [
      { type: 'object', properties: { a: { type: 'integer', minimum: 3 } }, required: ['a'] },
      { $ref: '#/$defs/more' },
    ],
    $defs: {
      more: {
        type: 'object',
        properties: { a: { type: 'number', maximum: 8 }, b: { type: 'boolean' } },
        required: ['b'],
      },
    },
  },
  tree: {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['value', 'children'],
        additionalProperties: false,
      },
    },
  },
  list: {
    type: 'object',
    properties: { head: { type: 'boolean' }, tail: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
    required: ['head', 'tail'],
  },
  'mixed enum': { enum: [1, 'one', null, true, { a: [1, 2] }, 'two', 'twofold', 'tw'] },
  'enum within a type': { type: 'string', enum: [1, 'one', null] },
};

describe.each(Object.entries(schemas))('the grammar for %s', (name, schema) => {
  const grammar = new Gbnf(grammarFromSchema(schema));

  it('writes only JSON that fits the schema', () => {
    const random = seededRandom(name.length * 7919);
    for (let round = 0; round < (name === 'long string' ? 3 : 150); round++) {
      const text = grammar.generate(random);
      const value = JSON.parse(text) as JsonValue;
      expect(fits(value, schema), text).toBe(true);
      expect(Buffer.from(JSON.stringify(value)).toString(), text).toBe(JSON.stringify(value));
    }
  });
});

describe('what a grammar lets through', () => {
  const accepts = (schema: JsonSchema, text: string): boolean => new Gbnf(grammarFromSchema(schema)).matches(text);

  it.each([
    ['{"name": "李雷", "age": 0}', true],
    ['{"name":"a","age":150,"城市":"北京","note":null}', true],
    ['{\n  "name": "a",\n  "age": 9,\n  "note": "x\\n\\"\\u4e2d\\ud83d\\ude00"\n}', true],
    ['{"name":"a","age":151}', false],
    ['{"name":"a","age":-1}', false],
    ['{"name":"a","age":01}', false],
    ['{"name":"","age":1}', false],
    ['{"age":1,"name":"a"}', false],
    ['{"name":"a"}', false],
    ['{"name":"a","age":1,"x":1}', false],
    ['{"name":"a","age":1,"城市":"重庆"}', false],
    ['{"name":"\n","age":1}', false],
    ['{"name":"\\ud83d","age":1}', false],
    ['{"name":"a","age":1} ', false],
    ['{\n\n"name":"a","age":1}', false],
  ])('%s: %s', (text, expected) => {
    expect(accepts(person, text)).toBe(expected);
  });

  it('keeps declared names out of the additional ones', () => {
    const schema = schemas['open object']!;
    expect(accepts(schema, '{"id":1,"ide":"x","idea":true,"ideas":"y","":"z"}')).toBe(false);
    expect(accepts(schema, '{"id":1,"idea":true,"ide":"x","ideas":"y","":"z"}')).toBe(true);
    expect(accepts(schema, '{"id":1,"idea":"not a boolean"}')).toBe(false);
    expect(accepts(schema, '{"id":1,"\\u0069d":"x"}')).toBe(false);
  });

  it.each([1999, 2000, 2001, 3500])('counts exactly to maxLength %i', (maxLength) => {
    const grammar = new Gbnf(grammarFromSchema({ type: 'string', maxLength }));
    expect(grammar.matches(`"${'中'.repeat(maxLength)}"`)).toBe(true);
    expect(grammar.matches(`"${'中'.repeat(maxLength + 1)}"`)).toBe(false);
  });

  it('makes room for thoughts where the model thinks first', () => {
    const grammar = new Gbnf(grammarFromSchema({ const: 1 }, { reasoning: 'optional' }));
    expect(grammar.matches('1')).toBe(true);
    expect(grammar.matches('<think>\na < b, </b> 想\n</think>\n\n1')).toBe(true);
    expect(grammar.matches('hm 1')).toBe(false);
    const open = new Gbnf(grammarFromSchema({ const: 1 }, { reasoning: 'open' }));
    expect(open.matches('so\n</think>\n1')).toBe(true);
    expect(open.matches('1')).toBe(false);
  });
});

describe('json_object', () => {
  const grammar = new Gbnf(jsonObjectGrammar());
  it('is an object and nothing else', () => {
    expect(grammar.matches('{"a": [1, {"b": "中"}], "c": {}}')).toBe(true);
    for (const text of ['[1]', '"a"', '{"a":1', '{"a":1}x', '{a:1}']) expect(grammar.matches(text), text).toBe(false);
  });
  it('ends nesting', () => {
    expect(grammar.matches(`{"a":${'['.repeat(30)}${']'.repeat(30)}}`)).toBe(false);
  });
});

function codeOf(schema: JsonSchema): string {
  try {
    grammarFromSchema(schema);
  } catch (error) {
    if (error instanceof DuanyunError) return error.code;
    throw error;
  }
  return 'none';
}

describe('schemas that cannot be enforced', () => {
  it.each<[string, JsonSchema]>([
    ['a keyword without grammar', { type: 'array', items: {}, uniqueItems: true }],
    ['multipleOf', { type: 'integer', multipleOf: 3 }],
    ['not', { not: { type: 'string' } }],
    ['look-around', { type: 'string', pattern: '^(?=a)b' }],
    ['a back reference', { type: 'string', pattern: '(a)\\1' }],
    ['a broken pattern', { type: 'string', pattern: '(' }],
    ['a remote reference', { $ref: 'https://example.com/schema.json' }],
    ['a dangling reference', { $ref: '#/$defs/none' }],
    ['a reference to itself', { $ref: '#' }],
    ['references in a circle', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }],
    ['a union that is itself', { anyOf: [{ $ref: '#' }, { type: 'null' }] }],
    ['allOf that is itself', { allOf: [{ $ref: '#' }] }],
    ['nothing fits', { type: 'integer', minimum: 5, maximum: 4 }],
    ['false', false],
    ['an unknown type', { type: 'date' }],
    ['a type from the prototype', { type: '__proto__' }],
    ['recursion without an end', { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'], anyOf: [false] }],
    ['a pointer into the prototype', { $ref: '#/constructor' }],
    ['maxLength below minLength', { type: 'string', minLength: 3, maxLength: 2 }],
    ['a schema that is none', { type: 'object', properties: { a: 'string' } }],
  ])('%s', (_, schema) => {
    expect(codeOf(schema)).toBe('unsupported_schema');
  });

  it('are enforced as far as possible where the caller allows it', () => {
    const text = grammarFromSchema(
      { type: 'array', items: { type: 'integer', multipleOf: 3 }, uniqueItems: true },
      { unsupportedKeywords: 'ignore' },
    );
    expect(new Gbnf(text).matches('[3,4]')).toBe(true);
  });
});

describe('schemas built to explode are refused at once', () => {
  const nested = (depth: number): JsonSchema => {
    let schema: JsonSchema = { type: 'integer' };
    for (let level = 0; level < depth; level++) schema = { type: 'array', items: schema };
    return schema;
  };
  const bomb: Record<string, JsonSchema> = {};
  for (let level = 0; level < 40; level++) {
    const next = { $ref: `#/$defs/l${level + 1}`, minProperties: 0 };
    bomb[`l${level}`] = { type: 'object', properties: { a: next, b: { allOf: [next, {}] } }, required: ['a', 'b'] };
  }
  bomb['l40'] = { type: 'integer' };
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`p${index}`, { type: 'integer' }]));
  const twins: Record<string, JsonSchema> = {
    a: { type: 'object', properties: { x: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] } } },
    b: { type: 'object', properties: { x: { allOf: [{ $ref: '#/$defs/b' }, { $ref: '#/$defs/a' }] } } },
  };
  const sides = Array.from({ length: 100 }, (_, index) => ({ const: index }));

  it.each<[string, JsonSchema]>([
    ['maxItems 1e9', { type: 'array', items: { type: 'array', maxItems: 1e9 }, maxItems: 1e9 }],
    ['minLength 1e9', { type: 'string', minLength: 1e9 }],
    ['a pattern that counts to 1e9', { type: 'string', pattern: '^(a{999999999}){9}$' }],
    ['10,000 enum values', { enum: Array.from({ length: 10_000 }, (_, index) => `value ${index}`) }],
    ['10,000 levels', nested(10_000)],
    ['merging that doubles at each level', { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }], $defs: twins }],
    ['10,000 properties', { type: 'object', properties: wide, additionalProperties: false }],
    ['a product of unions', { allOf: [{ anyOf: sides }, { anyOf: [...sides, false] }] }],
  ])('%s', (_, schema) => {
    const start = process.cpuUsage();
    expect(codeOf(schema)).toBe('schema_too_complex');
    // A hang is what this is about: refusals take a few milliseconds, a minute would be the defect.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(5000);
  });

  it('references that double at each level are compiled once each', () => {
    const text = grammarFromSchema({ $ref: '#/$defs/l0', $defs: bomb });
    expect(new Gbnf(text).ruleCount).toBeLessThan(400);
  });

  it('while a large honest schema still compiles', () => {
    const properties = Object.fromEntries(Object.entries(wide).slice(0, 200));
    expect(codeOf({ type: 'object', properties, required: Object.keys(properties) })).toBe('none');
    expect(codeOf({ enum: Array.from({ length: 1500 }, (_, index) => `value ${index}`) })).toBe('none');
    expect(codeOf(nested(50))).toBe('none');
  });
});
