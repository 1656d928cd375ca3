import { describe, expect, it } from 'vitest';
import type { ToolDefinition } from '../../../core/chat.ts';
import type { OutputParserOptions, ParsedDelta } from './output-parser.ts';
import { OutputParser } from './output-parser.ts';
import { seededRandom } from './testing/gbnf-interpreter.ts';

type Options = Partial<Omit<OutputParserOptions, 'newCallId'>>;
type Call = { id: string | undefined; name: string | undefined; arguments: string };
type Parsed = { text: string; reasoning: string; calls: Call[] };

function parser(options: Options): OutputParser {
  let calls = 0;
  const newCallId = (): string => `call_${calls++}`;
  return new OutputParser({ reasoning: 'none', tools: undefined, startsInReasoning: false, ...options, newCallId });
}

function collect(deltas: ParsedDelta[]): Parsed {
  const parsed: Parsed = { text: '', reasoning: '', calls: [] };
  for (const delta of deltas) {
    if (delta.type === 'text') parsed.text += delta.text;
    else if (delta.type === 'reasoning') parsed.reasoning += delta.text;
    else if (delta.name !== undefined) {
      expect(delta.index).toBe(parsed.calls.length);
      parsed.calls.push({ id: delta.id, name: delta.name, arguments: delta.arguments });
    } else {
      expect(delta.index).toBe(parsed.calls.length - 1);
      parsed.calls[delta.index]!.arguments += delta.arguments;
    }
  }
  return parsed;
}

function parse(options: Options, pieces: string[]): Parsed {
  const parsing = parser(options);
  return collect([...pieces.flatMap((piece) => parsing.push(piece)), ...parsing.finish()]);
}

const definitions: ToolDefinition[] = [
  {
    name: 'get_weather',
    strict: false,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { enum: ['C', 'F'] } },
    },
  },
  { name: 'now', strict: false },
];
const names = definitions.map((tool) => tool.name);
const hermes: Options = { tools: { format: 'hermes', names } };
const glm: Options = { tools: { format: 'glm', names, definitions } };
const glmAll: Options = { ...glm, reasoning: 'glm' };
const think: Options = { reasoning: 'think' };
const box: Options = { reasoning: 'glm' };
const opened: Options = { reasoning: 'think', startsInReasoning: true };
const both: Options = { ...hermes, reasoning: 'think' };

const call = (name: string, json: string, index = 0): Call => ({ id: `call_${index}`, name, arguments: json });
const weather = '{"name": "get_weather", "arguments": {"city": "北京", "days": 2}}';
const weatherCall = call('get_weather', '{"city": "北京", "days": 2}');

