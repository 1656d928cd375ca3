import { describe, expect, it } from 'vitest';
import type { JsonValue, ToolDefinition } from '../../../core/chat.ts';
import { answerGrammar } from './answer-grammar.ts';
import { OutputParser } from './output-parser.ts';
import { Gbnf, seededRandom } from './testing/gbnf-interpreter.ts';
import { fits } from './testing/schema-check.ts';
import { lazyToolGrammar, toolCallGrammar } from './tool-grammar.ts';

const weather: ToolDefinition = {
  name: 'get_weather',
  strict: false,
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { type: 'string', enum: ['°C', '°F'] },
      days: { type: 'integer', minimum: 1, maximum: 7 },
      where: { $ref: '#/$defs/point' },
    },
    required: ['city', 'days'],
    $defs: { point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
  },
};
const tools: ToolDefinition[] = [
  weather,
  { name: 'now', strict: false, parameters: { type: 'object', properties: {} } },
  { name: 'free', strict: false },
];

function callsOf(text: string, format: 'hermes' | 'glm'): { name: string; arguments: string }[] {
  let id = 0;
  const parser = new OutputParser({
    reasoning: 'none',
    tools: { format, names: tools.map((tool) => tool.name), definitions: tools },
    startsInReasoning: false,
    newCallId: () => `call_${id++}`,
  });
  const calls: { name: string; arguments: string }[] = [];
  for (const delta of [...parser.push(text), ...parser.finish()]) {
    if (delta.type !== 'tool-call') throw new Error(`text beside the calls: ${delta.text} in ${text}`);
    if (delta.name !== undefined) calls.push({ name: delta.name, arguments: '' });
    calls.at(-1)!.arguments += delta.arguments;
  }
  return calls;
}

describe.each(['hermes', 'glm'] as const)('a forced call in the notation of %s', (format) => {
  it('is read back by the parser, with arguments that fit', () => {
    const grammar = new Gbnf(toolCallGrammar(tools, { type: 'required' }, { format, parallel: true }));
    const random = seededRandom(23);
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const text = grammar.generate(random);
      const calls = callsOf(text, format);
      expect(calls.length).toBeGreaterThan(0);
      for (const call of calls) {
        seen.add(call.name);
        const schema = tools.find((tool) => tool.name === call.name)!.parameters ?? true;
        expect(fits(JSON.parse(call.arguments) as JsonValue, schema), text).toBe(true);
      }
    }
    expect([...seen].toSorted()).toEqual(['free', 'get_weather', 'now']);
  });

  it('is of the named tool, once', () => {
    const named = { type: 'named', name: 'get_weather' } as const;
    const grammar = new Gbnf(toolCallGrammar(tools, named, { format, parallel: true }));
    const random = seededRandom(5);
    for (let round = 0; round < 50; round++) {
      expect(callsOf(grammar.generate(random), format).map((call) => call.name)).toEqual(['get_weather']);
    }
  });
});

describe('forced calls', () => {
  const options = { format: 'hermes', parallel: false } as const;

  it('cannot be anything else', () => {
    const grammar = new Gbnf(toolCallGrammar(tools, { type: 'required' }, options));
    const good = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "上海", "days": 3}}\n</tool_call>';
    expect(grammar.matches(good)).toBe(true);
    for (const bad of ['Hi', `Hi ${good}`, `${good}\n${good}`, good.replace('3', '9'), good.replace('get_', 'got_')]) {
      expect(grammar.matches(bad), bad).toBe(false);
    }
  });

  it('leave room for reasoning', () => {
    const grammar = new Gbnf(toolCallGrammar(tools, { type: 'required' }, { ...options, reasoning: 'optional' }));
    const call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';
    expect(grammar.matches(`<think>\nwell\n</think>\n\n${call}`)).toBe(true);
    expect(grammar.matches(call)).toBe(true);
  });

  it('need a tool to call', () => {
    const error = expect.objectContaining({ code: 'invalid_request', param: 'tool_choice' }) as Error;
    expect(() => toolCallGrammar(tools, { type: 'named', name: 'x' }, options)).toThrow(error);
    expect(() => toolCallGrammar([], { type: 'required' }, options)).toThrow(error);
  });

  it('refuse what a strict tool asks and a grammar cannot hold', () => {
    const odd = { name: 'odd', parameters: { type: 'object', properties: { n: { type: 'integer', multipleOf: 2 } } } };
    const choice = { type: 'required' } as const;
    expect(() => toolCallGrammar([{ ...odd, strict: true }], choice, options)).toThrow('multipleOf');
    expect(toolCallGrammar([{ ...odd, strict: false }], choice, options)).toContain('root');
  });
});

describe('answerGrammar', () => {
  const formats = { toolFormat: 'hermes', reasoningFormat: 'none' } as const;
  const text = { type: 'text' } as const;

  it('binds nothing where nothing was asked', () => {
    expect(answerGrammar({ responseFormat: text, tools: [], formats })).toBeUndefined();
    expect(answerGrammar({ responseFormat: text, tools, formats })).toBeUndefined();
  });

  it('binds strict tools only once a call has begun', () => {
    const grammar = answerGrammar({ responseFormat: text, tools: [{ ...weather, strict: true }], formats });
    expect(grammar?.triggerPatterns).toHaveLength(1);
    const call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "a", "days": 1}}\n</tool_call>';
    const match = new RegExp(grammar!.triggerPatterns![0]!).exec(`Sure.\n${call}`);
    expect(new Gbnf(grammar!.text).matches(`Sure.\n${call}`.slice(match!.index))).toBe(true);
    expect(lazyToolGrammar(tools, { format: 'glm', parallel: true }).text).toContain('<arg_key>');
  });

  it('a forced call wins over the response format', () => {
    const input = { responseFormat: { type: 'json-object' }, tools, formats } as const;
    expect(answerGrammar({ ...input, toolChoice: { type: 'required' } })?.text).toContain('tool_call');
    expect(answerGrammar(input)?.text).not.toContain('tool_call');
  });

  it('names the field at fault', () => {
    const responseFormat = { type: 'json-schema', name: 'x', schema: { type: 'x' }, strict: true } as const;
    expect(() => answerGrammar({ responseFormat, tools: [], formats })).toThrow(
      expect.objectContaining({ code: 'unsupported_schema', param: 'response_format.json_schema.schema' }) as Error,
    );
  });
});
