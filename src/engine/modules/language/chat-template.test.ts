import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ChatMessage, ContentPart, ToolDefinition } from '../../../core/chat.ts';
import type { Clock } from '../../../core/clock.ts';
import type { RenderInput } from './chat-template.ts';
import { ChatTemplate, templateSupports } from './chat-template.ts';
import { detectFormats, promptOpensReasoning } from './format-detection.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../../test/fixtures/templates/${name}.jinja`, import.meta.url), 'utf8');
const qwen = new ChatTemplate(fixture('qwen2.5-coder'), { bosToken: '<|endoftext|>', eosToken: '<|im_end|>' });
const smol = new ChatTemplate(fixture('smollm2'));
const qwen3 = new ChatTemplate(fixture('qwen3-style'));
const glmVision = new ChatTemplate(fixture('glm-4.1v-style'));
const glm = new ChatTemplate(fixture('glm-4.5-style'));

const parts = (text: string): ContentPart[] => [{ type: 'text', text }];
const system = (text: string): ChatMessage => ({ role: 'system', content: parts(text) });
const user = (text: string): ChatMessage => ({ role: 'user', content: parts(text) });
const assistant = (text: string): ChatMessage => ({ role: 'assistant', content: parts(text), toolCalls: [] });
const calling = (json: string, content: ContentPart[] = []): ChatMessage => ({
  role: 'assistant',
  content,
  toolCalls: [{ id: 'c1', name: 'get_weather', arguments: json }],
});
const result = (text: string): ChatMessage => ({ role: 'tool', toolCallId: 'c1', content: parts(text) });
const weather: ToolDefinition = {
  name: 'get_weather',
  description: '查天气 "now"',
  strict: false,
  parameters: { type: 'object', properties: { items: { type: 'string' } } },
};

function render(template: ChatTemplate, messages: ChatMessage[], more: Partial<RenderInput> = {}): string {
  return template.render({ messages, tools: [], addGenerationPrompt: true, ...more });
}

