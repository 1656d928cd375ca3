import { describe, expect, it } from 'vitest';
import { chunksOf, framesOf, newApp, postJson } from '../../test/support/app-client.ts';
import {
  answer,
  event,
  finish,
  lastText,
  ScriptedBackend,
  type ScriptStep,
  start,
  usage,
} from '../../test/support/scripted-backend.ts';
import { makeError } from '../core/errors.ts';

const ask = (fields: object = {}) => ({
  model: 'scripted-1',
  messages: [{ role: 'user', content: 'hi there' }],
  ...fields,
});
const playing = (...steps: ScriptStep[]) => new ScriptedBackend({ script: () => steps });
type Chunk = {
  id: string;
  model: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string; tool_calls?: unknown[] };
    finish_reason: string | null;
    logprobs: unknown;
  }[];
  usage?: unknown;
  error?: { code: string };
};

describe('POST /v1/chat/completions', () => {
  it('answers in one body', async () => {
    const script = () =>
      answer('Hello you', { reasoning: 'greet', receipt: { id: 'r1', target: 'device', reasons: ['private', '私'] } });
    const response = await postJson(
      newApp(new ScriptedBackend({ script })),
      '/v1/chat/completions',
      ask({ model: 'auto' }),
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-duanyun-target')).toBe('device');
    expect(response.headers.get('x-duanyun-reasons')).toBe('private,?');
    expect(response.headers.get('x-duanyun-receipt')).toBe('r1');
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: 1_760_000_000,
      model: 'scripted-1',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello you', refusal: null, reasoning_content: 'greet' },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 7,
        completion_tokens: 3,
        total_tokens: 10,
        prompt_tokens_details: { cached_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      timings: {
        queued_ms: 1,
        prefill_ms: 20,
        decode_ms: 40,
        prefill_tokens: 4,
        prefill_tokens_per_second: 200,
        decode_tokens: 3,
        decode_tokens_per_second: 75,
      },
    });
  });

  it('streams the role, then the text, then the reason, then usage when asked for', async () => {
    const response = await postJson(
      newApp(),
      '/v1/chat/completions',
      ask({ stream: true, stream_options: { include_usage: true } }),
    );
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = await response.text();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const chunks = chunksOf<Chunk>(text);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('You said: hi there');
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, total_tokens: 11 },
      timings: { prefill_ms: 20 },
    });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  it('sends no usage chunk that nobody asked for', async () => {
    const chunks = chunksOf<Chunk>(
      await (await postJson(newApp(), '/v1/chat/completions', ask({ stream: true }))).text(),
    );
    expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  it.each([
    ['length', 'length'],
    ['tool-calls', 'tool_calls'],
    ['content-filter', 'content_filter'],
  ] as const)('maps the reason %s to %s', async (unified, wire) => {
    const app = newApp(playing(start(), event({ type: 'text-delta', text: 'x' }), usage(1), finish(unified)));
    const body = (await (await postJson(app, '/v1/chat/completions', ask())).json()) as Chunk;
    expect(body.choices[0]?.finish_reason).toBe(wire);
  });

  it('gives tool calls in one body and in a stream', async () => {
    const backend = playing(
      start(),
      event({ type: 'tool-call-delta', index: 0, id: 'call_1', name: 'weather', arguments: '' }),
      event({ type: 'tool-call-delta', index: 0, arguments: '{"city":' }),
      event({ type: 'tool-call-delta', index: 0, arguments: '"Bern"}' }),
      event({ type: 'tool-call-delta', index: 1, id: 'call_2', name: 'time', arguments: '{}' }),
      usage(9),
      finish('tool-calls'),
    );
    const whole = (await (await postJson(newApp(backend), '/v1/chat/completions', ask())).json()) as {
      choices: { message: unknown }[];
    };
    expect(whole.choices[0]?.message).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
        { id: 'call_2', type: 'function', function: { name: 'time', arguments: '{}' } },
      ],
    });
    const stream = await (await postJson(newApp(backend), '/v1/chat/completions', ask({ stream: true }))).text();
    const deltas = chunksOf<Chunk>(stream).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(deltas).toEqual([
      { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } },
      { index: 0, function: { arguments: '{"city":' } },
      { index: 0, function: { arguments: '"Bern"}' } },
      { index: 1, id: 'call_2', type: 'function', function: { name: 'time', arguments: '{}' } },
    ]);
  });

  it('gives logprobs', async () => {
    const top = [{ token: 'a', bytes: [97], logprob: -0.1 }];
    const logprobs = [{ token: 'a', bytes: [97], logprob: -0.1, top }];
    const backend = playing(start(), event({ type: 'text-delta', text: 'a', logprobs }), usage(1), finish('stop'));
    const expected = {
      content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [{ token: 'a', logprob: -0.1, bytes: [97] }] }],
      refusal: null,
    };
    const body = (await (
      await postJson(newApp(backend), '/v1/chat/completions', ask({ logprobs: true }))
    ).json()) as Chunk;
    expect(body.choices[0]?.logprobs).toEqual(expected);
    const stream = await (await postJson(newApp(backend), '/v1/chat/completions', ask({ stream: true }))).text();
    expect(chunksOf<Chunk>(stream)[1]?.choices[0]?.logprobs).toEqual(expected);
  });

  it('merges n answers by index and counts the prompt once', async () => {
    const backend = new ScriptedBackend({
      script: ({ id, sampling }) => answer(`seed ${sampling.seed}`, { firstDelayMs: id.endsWith('-0') ? 20 : 1 }),
    });
    const body = (await (await postJson(newApp(backend), '/v1/chat/completions', ask({ n: 3, seed: 5 }))).json()) as {
      choices: { index: number; message: { content: string } }[];
      usage: { prompt_tokens: number; completion_tokens: number };
    };
    expect(body.choices.map((choice) => [choice.index, choice.message.content])).toEqual([
      [0, 'seed 5'],
      [1, 'seed 6'],
      [2, 'seed 7'],
    ]);
    expect(body.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 6 });
    const stream = await (
      await postJson(newApp(backend), '/v1/chat/completions', ask({ n: 3, seed: 5, stream: true }))
    ).text();
    const texts = ['', '', ''];
    for (const { choices } of chunksOf<Chunk>(stream)) {
      const [choice] = choices;
      if (choice !== undefined) texts[choice.index] += choice.delta.content ?? '';
    }
    expect(texts).toEqual(['seed 5', 'seed 6', 'seed 7']);
    expect(backend.active).toBe(0);
  });
});

