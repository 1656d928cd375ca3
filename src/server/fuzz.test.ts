import { describe, expect, it } from 'vitest';
import { newApp, postJson } from '../../test/support/app-client.ts';
import { answer, ScriptedBackend } from '../../test/support/scripted-backend.ts';

/** mulberry32: the same bodies on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seeds: Record<string, object> = {
  '/v1/chat/completions': {
    model: 'scripted-1',
    messages: [
      { role: 'system', content: 's' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 't' },
          { type: 'image_url', image_url: { url: 'https://a/b' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'r' },
    ],
    tools: [
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} }, strict: true } },
    ],
    tool_choice: { type: 'function', function: { name: 'f' } },
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
    temperature: 1,
    top_p: 1,
    seed: 1,
    stop: ['a'],
    logit_bias: { 1: 1 },
    n: 2,
    max_tokens: 5,
    stream: true,
    stream_options: { include_usage: true },
    logprobs: true,
    top_logprobs: 2,
    chat_template_kwargs: { enable_thinking: true },
  },
  '/v1/completions': {
    model: 'scripted-1',
    prompt: ['a', 'b'],
    n: 2,
    logprobs: 1,
    echo: true,
    stop: 'x',
    stream: true,
  },
  '/v1/embeddings': { model: 'scripted-1', input: ['a', 'b'], encoding_format: 'base64', dimensions: 8 },
  '/v1/responses': {
    model: 'scripted-1',
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'x' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'r' },
    ],
    tools: [{ type: 'function', name: 'f', parameters: {} }],
    text: { format: { type: 'json_schema', name: 'n', schema: {} } },
    stream: true,
    metadata: { a: 'b' },
  },
};
const oddities: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  2 ** 53,
  '',
  'x',
  '\u0000',
  'constructor',
  '__proto__',
  '🦜'.repeat(50),
  [],
  {},
  [[]],
  [null],
  [1, 'a'],
  { a: { b: [{}] } },
  { type: 'function' },
  { type: 'text' },
  { role: 'user' },
  { toString: 1, length: -1 },
  { constructor: { prototype: 1 } },
  'x'.repeat(2000),
  Array.from({ length: 300 }, (_, index) => index),
];

/** Replaces, removes, doubles or adds somewhere in the tree. */
function mutate(value: unknown, random: () => number): unknown {
  const pick = (): unknown => oddities[Math.floor(random() * oddities.length)];
  if (typeof value !== 'object' || value === null || random() < 0.15) return random() < 0.7 ? pick() : value;
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const key = keys[Math.floor(random() * keys.length)] ?? 'added';
  const choice = random();
  if (choice < 0.1) delete copy[key];
  else if (choice < 0.2)
    copy[['added', 'type', 'functions', 'store', 'n'][Math.floor(random() * 5)] ?? 'added'] = pick();
  else if (choice < 0.3 && Array.isArray(copy)) copy.push(copy[0], pick());
  else copy[key] = mutate(copy[key], random);
  return copy;
}

describe('the entry under random bodies', () => {
  it.each(Object.keys(seeds))('%s answers each with 200 or a documented 4xx that names its field', async (path) => {
    const random = seeded(20_261_124);
    const app = newApp(new ScriptedBackend({ script: () => answer('a b') }));
    const statuses = new Map<number, number>();
    for (let round = 0; round < 1000; round += 1) {
      let body: unknown = seeds[path];
      const changes = 1 + Math.floor(random() * 3);
      for (let change = 0; change < changes; change += 1) body = mutate(body, random);
      let text = JSON.stringify(body) ?? '';
      if (random() < 0.1) text = text.slice(0, Math.floor(random() * text.length));
      const response = await postJson(app, path, text);
      const answered = await response.text();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      expect([200, 400, 404], `${text}\n${answered}`).toContain(response.status);
      if (response.status === 400) {
        const { error } = JSON.parse(answered) as { error: { code: string; param: string | null; message: string } };
        expect(error.message, text).not.toMatch(/undefined|\[object|is not valid\.$/);
        if (error.code === 'invalid_request' && error.param !== null) expect(error.message).toContain(error.param);
      } else {
        expect(answered, text).not.toContain('"code":"internal"');
      }
    }
    expect(statuses.get(200)).toBeGreaterThan(50);
    expect(statuses.get(400)).toBeGreaterThan(200);
  });

  it('answers random bytes with a 4xx', async () => {
    const random = seeded(7);
    const app = newApp();
    for (let round = 0; round < 500; round += 1) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256));
      const response = await postJson(app, '/v1/chat/completions', bytes);
      expect(response.status).toBe(400);
    }
  });
});