/** Options, output of the model, text, reasoning, calls. */
const corpus: Record<string, [Options, string, string, string, Call[]]> = {
  'plain text': [{}, 'Hello, 世界! <b> 😀\n', 'Hello, 世界! <b> 😀\n', '', []],
  'text with leading blanks': [hermes, '  \n Hi\n ', '  \n Hi\n ', '', []],
  'tags mean nothing without the format': [{}, '<think>a</think><tool_call>', '<think>a</think><tool_call>', '', []],
  reasoning: [think, '<think>\nHmm, 你好。\n</think>\n\nHi', 'Hi', 'Hmm, 你好。', []],
  'reasoning after blanks': [think, '\n <think>a</think>b', 'b', 'a', []],
  'empty reasoning': [think, '<think>\n\n</think>\n\nHi', 'Hi', '', []],
  'reasoning that never ends': [think, '<think>a\nb </thin', '', 'a\nb </thin', []],
  'no reasoning': [think, 'a <think>b</think> </think> c', 'a <think>b</think> </think> c', '', []],
  'almost a tag': [think, '<thin king> a', '<thin king> a', '', []],
  'opened by the prompt': [opened, 'Hmm\n</think>\n\nHi </think>', 'Hi </think>', 'Hmm', []],
  'opened by the prompt and again': [opened, '\n<think>\nHmm</think>Hi', 'Hi', 'Hmm', []],
  'glm answer': [box, '<think>a</think><answer>b\n\nc</answer>\n', 'b\n\nc', 'a', []],
  'glm box': [
    box,
    '<think>x<|begin_of_box|>y</think>\n<answer>It is <|begin_of_box|>42<|end_of_box|>.</answer>',
    'It is 42.',
    'xy',
    [],
  ],
  'glm without thoughts': [box, '<|begin_of_box|>[[1,2]]<|end_of_box|>', '[[1,2]]', '', []],
  'glm unbalanced': [box, '<answer>a <|end_of_box|>b', 'a b', '', []],
  'glm unbalanced end': [box, 'a</answer> b', 'a</answer> b', '', []],
  'glm answer inside reasoning': [box, '<think>a\n<answer>b</answer>', 'b', 'a', []],
  'glm phone action': [
    box,
    '<think>点</think>\n<answer>do(action="Tap", element=[1,2])</answer>',
    'do(action="Tap", element=[1,2])',
    '点',
    [],
  ],
  hermes: [hermes, `<tool_call>\n${weather}\n</tool_call>`, '', '', [weatherCall]],
  'hermes after text': [
    hermes,
    `Let me look.\n\n<tool_call>\n${weather}\n</tool_call>\n`,
    'Let me look.',
    '',
    [weatherCall],
  ],
  'hermes twice': [
    hermes,
    `<tool_call>\n${weather}\n</tool_call>\n<tool_call>\n{"name":"now","arguments":{}}\n</tool_call>`,
    '',
    '',
    [weatherCall, call('now', '{}', 1)],
  ],
  'hermes after reasoning': [
    both,
    `<think>\nneed <tool_call>\n</think>\n\n<tool_call>\n${weather}\n</tool_call>`,
    '',
    'need <tool_call>',
    [weatherCall],
  ],
  'hermes, two in one tag': [
    hermes,
    `<tool_call>\n${weather}\n{"name":"now","arguments":{}}\n</tool_call>`,
    '',
    '',
    [weatherCall, call('now', '{}', 1)],
  ],
  'hermes then text': [hermes, `<tool_call>${weather}</tool_call>\nDone.`, 'Done.', '', [weatherCall]],
  'hermes with brackets and tags in strings': [
    hermes,
    '<tool_call>{"name":"now","arguments":{"a":"}</tool_call>\\"{","b":[{}]}}</tool_call>',
    '',
    '',
    [call('now', '{"a":"}</tool_call>\\"{","b":[{}]}')],
  ],
  'hermes, arguments first': [
    hermes,
    '<tool_call>{"arguments": {"a": 1}, "name": "now"}</tool_call>',
    '',
    '',
    [call('now', '{"a":1}')],
  ],
  'hermes, arguments as a string': [
    hermes,
    '<tool_call>{"name": "now", "arguments": "{\\"a\\": 1}"}</tool_call>',
    '',
    '',
    [call('now', '{"a":1}')],
  ],
  'hermes without arguments': [hermes, '<tool_call>{"name": "now"}</tool_call>', '', '', [call('now', '{}')]],
  'hermes with a missing bracket': [
    hermes,
    '<tool_call>\n{"name": "now", "arguments": {"a": [1\n</tool_call>',
    '',
    '',
    [call('now', '{"a": [1\n]}')],
  ],
  'hermes without the last tag': [hermes, `<tool_call>\n${weather}`, '', '', [weatherCall]],
  'hermes with a cut tag': [hermes, `<tool_call>\n${weather}\n</tool_c`, '', '', [weatherCall]],
  'hermes cut in the arguments': [
    hermes,
    '<tool_call>{"name": "now", "arguments": {"a": "x',
    '',
    '',
    [call('now', '{"a": "x')],
  ],
  'hermes, unknown name': [hermes, '<tool_call>{"name":"x","arguments":{}}</tool_call>', '', '', [call('x', '{}')]],
  'malformed call': [
    hermes,
    'a <tool_call>\n{"nom": 1}\n</tool_call> b',
    'a <tool_call>\n{"nom": 1}\n</tool_call> b',
    '',
    [],
  ],
  'malformed call, cut': [hermes, 'a <tool_call>\n{"name": "no', 'a <tool_call>\n{"name": "no', '', []],
  'malformed call with a call after it': [
    hermes,
    `<tool_call>{"name" <x></tool_call><tool_call>${weather}</tool_call>`,
    '<tool_call>{"name" <x></tool_call>',
    '',
    [weatherCall],
  ],
  'a tag that is text': [hermes, 'Use <tool_call> tags', 'Use <tool_call> tags', '', []],
  'a tag at the end': [hermes, 'a <tool_call>\n', 'a <tool_call>\n', '', []],
  'bare object': [hermes, `\n${weather}`, '', '', [weatherCall]],
  'bare object in a fence': [hermes, `\`\`\`json\n${weather}\n\`\`\``, '', '', [weatherCall]],
  'bare object in tools tags': [hermes, `<tools>\n${weather}\n</tools>`, '', '', [weatherCall]],
  'bare list': [
    hermes,
    `[${weather},\n {"name": "now", "arguments": {}}]`,
    '',
    '',
    [weatherCall, call('now', '{}', 1)],
  ],
  'bare objects, one a line': [
    hermes,
    `${weather}\n{"name": "now", "parameters": {}}\n`,
    '',
    '',
    [weatherCall, call('now', '{}', 1)],
  ],
  'bare object and a word': [hermes, `\`\`\`json\n${weather}\n\`\`\`\nThis asks.`, 'This asks.', '', [weatherCall]],
  'bare object of another name': [
    hermes,
    '{"name": "Li Lei", "arguments": {}}',
    '{"name": "Li Lei", "arguments": {}}',
    '',
    [],
  ],
  'JSON that is the answer': [hermes, '```json\n{"name": "nobody"}\n```', '```json\n{"name": "nobody"}\n```', '', []],
  'bare object where no tools were offered': [{}, weather, weather, '', []],
  'bare object in the middle': [hermes, `So: ${weather}`, `So: ${weather}`, '', []],
  'bare object after reasoning': [both, `<think>a</think>\n${weather}`, '', 'a', [weatherCall]],
  glm: [
    glm,
    '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>北"京\n12</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>',
    '',
    '',
    [call('get_weather', '{"city": "北\\"京\\n12", "days": 2}')],
  ],
  'glm keeps a string that looks like a number': [
    glm,
    '<tool_call>get_weather<arg_key>city</arg_key><arg_value>12</arg_value></tool_call>',
    '',
    '',
    [call('get_weather', '{"city": "12"}')],
  ],
  'glm, emoji and an unknown argument': [
    glm,
    '<tool_call>now\n<arg_key>x</arg_key>\n<arg_value>😀 <b></arg_value>\n<arg_key>y</arg_key><arg_value>[1, 2]</arg_value></tool_call>',
    '',
    '',
    [call('now', '{"x": "😀 <b>", "y": [1, 2]}')],
  ],
  'glm, emoji in a string argument': [
    glm,
    '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>😀😁</arg_value>\n</tool_call>',
    '',
    '',
    [call('get_weather', '{"city": "😀😁"}')],
  ],
  'glm without arguments, twice, after reasoning': [
    glmAll,
    '<think>a</think>\nOK\n<tool_call>now\n</tool_call>\n<tool_call>now</tool_call>',
    'OK',
    'a',
    [call('now', '{}'), call('now', '{}', 1)],
  ],
  'glm malformed': [glm, '<tool_call>say hello</tool_call>', '<tool_call>say hello</tool_call>', '', []],
  'glm cut in a string': [
    glm,
    '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>北',
    '',
    '',
    [call('get_weather', '{"city": "北')],
  ],
  'glm without the last tag': [
    glm,
    '<tool_call>get_weather\n<arg_key>unit</arg_key>\n<arg_value>C</arg_value>\n',
    '',
    '',
    [call('get_weather', '{"unit": "C"}')],
  ],
  'glm with text inside': [
    glm,
    '<tool_call>now\n<arg_key>a</arg_key> so',
    '<arg_key>a</arg_key> so',
    '',
    [call('now', '{}')],
  ],
  'glm writes hermes': [glm, `<tool_call>\n${weather}\n</tool_call>`, '', '', [weatherCall]],
};

