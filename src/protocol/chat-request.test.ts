import { describe, expect, it } from 'vitest';
import { toChatGeneration } from './chat-request.ts';
import { chatSchema } from './chat-schema.ts';
import { parseWire } from './parse-wire.ts';

const hello = [{ role: 'user', content: 'hello' }];
const parse = (body: object) => toChatGeneration(parseWire(chatSchema, { model: 'm', messages: hello, ...body }), 'id');
const refusal = (body: object): { param?: string; message?: string; code?: string } => {
  try {
    parse(body);
  } catch (error) {
    return error as { param?: string; message?: string; code?: string };
  }
  return {};
};
const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });

describe('a chat request', () => {
  it('becomes one generation with defaults where nothing is said', () => {
    const { requests, stream, includeUsage } = parse({});
    expect({ stream, includeUsage }).toEqual({ stream: false, includeUsage: false });
    expect(requests).toEqual([
      {
        id: 'id-0',
        model: 'm',
        input: {
          kind: 'chat',
          messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
          tools: [],
          toolChoice: { type: 'none' },
          parallelToolCalls: true,
        },
        sampling: {},
        stop: [],
        responseFormat: { type: 'text' },
        reasoning: { return: true },
        truncate: 'error',
        priority: 0,
      },
    ]);
  });

  it('takes null for "not set" in every optional field', () => {
    const nulls = Object.fromEntries(Object.keys(chatSchema.shape).map((name) => [name, null]));
    expect(parse({ ...nulls, model: 'm', messages: hello })).toEqual(parse({}));
  });

  it('carries every sampling field over', () => {
    const [request] = parse({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.1,
      seed: -1,
      logit_bias: { 42: -100 },
      stop: 'END',
      max_tokens: 1e300,
      logprobs: true,
      top_logprobs: 3,
      truncate: 'auto',
      priority: 5,
    }).requests;
    expect(request?.sampling).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      minP: 0.05,
      presencePenalty: 1,
      frequencyPenalty: -1,
      repeatPenalty: 1.1,
      seed: 2 ** 32 - 1,
      logitBias: new Map([[42, -100]]),
    });
    expect(request).toMatchObject({ stop: ['END'], logprobs: 3, truncate: 'auto', priority: 5 });
    expect(request?.maxTokens).toBe(2 ** 31 - 1);
  });

  it('prefers max_completion_tokens, and takes -1 as "no top_k"', () => {
    expect(parse({ max_tokens: 5, max_completion_tokens: 7 }).requests[0]?.maxTokens).toBe(7);
    expect(parse({ top_k: -1 }).requests[0]?.sampling.topK).toBe(0);
  });

  it('gives n generations distinct ids and seeds', () => {
    const { requests } = parse({ n: 3, seed: 2 ** 32 - 1 });
    expect(requests.map((request) => request.id)).toEqual(['id-0', 'id-1', 'id-2']);
    expect(requests.map((request) => request.sampling.seed)).toEqual([2 ** 32 - 1, 0, 1]);
  });

  it.each([
    [{ enable_thinking: true }, { enable: true, return: true }],
    [
      { enable_thinking: false, reasoning_effort: 'high' },
      { enable: false, return: true },
    ],
    [{ chat_template_kwargs: { enable_thinking: false } }, { enable: false, return: true }],
    [
      { reasoning_effort: 'none', return_reasoning: false },
      { enable: false, return: false },
    ],
    [
      { reasoning_effort: 'medium', include_reasoning: false },
      { enable: true, return: false },
    ],
  ])('reads reasoning from %j', (body, reasoning) => {
    expect(parse(body).requests[0]?.reasoning).toEqual(reasoning);
  });

  it('reads every kind of message and part', () => {
    const { requests } = parse({
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'look' },
            { type: 'image_url', image_url: { url: 'data:image/PNG;base64,iVBORw0KGgo=', detail: 'low' } },
            { type: 'image_url', image_url: 'https://example.com/a.png' },
            { type: 'input_audio', input_audio: { data: 'AAEC\nAw==', format: 'wav' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          function_call: null,
          reasoning_content: 'hm',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: '42' },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      ],
    });
    const input = requests[0]?.input;
    expect(input?.kind === 'chat' ? input.messages : []).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'be kind' }] },
      {
        role: 'user',
        name: 'ann',
        content: [
          { type: 'text', text: 'look' },
          {
            type: 'image',
            source: { kind: 'bytes', bytes: Buffer.from('iVBORw0KGgo=', 'base64'), mediaType: 'image/png' },
            detail: 'low',
            field: 'messages[1].content[1].image_url.url',
          },
          {
            type: 'image',
            source: { kind: 'url', url: 'https://example.com/a.png' },
            detail: 'auto',
            field: 'messages[1].content[2].image_url',
          },
          {
            type: 'audio',
            bytes: Buffer.from([0, 1, 2, 3]),
            format: 'wav',
            field: 'messages[1].content[3].input_audio.data',
          },
        ],
      },
      {
        role: 'assistant',
        content: [],
        reasoning: 'hm',
        toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }],
      },
      { role: 'tool', toolCallId: 'c1', content: [{ type: 'text', text: '42' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'no' }], toolCalls: [] },
    ]);
  });

  it('reads tools, the choice among them and the response format', () => {
    const [request] = parse({
      tools: [tool('weather'), tool('time')],
      tool_choice: { type: 'function', function: { name: 'time' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
    }).requests;
    expect(request?.input).toMatchObject({
      tools: [{ name: 'weather', parameters: { type: 'object' }, strict: false }, { name: 'time' }],
      toolChoice: { type: 'named', name: 'time' },
      parallelToolCalls: false,
    });
    expect(request?.responseFormat).toEqual({
      type: 'json-schema',
      name: 'x',
      schema: { type: 'object' },
      strict: true,
    });
    expect(parse({ tools: [tool('a')] }).requests[0]?.input).toMatchObject({ toolChoice: { type: 'auto' } });
    expect(parse({ tool_choice: 'auto' }).requests[0]?.input).toMatchObject({ toolChoice: { type: 'none' } });
  });

  it('ignores fields it does not know', () => {
    expect(parse({ metadata: { a: 'b' }, store: true, surprise: [1] })).toEqual(parse({}));
  });
});

