import { describe, expect, it } from 'vitest';
import { completionSchema, toCompletionGeneration } from './completion-request.ts';
import { embeddingBody, embeddingSchema, toEmbeddingRequest } from './embedding.ts';
import { parseWire } from './parse-wire.ts';
import { toResponsesGeneration } from './responses-request.ts';
import { responsesSchema } from './responses-schema.ts';

const paramOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { param?: unknown }).param;
  }
  return undefined;
};

describe('a completion request', () => {
  const parse = (body: object) => toCompletionGeneration(parseWire(completionSchema, { model: 'm', ...body }), 'id');

  it.each([
    ['text', 'a', ['a']],
    ['texts', ['a', 'b'], ['a', 'b']],
    ['tokens', [1, 2], [[1, 2]]],
    ['lists of tokens', [[1], [2, 3]], [[1], [2, 3]]],
  ])('takes %s', (_, prompt, expected) => {
    const { requests } = parse({ prompt, echo: true });
    expect(requests.map((request) => request.input)).toEqual(
      expected.map((item) => ({ kind: 'completion', prompt: item, echo: true })),
    );
  });

  it('puts the answers to one prompt beside each other', () => {
    const { requests, choicesPerPrompt } = parse({ prompt: ['a', 'b'], n: 2 });
    expect(requests.map((request) => request.id)).toEqual(['id-0-0', 'id-0-1', 'id-1-0', 'id-1-1']);
    expect(choicesPerPrompt).toBe(2);
  });

  it('refuses what it cannot do', () => {
    expect(paramOf(() => parse({}))).toBe('prompt');
    expect(paramOf(() => parse({ prompt: 5 }))).toBe('prompt');
    expect(paramOf(() => parse({ prompt: [[1], [-1]] }))).toBe('prompt[1][0]');
    expect(paramOf(() => parse({ prompt: [[1], 'a'] }))).toBe('prompt[1]');
    expect(paramOf(() => parse({ prompt: [1.5] }))).toBe('prompt[0]');
    expect(paramOf(() => parse({ prompt: ['a', 5] }))).toBe('prompt[1]');
    expect(paramOf(() => parse({ prompt: 'a', suffix: 'b' }))).toBe('suffix');
    expect(paramOf(() => parse({ prompt: 'a', best_of: 4 }))).toBe('best_of');
    expect(paramOf(() => parse({ prompt: 'a', logprobs: 21 }))).toBe('logprobs');
    expect(paramOf(() => parse({ prompt: Array.from({ length: 20 }, () => 'a'), n: 8 }))).toBe('n');
  });
});

describe('an embedding request', () => {
  const parse = (body: object) => parseWire(embeddingSchema, { model: 'm', ...body });
  const result = { model: 'm', vectors: [Float32Array.of(0.6, -0.8)], promptTokens: 2 };

  it('takes texts and tokens', () => {
    expect(toEmbeddingRequest(parse({ input: 'a' }), 'id').inputs).toEqual(['a']);
    expect(toEmbeddingRequest(parse({ input: [1, 2] }), 'id').inputs).toEqual([[1, 2]]);
    expect(toEmbeddingRequest(parse({ input: [[1], [2]] }), 'id').inputs).toEqual([[1], [2]]);
  });

  it('refuses empty and mixed input', () => {
    expect(paramOf(() => parse({ input: '' }))).toBe('input');
    expect(paramOf(() => parse({ input: [] }))).toBe('input');
    expect(paramOf(() => parse({ input: ['a', 1] }))).toBe('input[1]');
    expect(paramOf(() => parse({ input: 'a', encoding_format: 'hex' }))).toBe('encoding_format');
  });

  it('answers in floats or in base64 of little-endian 32-bit floats', () => {
    const plain = embeddingBody(result, parse({ input: 'a' })) as { data: { embedding: number[] }[] };
    expect(plain.data[0]?.embedding[0]).toBeCloseTo(0.6);
    const packed = embeddingBody(result, parse({ input: 'a', encoding_format: 'base64' })) as {
      data: { embedding: string }[];
    };
    const bytes = Buffer.from(packed.data[0]?.embedding ?? '', 'base64');
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([...Float32Array.of(0.6, -0.8)]);
  });

  it('refuses dimensions other than the length of its vectors', () => {
    expect(paramOf(() => embeddingBody(result, parse({ input: 'a', dimensions: 3 })))).toBe('dimensions');
    expect(paramOf(() => embeddingBody(result, parse({ input: 'a', dimensions: 2 })))).toBeUndefined();
  });
});

describe('a responses request', () => {
  const parse = (body: object) => toResponsesGeneration(parseWire(responsesSchema, { model: 'm', ...body }), 'resp_1');

  it('joins the items of one turn into one message', () => {
    const { requests } = parse({
      instructions: 'be brief',
      input: [
        { role: 'user', content: 'weather?' },
        { type: 'reasoning', id: 'rs', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'let me see' }] },
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'sunny' },
      ],
    });
    const input = requests[0]?.input;
    expect(input?.kind === 'chat' ? input.messages : []).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'be brief' }] },
      { role: 'user', content: [{ type: 'text', text: 'weather?' }] },
      {
        role: 'assistant',
        content: [{ type: 'text', text: 'let me see' }],
        toolCalls: [{ id: 'c1', name: 'weather', arguments: '{}' }],
        reasoning: 'hm',
      },
      { role: 'tool', toolCallId: 'c1', content: [{ type: 'text', text: 'sunny' }] },
    ]);
  });

  it('reads tools, format, limit and truncation', () => {
    const [request] = parse({
      input: 'x',
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
      tool_choice: 'required',
      text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' } } },
      max_output_tokens: 9,
      truncation: 'auto',
      reasoning: { effort: 'low' },
    }).requests;
    expect(request).toMatchObject({
      input: { toolChoice: { type: 'required' }, tools: [{ name: 'f' }] },
      responseFormat: { type: 'json-schema', name: 's' },
      maxTokens: 9,
      truncate: 'auto',
      reasoning: { enable: true },
    });
  });

  it('refuses whatever would need a store', () => {
    expect(paramOf(() => parse({ input: 'x', previous_response_id: 'resp_0' }))).toBe('previous_response_id');
    expect(paramOf(() => parse({ input: 'x', store: true }))).toBe('store');
    expect(paramOf(() => parse({ input: 'x', background: true }))).toBe('background');
    expect(paramOf(() => parse({ input: 'x', conversation: 'conv_1' }))).toBe('conversation');
    expect(paramOf(() => parse({ input: 'x', store: false, previous_response_id: null }))).toBeUndefined();
  });

  it('names the item at fault', () => {
    expect(paramOf(() => parse({ input: [{ type: 'item_reference', id: 'a' }] }))).toBe('input[0].type');
    expect(paramOf(() => parse({ input: [{ role: 'user', content: [{ type: 'input_file' }] }] }))).toBe(
      'input[0].content[0].type',
    );
    expect(paramOf(() => parse({ input: 'x', tools: [{ type: 'web_search' }] }))).toBe('tools[0].type');
  });
});