describe.each(Object.entries(corpus))('%s', (name, [options, output, text, reasoning, calls]) => {
  const expected = { text, reasoning, calls };

  it('is split into its parts', () => {
    expect(parse(options, [output])).toEqual(expected);
  });

  it('is the same wherever it is cut in two', () => {
    for (let at = 1; at < output.length; at++) {
      const pieces = [output.slice(0, at), output.slice(at)];
      expect(parse(options, pieces), JSON.stringify(pieces)).toEqual(expected);
    }
  });

  it('is the same cut into any pieces', () => {
    expect(parse(options, output.split(''))).toEqual(expected);
    const random = seededRandom(name.length);
    for (let round = 0; round < 40; round++) {
      const pieces: string[] = [];
      for (let at = 0; at < output.length;) {
        const length = 1 + Math.floor(random() * 9);
        pieces.push(output.slice(at, at + length));
        at += length;
      }
      expect(parse(options, pieces), JSON.stringify(pieces)).toEqual(expected);
    }
  });
});

describe('streaming', () => {
  const pushed = (parsing: OutputParser, text: string): Parsed => collect(parsing.push(text));

  it('passes plain text on at once', () => {
    const parsing = parser(both);
    expect(pushed(parsing, 'Hel').text).toBe('Hel');
    expect(pushed(parsing, 'lo wor').text).toBe('lo wor');
    expect(pushed(parsing, 'ld <t').text).toBe('ld');
    expect(pushed(parsing, 'd>').text).toBe(' <td>');
  });

  it('passes reasoning on at once and says that it is reasoning', () => {
    const parsing = parser(think);
    expect(parsing.inReasoning).toBe(false);
    expect(parsing.push('<think>\n')).toEqual([]);
    expect(parsing.inReasoning).toBe(true);
    expect(pushed(parsing, 'one').reasoning).toBe('one');
    expect(pushed(parsing, ' two</th').reasoning).toBe(' two');
    parsing.push('ink>');
    expect(parsing.inReasoning).toBe(false);
  });

  it.each<[string, Options, string[]]>([
    ['hermes', hermes, ['<tool_call>\n{"name": "now", "arguments": {', '"a": 1', ', "b": "x']],
    ['bare', hermes, ['{"name": "now", "arguments": {', '"a": 1', ', "b": "x']],
    ['glm', glm, ['<tool_call>get_weather\n<arg_key>city</arg_key><arg_value>Bei', 'jin', 'g, ']],
  ])('passes arguments on as they come: %s', (_, options, pieces) => {
    const parsing = parser(options);
    const sizes = pieces.map((piece) => parsing.push(piece).filter((delta) => delta.type === 'tool-call').length);
    expect(sizes.every((size) => size > 0)).toBe(true);
  });

  it('stays fast with a very long argument', () => {
    const parsing = parser(hermes);
    const start = process.cpuUsage();
    parsing.push('<tool_call>{"arguments": {"text": "');
    for (let index = 0; index < 20_000; index++) parsing.push('word ');
    const parsed = collect([...parsing.push('"}, "name": "now"}</tool_call>'), ...parsing.finish()]);
    expect(parsed.calls[0]?.arguments).toHaveLength(100_011);
    // Quadratic work would take minutes.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(10);
  });
});