describe('a chat request that is wrong', () => {
  it.each<[string, object, string, RegExp]>([
    ['no messages', { messages: undefined }, 'messages', /is required/],
    ['empty messages', { messages: [] }, 'messages', /at least 1 entry/],
    ['messages of another type', { messages: 'hi' }, 'messages', /must be an array/],
    ['a message that is no object', { messages: ['hi'] }, 'messages[0]', /must be an object/],
    ['a role that does not exist', { messages: [{ role: 'king', content: '' }] }, 'messages[0].role', /"system"/],
    ['the old function role', { messages: [{ role: 'function', content: '' }] }, 'messages[0].role', /"tool"/],
    [
      'content of another type',
      { messages: [{ role: 'user', content: 7 }] },
      'messages[0].content',
      /a string or an array/,
    ],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', /./],
    [
      'a text part without text',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
      /is required/,
    ],
    [
      'an unknown part',
      { messages: [{ role: 'user', content: [{ type: 'video' }] }] },
      'messages[0].content[0].type',
      /"image_url"/,
    ],
    [
      'a file address as picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
      'messages[0].content[0].image_url.url',
      /data:, http: or https:/,
    ],
    [
      'damaged base64',
      {
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,@@@' } }] }],
      },
      'messages[0].content[0].image_url.url',
      /base64/,
    ],
    [
      'a legacy call',
      { messages: [{ role: 'assistant', content: '', function_call: { name: 'f', arguments: '' } }] },
      'messages[0].function_call',
      /tool_calls/,
    ],
    ['legacy functions', { functions: [{ name: 'f' }] }, 'functions', /tools/],
    ['temperature too high', { temperature: 2.1 }, 'temperature', /at most 2/],
    ['temperature below zero', { temperature: -0.1 }, 'temperature', /at least 0/],
    ['temperature as text', { temperature: 'hot' }, 'temperature', /must be a number/],
    ['n of 1000', { n: 1000 }, 'n', /at most 8/],
    ['n of 0', { n: 0 }, 'n', /at least 1/],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens', /at least 1/],
    ['max_tokens negative', { max_tokens: -5 }, 'max_tokens', /at least 1/],
    ['max_tokens with a fraction', { max_tokens: 1.5 }, 'max_tokens', /an integer/],
    ['17 stops', { stop: Array.from({ length: 17 }, () => 'a') }, 'stop', /at most 16/],
    ['an empty stop', { stop: ['a', ''] }, 'stop[1]', /must not be empty/],
    ['a stop that is a number', { stop: [1] }, 'stop[0]', /must be a string/],
    ['stream as text', { stream: 'yes' }, 'stream', /true or false/],
    ['21 top_logprobs', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', /at most 20/],
    ['top_logprobs alone', { top_logprobs: 2 }, 'top_logprobs', /logprobs/],
    ['a bias out of range', { logit_bias: { 5: 101 } }, 'logit_bias.5', /at most 100/],
    ['a bias for no token', { logit_bias: { cat: 1 } }, 'logit_bias.cat', /key/],
    ['a tool without a name', { tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', /required/],
    ['two tools of one name', { tools: [tool('a'), tool('a')] }, 'tools[1].function.name', /earlier/],
    [
      'a choice of a tool that is not there',
      { tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'b' } } },
      'tool_choice.function.name',
      /one of the tools/,
    ],
    ['a required call without tools', { tool_choice: 'required' }, 'tool_choice', /no tools/],
    ['an unknown format', { response_format: { type: 'xml' } }, 'response_format.type', /"json_schema"/],
    ['a priority out of range', { priority: 11 }, 'priority', /at most 10/],
    ['a model of another type', { model: 3 }, 'model', /must be a string/],
  ])('%s is refused with the name of the field', (_, body, param, message) => {
    const error = refusal(body);
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBe(param);
    expect(error.message).toMatch(message);
    expect(error.message?.startsWith(param)).toBe(true);
  });

  it('never quotes what the client wrote', () => {
    expect(refusal({ temperature: 'my secret' }).message).not.toContain('secret');
    expect(refusal({ messages: [{ role: 'my secret', content: '' }] }).message).not.toContain('secret');
  });

  it('is refused when it is no object', () => {
    expect(() => parseWire(chatSchema, [])).toThrow(/The body must be an object/);
    expect(() => parseWire(chatSchema, null)).toThrow(/The body must be an object/);
  });
});