describe('errors of the backend', () => {
  it.each([false, true])('are an HTTP status when nothing was said yet (stream: %s)', async (stream) => {
    const refused = newApp(
      playing({
        step: 'throw',
        error: makeError('queue_full', { queued: 9, retryAfterSeconds: 4 }, { retryAfterSeconds: 3.2 }),
      }),
    );
    const response = await postJson(refused, '/v1/chat/completions', ask({ stream }));
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('4');
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } });

    const failed = newApp(
      playing(start(), event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true })),
    );
    const second = await postJson(failed, '/v1/chat/completions', ask({ stream }));
    expect(second.status).toBe(503);
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await second.json()).toMatchObject({ error: { code: 'engine_crashed', type: 'server_error' } });
  });

  it.each([
    [
      'an error event',
      event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true }),
      'engine_crashed',
    ],
    ['a throw', { step: 'throw', error: new Error('secret path /home/x') }, 'internal'],
    ['an end without finish', { step: 'wait', ms: 0 }, 'stream_broken'],
  ] as const)('after the first byte break the stream: %s', async (_, step, code) => {
    const app = newApp(playing(start(), event({ type: 'text-delta', text: 'half' }), step));
    const text = await (await postJson(app, '/v1/chat/completions', ask({ stream: true }))).text();
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('secret');
    expect(text).not.toContain('"finish_reason":"stop"');
    expect(chunksOf<Chunk>(text).at(-1)?.error?.code).toBe(code);
  });

  it('make the whole request fail when one of n fails, and end the others', async () => {
    const backend = new ScriptedBackend({
      script: (request) =>
        request.id.endsWith('-1')
          ? [start(), event({ type: 'error', code: 'engine_failed', message: 'x', retryable: false })]
          : [start(), { step: 'hang' }],
    });
    const response = await postJson(newApp(backend), '/v1/chat/completions', ask({ n: 3 }));
    expect(response.status).toBe(500);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(backend.aborted.size).toBe(3);
    expect(backend.active).toBe(0);
  });

  it('name the models there are when the model is unknown', async () => {
    const response = await postJson(newApp(), '/v1/chat/completions', ask({ model: '../../etc/passwd' }));
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: 'There is no model ../../etc/passwd. Available: scripted-1.',
        type: 'not_found_error',
        param: 'model',
        code: 'model_not_found',
      },
    });
  });

  it('comes as a stream event after a keep-alive has gone out', async () => {
    const app = newApp(
      playing(
        start(),
        { step: 'wait', ms: 60 },
        { step: 'throw', error: makeError('engine_overloaded', { reason: 'x' }) },
      ),
      { options: { keepAliveMs: 20 } },
    );
    const response = await postJson(app, '/v1/chat/completions', ask({ stream: true }));
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text.startsWith(': keep-alive\n\n')).toBe(true);
    expect(chunksOf<Chunk>(text).at(-1)?.error?.code).toBe('engine_overloaded');
  });
});

