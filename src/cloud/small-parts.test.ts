import { describe, expect, it } from 'vitest';
import type { GenerationRequest } from '../core/chat.ts';
import { newRequest } from './testing/requests.ts';
import { renderGeneration } from './render-request.ts';
import { parseRetryAfter } from './retry-after.ts';
import { parseVllmMetrics } from './vllm-metrics.ts';

describe('Retry-After', () => {
  const wall = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['3', 3000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:07 GMT', 7000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['999999999', 3_600_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(parseRetryAfter(header, wall)).toBe(expected);
  });
});

describe('the load of a vLLM server', () => {
  it('is read from its metrics, over all its engines', () => {
    const text = [
      '# HELP vllm:num_requests_running x',
      'vllm:num_requests_running{engine="0",model_name="m"} 3.0',
      'vllm:num_requests_running{engine="1",model_name="m"} 2.0',
      'vllm:num_requests_waiting{engine="0",model_name="m"} 7.0',
      'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25',
    ].join('\n');
    expect(parseVllmMetrics(text)).toEqual({ running: 5, waiting: 7, cacheUsage: 0.25 });
  });
  it('is unknown for other servers', () => {
    expect(parseVllmMetrics('<html>')).toBeUndefined();
    expect(parseVllmMetrics('vllm:num_requests_running NaN')).toBeUndefined();
  });
});

describe('a rendered request', () => {
  it('leaves the ids of calls, earlier reasoning and our own extensions behind', () => {
    const request = newRequest('go on', {
      route: { privacy: 'private' },
      input: {
        kind: 'chat',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'tap' }] },
          {
            role: 'assistant',
            content: [],
            reasoning: 'the secret thought',
            toolCalls: [{ id: 'id-13800138000', name: 'tap', arguments: '{"x":1}' }],
          },
          { role: 'tool', toolCallId: 'id-13800138000', content: [{ type: 'text', text: 'done' }] },
        ],
        tools: [{ name: 'tap', strict: false }],
        toolChoice: { type: 'named', name: 'tap' },
        parallelToolCalls: false,
      },
    });
    const { path, body } = renderGeneration(request, 'big');
    const text = JSON.stringify(body);
    expect(path).toBe('/chat/completions');
    expect(text).not.toMatch(/13800138000|secret thought|private|duanyun/);
    expect(body).toMatchObject({
      model: 'big',
      stream: true,
      tool_choice: { type: 'function', function: { name: 'tap' } },
      messages: [
        { role: 'user', content: 'tap' },
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1' }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      ],
    });
  });

  it('carries pictures, sound, sampling, schema and thinking', () => {
    const fields: Partial<GenerationRequest> = {
      input: {
        kind: 'chat',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what?' },
              {
                type: 'image',
                source: { kind: 'bytes', bytes: new Uint8Array([1, 2]), mediaType: 'image/png' },
                detail: 'low',
              },
              { type: 'audio', bytes: new Uint8Array([3]), format: 'wav' },
            ],
          },
        ],
        tools: [],
        toolChoice: { type: 'none' },
        parallelToolCalls: true,
      },
      sampling: { temperature: 0, topK: 5, seed: 7, logitBias: new Map([[3, -100]]) },
      stop: ['END'],
      reasoning: { enable: false, return: true },
      responseFormat: { type: 'json-schema', name: 'x', schema: { type: 'object' }, strict: true },
    };
    expect(renderGeneration(newRequest('', fields), 'big').body).toMatchObject({
      messages: [
        {
          content: [
            { type: 'text', text: 'what?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AQI=', detail: 'low' } },
            { type: 'input_audio', input_audio: { data: 'Aw==', format: 'wav' } },
          ],
        },
      ],
      temperature: 0,
      top_k: 5,
      seed: 7,
      logit_bias: { 3: -100 },
      stop: ['END'],
      chat_template_kwargs: { enable_thinking: false },
      response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true } },
    });
  });
});