describe('Qwen2.5', () => {
  it('writes ChatML', () => {
    expect(render(qwen, [system('S'), user('你好'), assistant('Hi'), user('?')])).toBe(
      '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n' +
        '<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('our persona takes the place of its own, and the client takes the place of ours', () => {
    const persona = '我是端云。';
    expect(render(qwen, [user('a')])).toContain('You are Qwen');
    expect(render(qwen, [user('a')], { persona })).toMatch(/^<\|im_start\|>system\n我是端云。<\|im_end\|>/);
    expect(render(qwen, [user('a')], { persona, tools: [weather] })).not.toContain('You are Qwen');
    const own = render(qwen, [system('mine'), user('a')], { persona });
    expect(own).toContain('mine');
    expect(own).not.toContain(persona);
  });

  it('shows tools, calls and results', () => {
    const prompt = render(qwen, [user('a'), calling('{"city": "北京", "days": 2.5}'), result('{"t": 3}')], {
      tools: [weather],
    });
    expect(prompt).toContain(
      '{"type": "function", "function": {"name": "get_weather", "description": "查天气 \\"now\\""',
    );
    expect(prompt).toContain(
      '<tool_call>\n{"name": "get_weather", "arguments": {"city": "北京", "days": 2.5}}\n</tool_call>',
    );
    expect(prompt).toContain('<tool_response>\n{"t": 3}\n</tool_response>');
    expect(prompt).not.toMatch(/null|None|undefined/);
  });

  it('shows a call whose arguments are no JSON', () => {
    expect(render(qwen, [user('a'), calling('{oops'), result('bad')])).toContain('{"arguments": "{oops"}');
    expect(render(qwen, [user('a'), calling(''), result('ok')])).toContain('"arguments": {}');
  });

  it('drops the thoughts of earlier turns', () => {
    const prompt = render(qwen, [user('a'), assistant('<think>\nsecret\n</think>\n\nanswer'), user('b')]);
    expect(prompt).toContain('assistant\nanswer<|im_end|>');
    expect(prompt).not.toContain('secret');
  });
});

describe('other templates', () => {
  it('SmolLM2: persona instead of its own default', () => {
    expect(render(smol, [user('a')])).toContain('SmolLM');
    expect(render(smol, [user('a')], { persona: 'P' })).toBe(
      '<|im_start|>system\nP<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('Qwen3 style: thinking on, off and by default; thoughts stay within the running turn', () => {
    expect(render(qwen3, [user('a')], { enableThinking: false })).toMatch(/<think>\n\n<\/think>\n\n$/);
    expect(render(qwen3, [user('a')], { enableThinking: true })).toMatch(/assistant\n$/);
    expect(render(qwen3, [user('a')])).toMatch(/assistant\n$/);
    const thought = (text: string): ChatMessage => ({
      ...(calling('{}') as ChatMessage & { role: 'assistant' }),
      reasoning: text,
    });
    const prompt = render(qwen3, [
      user('a'),
      thought('old'),
      result('1'),
      assistant('x'),
      user('b'),
      thought('new'),
      result('2'),
    ]);
    expect(prompt).not.toContain('old');
    expect(prompt).toContain('<think>\nnew\n</think>');
  });

  it('GLM-4.5 style: arguments one by one', () => {
    const prompt = render(glm, [user('a'), calling('{"city":"北京","days":[1,2]}'), result('r')], { tools: [weather] });
    expect(prompt).toContain(
      '<arg_key>city</arg_key>\n<arg_value>北京</arg_value>\n<arg_key>days</arg_key>\n<arg_value>[1, 2]<',
    );
    expect(prompt).toContain('<|observation|>\n<tool_response>\nr\n</tool_response>');
    expect(render(glm, [user('a')], { enableThinking: false })).toContain('/nothink<|assistant|>\n<think></think>');
  });

  it('GLM-4.1V style: pictures as parts or as a mark', () => {
    const image: ContentPart = {
      type: 'image',
      source: { kind: 'bytes', bytes: new Uint8Array(1), mediaType: 'image/png' },
      detail: 'auto',
    };
    const messages: ChatMessage[] = [{ role: 'user', content: [image, ...parts('what?')] }];
    expect(render(glmVision, messages)).toContain('<|user|>\n<|begin_of_image|><|image|><|end_of_image|>what?');
    expect(render(glmVision, messages, { mediaMarker: '<__media__>' })).toContain('<|user|>\n<__media__>what?');
  });

  it('joins text parts with line breaks', () => {
    expect(render(smol, [{ role: 'user', content: [...parts('a'), ...parts('b')] }])).toContain('user\na\nb<|im_end|>');
  });

  it('a template without system role gets it in the first user message', () => {
    const text =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
      '[{{ m.role }}] {{ m.content }}\n{% endfor %}';
    const template = new ChatTemplate(text);
    expect(render(template, [system('be kind'), user('hi')])).toBe('[user] be kind\n\nhi\n');
    expect(render(template, [user('hi')], { persona: 'P' })).toBe('[user] P\n\nhi\n');
  });

  it('a template that prints arguments as they are gets text', () => {
    const text =
      '{% for m in messages %}{% if m.tool_calls %}{% for c in m.tool_calls %}{{ "CALL " + c.function.arguments }}{% endfor %}' +
      '{% else %}{{ m.content }}{% endif %}{% endfor %}';
    const template = new ChatTemplate(text);
    expect(template.supports.toolArguments).toBe('string');
    expect(render(template, [user('a'), calling('{"x":1}'), result('r')])).toContain('CALL {"x":1}');
  });

  it('knows the features templates use', () => {
    const clock: Clock = { now: () => 0, wallTime: () => new Date(2026, 10, 4, 15, 7).getTime() };
    const template = new ChatTemplate(
      "{{ bos_token }}{% macro up(x) %}{{ x | upper }}{% endmacro %}{% set ns = namespace(n=0) %}{% for m in messages if m.role == 'user' %}" +
        '{% set ns.n = ns.n + 1 %}{{ up(m.content) }}{% endfor %}{{ ns.n }} {{ strftime_now("%d %b %Y %H:%M %p %-d %A") }} ' +
        '{{ range(3) | join(",") }} {{ {"a": [1, none, true]} | tojson }}{{ eos_token }}',
      { bosToken: '<s>', eosToken: '</s>', clock },
    );
    expect(render(template, [user('a'), user('b')])).toBe(
      '<s>AB2 04 Nov 2026 15:07 PM 4 Wednesday 0,1,2 {"a": [1, null, true]}</s>',
    );
  });
});

describe('what templates can take', () => {
  it.each([
    ['qwen2.5-coder', { tools: true, thinking: false, systemRole: true, contentParts: false, toolArguments: 'object' }],
    ['smollm2', { tools: false, thinking: false, systemRole: true, contentParts: false }],
    ['qwen3-style', { tools: true, thinking: true, systemRole: true, toolArguments: 'object' }],
    ['glm-4.1v-style', { tools: false, thinking: false, systemRole: true, contentParts: true }],
    ['glm-4.5-style', { tools: true, thinking: true, systemRole: true, contentParts: true, toolArguments: 'object' }],
  ])('%s', (name, expected) => {
    expect(templateSupports(fixture(name))).toMatchObject(expected);
  });

  it.each([
    ['qwen2.5-coder', 'qwen2', 'hermes', 'none'],
    ['smollm2', 'llama', 'none', 'none'],
    ['qwen3-style', 'qwen3', 'hermes', 'think'],
    ['glm-4.1v-style', 'glm4', 'none', 'glm'],
    ['glm-4.5-style', 'glm4moe', 'glm', 'think'],
  ])('%s writes its calls and thoughts in a known way', (name, architecture, toolFormat, reasoningFormat) => {
    expect(detectFormats(fixture(name), architecture)).toEqual({ toolFormat, reasoningFormat });
    expect(detectFormats('')).toEqual({ toolFormat: 'none', reasoningFormat: 'none' });
  });

  it('tells whether the prompt has opened the thoughts', () => {
    expect(promptOpensReasoning('<|assistant|>\n<think>\n')).toBe(true);
    expect(promptOpensReasoning('<think>\n\n</think>\n\n')).toBe(false);
  });
});

describe('bad templates', () => {
  const error = (code: string): Error => expect.objectContaining({ code }) as Error;

  it('that refuse the messages say why', () => {
    const template = new ChatTemplate("{{ raise_exception('Roles must alternate') }}");
    expect(() => render(template, [user('a')])).toThrow('Roles must alternate');
    expect(() => render(template, [user('a')])).toThrow(error('invalid_request'));
  });

  it('that do not parse', () => {
    expect(() => new ChatTemplate('{% if %}{{')).toThrow(error('model_file_invalid'));
  });

  it('that fail on the messages show nothing of their inside', () => {
    const template = new ChatTemplate('{{ messages[0].content.secret_thing() }}');
    expect(() => render(template, [user('a')])).toThrow(error('invalid_request'));
    expect(() => render(template, [user('a')])).not.toThrow('secret_thing');
  });

  const nested =
    '{% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}{% endfor %}{% endfor %}{% endfor %}';
  it.each([
    ['a long loop', nested],
    ['a huge range', '{% for i in range(1000000000) %}{% endfor %}'],
    [
      'doubling',
      '{% set ns = namespace(x="ab") %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}',
    ],
  ])('that run away are refused with the model: %s', (_, text) => {
    expect(() => new ChatTemplate(text)).toThrow(error('model_file_invalid'));
  });

  it('that run away on some messages only are stopped', () => {
    const template = new ChatTemplate(`{% if messages | length > 3 %}${nested}{% endif %}`, {
      limits: { steps: 50_000 },
    });
    expect(() => render(template, [user('a'), user('b'), user('c'), user('d')])).toThrow(error('engine_failed'));
    const recursive = new ChatTemplate('{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}');
    expect(() => render(recursive, [user('a')])).toThrow(error('invalid_request'));
  });

  it('that are slow in every step are stopped by the clock', () => {
    let now = 0;
    const clock: Clock = { now: () => (now += 10), wallTime: () => 0 };
    const template = new ChatTemplate(
      '{% if messages | length > 3 %}{% for i in range(90000) %}x{% endfor %}{% endif %}',
      {
        clock,
        limits: { milliseconds: 100 },
      },
    );
    expect(() => render(template, [user('a'), user('b'), user('c'), user('d')])).toThrow(error('engine_failed'));
  });

  it('while a long conversation is no runaway', () => {
    const messages = Array.from({ length: 2000 }, (_, index) => [
      user(`question ${index}`),
      assistant('answer'),
    ]).flat();
    expect(render(qwen, messages, { tools: [weather] }).length).toBeGreaterThan(100_000);
    expect(render(qwen, [user('长'.repeat(3_000_000))]).length).toBeGreaterThan(3_000_000);
  });
});