describe('keep-alive comments', () => {
  it('are sent while the prompt is prefilled and between slow tokens', async () => {
    const script = () => answer('one two', { firstDelayMs: 70, delayMs: 45 });
    const app = newApp(new ScriptedBackend({ script }), { options: { keepAliveMs: 20 } });
    const text = await (await postJson(app, '/v1/chat/completions', ask({ stream: true }))).text();
    expect(text.split(': keep-alive\n\n').length - 1).toBeGreaterThanOrEqual(3);
    expect(
      chunksOf<Chunk>(text)
        .map((chunk) => chunk.choices[0]?.delta.content ?? '')
        .join(''),
    ).toBe('one two');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });
});

describe('a request that waits', () => {
  it('is told where and for what, in the headers and in the comments', async () => {
    const backend = Object.assign(playing({ step: 'wait', ms: 70 }, ...answer('done')), {
      waiting: () => ({ receipt: { id: 'rcpt_1', target: 'device', reasons: ['private'] }, reason: 'loading\n50 %' }),
    });
    const app = newApp(backend, { options: { keepAliveMs: 20 } });
    const response = await postJson(app, '/v1/chat/completions', ask({ stream: true }));
    expect(response.headers.get('x-duanyun-receipt')).toBe('rcpt_1');
    expect(await response.text()).toMatch(/^: waiting: loading 50 %\n\n/);
  });
});

describe('a client that leaves', () => {
  it.each([false, true])('aborts the backend (stream: %s)', async (stream) => {
    const backend = playing(start(), { step: 'hang' });
    const controller = new AbortController();
    const response = postJson(newApp(backend), '/v1/chat/completions', ask({ stream }), {}, controller.signal);
    await expect.poll(() => backend.active).toBe(1);
    controller.abort();
    await response.catch(() => {});
    await expect.poll(() => backend.active).toBe(0);
    expect([...backend.aborted.values()][0]).toMatchObject({ code: 'client_closed' });
  });

  it('in the middle of a stream aborts the backend', async () => {
    const backend = playing(start(), event({ type: 'text-delta', text: 'x' }), { step: 'hang' });
    const response = await postJson(newApp(backend), '/v1/chat/completions', ask({ stream: true }));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect.poll(() => backend.active).toBe(0);
    expect(backend.aborted.size).toBe(1);
  });
});

describe('POST /v1/completions', () => {
  it('answers every prompt', async () => {
    const body = { model: 'scripted-1', prompt: ['a', 'b'], n: 2 };
    const answered = (await (await postJson(newApp(), '/v1/completions', body)).json()) as {
      object: string;
      choices: { text: string; index: number; finish_reason: string }[];
      usage: unknown;
    };
    expect(answered.object).toBe('text_completion');
    expect(answered.choices.map((choice) => choice.text)).toEqual(
      ['a', 'a', 'b', 'b'].map((text) => `You said: ${text}`),
    );
    expect(answered.usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 12 });
  });

  it('streams', async () => {
    const body = { model: 'scripted-1', prompt: 'a', stream: true, stream_options: { include_usage: true } };
    const text = await (await postJson(newApp(), '/v1/completions', body)).text();
    const chunks = chunksOf<{ choices: { text: string; finish_reason: string | null }[] }>(text);
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join('')).toBe('You said: a');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });
});

describe('POST /v1/responses', () => {
  it('answers in one body and says that nothing is stored', async () => {
    const body = { model: 'scripted-1', input: 'hi', instructions: 'be kind' };
    const answered = await (await postJson(newApp(), '/v1/responses', body)).json();
    expect(answered).toMatchObject({
      id: expect.stringMatching(/^resp_/),
      object: 'response',
      status: 'completed',
      store: false,
      model: 'scripted-1',
      output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'You said: hi' }] }],
      usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
    });
  });

  it('streams the documented events in order, numbered without a gap', async () => {
    const backend = playing(
      start(),
      event({ type: 'reasoning-delta', text: 'hm' }),
      event({ type: 'text-delta', text: 'Hel' }),
      event({ type: 'text-delta', text: 'lo' }),
      event({ type: 'tool-call-delta', index: 0, id: 'call_1', name: 'f', arguments: '{"a"' }),
      event({ type: 'tool-call-delta', index: 0, arguments: ':1}' }),
      usage(5),
      finish('tool-calls'),
    );
    const text = await (
      await postJson(newApp(backend), '/v1/responses', { model: 'scripted-1', input: 'x', stream: true })
    ).text();
    expect(text).not.toContain('[DONE]');
    const frames = framesOf(text);
    const events = frames.map((frame) => JSON.parse(frame.data) as { type: string; sequence_number: number });
    expect(frames.map((frame) => frame.event)).toEqual(events.map((item) => item.type));
    expect(events.map((item) => item.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.map((item) => item.type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'reasoning_text.delta',
      'reasoning_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ]);
    expect(events.at(-1)).toMatchObject({
      response: {
        status: 'completed',
        output: [
          { type: 'reasoning', content: [{ text: 'hm' }] },
          { type: 'message', content: [{ text: 'Hello' }] },
          { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
        ],
        usage: { output_tokens: 5 },
      },
    });
  });

  it('ends with incomplete at the token limit and with failed when it breaks', async () => {
    const body = { model: 'scripted-1', input: 'x', stream: true };
    const cut = newApp(new ScriptedBackend({ script: () => answer('a b', { length: true }) }));
    expect(chunksOf(await (await postJson(cut, '/v1/responses', body)).text()).at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
    const broken = newApp(
      playing(
        start(),
        event({ type: 'text-delta', text: 'half' }),
        event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true }),
      ),
    );
    expect(chunksOf(await (await postJson(broken, '/v1/responses', body)).text()).at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'engine_crashed', message: 'It ended.' } },
    });
  });
});

describe('POST /v1/embeddings', () => {
  it('answers in the order of the inputs', async () => {
    const body = { model: 'scripted-1', input: ['a', 'b', 'a'] };
    const answered = (await (await postJson(newApp(), '/v1/embeddings', body)).json()) as {
      data: { index: number; embedding: number[] }[];
    };
    expect(answered.data.map((item) => item.index)).toEqual([0, 1, 2]);
    expect(answered.data[0]?.embedding).toEqual(answered.data[2]?.embedding);
    expect(answered).toMatchObject({
      object: 'list',
      model: 'scripted-1',
      usage: { prompt_tokens: 9, total_tokens: 9 },
    });
  });

  it('says when there are none', async () => {
    const app = newApp(new ScriptedBackend({ embeddings: false }));
    const response = await postJson(app, '/v1/embeddings', { model: 'scripted-1', input: 'a' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'unsupported_feature' } });
  });
});

describe('the body of a request', () => {
  const post = (body: string | Uint8Array, headers = {}) => postJson(newApp(), '/v1/chat/completions', body, headers);
  const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

  it.each([
    ['broken JSON', '{"model":', 400, 'invalid_json'],
    ['nothing', '', 400, 'invalid_json'],
    ['10,000 levels', `{"messages":${'['.repeat(10_000)}`, 400, 'json_too_deep'],
    ['bytes that are not UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'invalid_utf8'],
    ['an array', '[]', 400, 'invalid_request'],
  ])('%s is refused', async (_, body, status, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await codeOf(response)).toBe(code);
  });

  it('over the limit is refused by its announced and by its real length', async () => {
    const small = newApp(new ScriptedBackend(), { options: { maxBodyBytes: 1000 } });
    const long = JSON.stringify(ask({ user: 'x'.repeat(2000) }));
    const announced = await postJson(small, '/v1/chat/completions', long, { 'content-length': String(long.length) });
    expect(announced.status).toBe(413);
    const unannounced = await postJson(small, '/v1/chat/completions', long);
    expect(unannounced.status).toBe(413);
    expect(await codeOf(unannounced)).toBe('body_too_large');
  });

  it('of another media type is refused', async () => {
    expect((await post('{}', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect((await post('{}', { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await post(JSON.stringify(ask()), { 'content-type': 'Application/JSON; charset=utf-8' })).status).toBe(200);
  });

  it('reaches the model with lone surrogates replaced', async () => {
    const backend = new ScriptedBackend();
    const body = '{"model":"scripted-1","messages":[{"role":"user","content":"a\\ud800b"}]}';
    expect((await postJson(newApp(backend), '/v1/chat/completions', body)).status).toBe(200);
    expect(lastText(backend.requests[0]!)).toBe('a\uFFFDb');
  });
});
