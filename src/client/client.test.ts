/** The library on answers of its own making; runs in a browser too. The real server: `test/contract/client-library.test.ts`. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DuanyunClient, type DuanyunClientOptions } from './client.ts';
import type { ChatEvent } from './chat-answer.ts';
import type { FetchFunction } from './transport.ts';

type Step = Response | Error | (() => Promise<Response>);
type Sent = Parameters<FetchFunction>[1] & { url: string };

const encoder = new TextEncoder();
const eventStream = { 'content-type': 'text/event-stream; charset=utf-8' };

/** Plays one step a request. */
function playing(steps: Step[], options: DuanyunClientOptions = {}): { client: DuanyunClient; sent: Sent[] } {
  const sent: Sent[] = [];
  const play: FetchFunction = async (url, init) => {
    sent.push({ url, ...init });
    init.signal.throwIfAborted();
    const step = steps.shift();
    if (step === undefined) throw new Error('nothing more was expected');
    if (step instanceof Error) throw step;
    return typeof step === 'function' ? step() : step;
  };
  return { client: new DuanyunClient({ baseUrl: 'http://duanyun.test/v1/', fetch: play, ...options }), sent };
}

/** A body that comes in these pieces; the last one may be an error that breaks it. */
function streamed(pieces: (string | Uint8Array | Error)[], headers: Record<string, string> = {}): Response {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else if (piece instanceof Error) controller.error(piece);
      else controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece);
    },
  });
  return new Response(body, { headers: { ...eventStream, ...headers } });
}

const chunk = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'c1', model: 'm1', choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;
const finished = chunk({}, { finish_reason: 'stop' });
const done = 'data: [DONE]\n\n';
const failure = (code: string): string =>
  `data: {"error":{"message":"It ended.","type":"x","param":null,"code":"${code}"}}\n\n`;
const refusal = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ error: { message: 'No.', type: 'x', param: 'messages', code } }), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });

async function collect(events: AsyncIterable<ChatEvent>): Promise<{ events: ChatEvent[]; error?: unknown }> {
  const all: ChatEvent[] = [];
  try {
    for await (const event of events) all.push(event);
    return { events: all };
  } catch (error) {
    return { events: all, error };
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs what waits for timers, however long they are. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const watched = promise.finally(() => {
    state.isOver = true;
  });
  watched.catch(() => {});
  for (let times = 0; times < 50 && !state.isOver; times += 1) await vi.advanceTimersByTimeAsync(60_000);
  return watched;
}

describe('a streamed answer', () => {
  const route = { 'x-duanyun-target': 'device', 'x-duanyun-reasons': 'a,b', 'x-duanyun-receipt': 'rcpt_1' };
  const whole = [
    ': waiting: the model loads\n\n',
    chunk({ role: 'assistant', content: '' }),
    ': keep-alive\n\n',
    chunk({ reasoning_content: '嗯🙂' }),
    chunk({ content: '你好,' }),
    chunk({ content: '世界 🌏!' }),
    finished,
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } }, timings: { decode_ms: 40, decode_tokens_per_second: 100 } })}\n\n`,
    done,
  ].join('');

  const expected = {
    id: 'c1',
    model: 'm1',
    text: '你好,世界 🌏!',
    reasoning: '嗯🙂',
    finishReason: 'stop',
    route: { target: 'device', reasons: ['a', 'b'], receiptId: 'rcpt_1' },
    usage: { promptTokens: 7, cachedTokens: 3, completionTokens: 4, reasoningTokens: 0 },
    timings: { decodeMs: 40, decodeTokensPerSecond: 100 },
    message: { role: 'assistant', content: '你好,世界 🌏!' },
  };

  it('is typed events and at the end the whole', async () => {
    const { client, sent } = playing([streamed([whole], route)], { apiKey: 'k', headers: { 'x-a': 'b' } });
    const stream = client.stream('hi');
    const { events } = await collect(stream);
    expect(events.map((event) => event.type)).toEqual([
      'waiting',
      'start',
      'reasoning-delta',
      'text-delta',
      'text-delta',
      'finish',
    ]);
    expect(events[0]).toEqual({ type: 'waiting', reason: 'the model loads' });
    expect(await stream.answer()).toMatchObject(expected);
    expect(sent[0]).toMatchObject({
      url: 'http://duanyun.test/v1/chat/completions',
      method: 'POST',
      headers: { authorization: 'Bearer k', 'x-a': 'b', 'content-type': 'application/json' },
    });
    expect(JSON.parse(sent[0]?.body as string)).toEqual({
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('is the same wherever its bytes are cut', async () => {
    const bytes = encoder.encode(whole);
    for (let at = 1; at < bytes.length; at += 1) {
      const { client } = playing([streamed([bytes.slice(0, at), bytes.slice(at)], route)]);
      expect(await client.chat('hi')).toMatchObject(expected);
    }
    const { client } = playing([
      streamed(
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        route,
      ),
    ]);
    expect(await client.chat('hi')).toMatchObject(expected);
  });

  it('comes whole where fetch has no body to read in pieces', async () => {
    const { client } = playing([
      async () => {
        const { status, headers } = streamed([], route);
        return { status, headers, text: async () => whole } as Response;
      },
    ]);
    expect(await client.chat('hi')).toMatchObject(expected);
  });

  it('can be read as text', async () => {
    const { client } = playing([streamed([whole])]);
    const stream = client.stream('hi');
    let text = '';
    for await (const piece of stream.text()) text += piece;
    expect([text, (await stream.answer()).finishReason]).toEqual(['你好,世界 🌏!', 'stop']);
  });

  it('puts tool calls together', async () => {
    const call = (fields: object) => chunk({ tool_calls: [fields] });
    const { client } = playing([
      streamed([
        call({ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":' } }),
        call({ index: 0, function: { arguments: '"北京"}' } }),
        call({ index: 1, id: 'call_2', function: { name: 'time', arguments: '{}' } }),
        chunk({}, { finish_reason: 'tool_calls' }),
        done,
      ]),
    ]);
    const answer = await client.chat('weather?');
    expect(answer.toolCalls).toEqual([
      { id: 'call_1', name: 'weather', arguments: '{"city":"北京"}' },
      { id: 'call_2', name: 'time', arguments: '{}' },
    ]);
    expect(answer.message).toMatchObject({ content: null, tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] });
  });
});

describe('a stream that broke off never looks finished', () => {
  it.each<[string, (string | Error)[], string]>([
    ['without [DONE]', [chunk({ content: 'half' }), finished], 'stream_broken'],
    ['in the middle of an event', [chunk({ content: 'half' }), 'data: {"choi'], 'stream_broken'],
    ['with an error of the connection', [chunk({ content: 'half' }), new TypeError('terminated')], 'stream_broken'],
    ['with an error event', [chunk({ content: 'half' }), failure('engine_crashed')], 'engine_crashed'],
    ['with an error event and [DONE]', [chunk({ content: 'half' }), failure('engine_crashed'), done], 'engine_crashed'],
    ['with an event that is not JSON', [chunk({ content: 'half' }), 'data: <html>\n\n', done], 'response_invalid'],
    ['with JSON that is no object', [chunk({ content: 'half' }), 'data: null\n\n', done], 'response_invalid'],
    ['with JSON that is no chunk', [chunk({ content: 'half' }), 'data: [1]\n\n', done], 'response_invalid'],
    ['with [DONE] but no reason to finish', [chunk({ content: 'half' }), done], 'stream_broken'],
  ])('%s', async (_, pieces, code) => {
    const { client, sent } = playing([streamed(pieces)]);
    const stream = client.stream('hi');
    const { events, error } = await settled(collect(stream));
    expect(error).toMatchObject({ code });
    expect(events.map((event) => event.type)).toEqual(['start', 'text-delta']);
    await expect(stream.answer()).rejects.toBe(error);
    expect(stream.partial.text).toBe('half');
    // Something was handed over, so nothing is tried again.
    expect(sent).toHaveLength(1);
  });
});

describe('another attempt', () => {
  const good = (): Response => streamed([chunk({ content: 'ok' }), finished, done]);

  it.each<[string, () => Step]>([
    ['after no connection', () => new TypeError('fetch failed')],
    ['after 429', () => refusal(429, 'queue_full', { 'retry-after': '2' })],
    ['after 503', () => refusal(503, 'engine_unavailable', { 'retry-after': '1' })],
    [
      'after HTML of a proxy with 502',
      () => new Response('<html>', { status: 502, headers: { 'content-type': 'text/html' } }),
    ],
    ['after an error event before the first token', () => streamed([': keep-alive\n\n', failure('engine_crashed')])],
    ['after an end before the first token', () => streamed([': keep-alive\n\n'])],
  ])('%s', async (_, first) => {
    const { client, sent } = playing([first(), good()]);
    expect((await settled(client.chat('hi'))).text).toBe('ok');
    expect(sent).toHaveLength(2);
  });

  it.each<[string, () => Step, object]>([
    ['after 400', () => refusal(400, 'invalid_request'), { code: 'invalid_request', status: 400, param: 'messages' }],
    [
      'after a spent budget',
      () => refusal(429, 'budget_exceeded', { 'retry-after': '1' }),
      { code: 'budget_exceeded' },
    ],
    [
      'after too long a wait was asked for',
      () => refusal(429, 'rate_limited', { 'retry-after': '45' }),
      { code: 'rate_limited', retryAfterSeconds: 45, retryable: true },
    ],
    [
      'after HTML with 200',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      { code: 'response_invalid', status: 200, retryable: false },
    ],
    ['after HTML with 404', () => new Response('<html>', { status: 404 }), { code: 'response_invalid', status: 404 }],
  ])('is not made %s', async (_, first, error) => {
    const { client, sent } = playing([first()]);
    await expect(settled(client.chat('hi'))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  it('waits as long as it was asked to', async () => {
    const { client, sent } = playing([refusal(429, 'queue_full', { 'retry-after': '5' }), good()]);
    const answer = client.chat('hi');
    await vi.advanceTimersByTimeAsync(4999);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toHaveLength(2);
    expect((await answer).text).toBe('ok');
  });

  it('ends with the last error, after as many as are allowed', async () => {
    const busy = (): Step => refusal(503, 'shutting_down');
    const { client, sent } = playing([busy(), busy(), busy(), good()]);
    await expect(settled(client.chat('hi'))).rejects.toMatchObject({ code: 'shutting_down' });
    expect(sent).toHaveLength(3);
    const once = playing([busy()]);
    await expect(once.client.chat('hi', { maxRetries: 0 })).rejects.toMatchObject({ code: 'shutting_down' });
  });
});

describe('an abort', () => {
  it('before the request sends none', async () => {
    const { client, sent } = playing([]);
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(client.chat('hi', { signal })).rejects.toThrow('changed my mind');
    await expect(client.models({ signal })).rejects.toThrow('changed my mind');
    expect(sent).toEqual([]);
  });

  it('during the answer ends the body', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(chunk({ content: 'a' }))),
      cancel: () => {
        cancelled = true;
      },
    });
    const { client } = playing([new Response(body, { headers: eventStream })]);
    for await (const event of client.stream('hi')) if (event.type === 'text-delta') break;
    expect(cancelled).toBe(true);
  });

  it('while it waits for another attempt ends the wait', async () => {
    const { client, sent } = playing([refusal(429, 'queue_full', { 'retry-after': '20' })]);
    const stream = client.stream('hi');
    const answer = stream.answer();
    answer.catch(() => {});
    await vi.advanceTimersByTimeAsync(10);
    stream.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });

  it('reaches the caller as an AbortError', async () => {
    const { client } = playing([async () => new Promise<Response>(() => {})]);
    const controller = new AbortController();
    controller.abort();
    await expect(client.chat('hi', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('time limits', () => {
  const hanging: FetchFunction = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });

  it('end a call that has no answer', async () => {
    const client = new DuanyunClient({ fetch: hanging, timeoutMs: 5000 });
    await expect(settled(client.models())).rejects.toMatchObject({ code: 'client_timeout', message: /5 s/ });
    await expect(settled(client.chat('hi'))).rejects.toMatchObject({ code: 'client_timeout' });
  });

  it('end a stream that fell silent, and not one that says it is alive', async () => {
    const silent = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(chunk({ content: 'a' }))),
    });
    const { client } = playing([new Response(silent, { headers: eventStream })], { silenceMs: 3000 });
    await expect(settled(client.chat('hi'))).rejects.toMatchObject({ code: 'client_timeout' });
    let pulls = 0;
    const alive = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        pulls += 1;
        controller.enqueue(encoder.encode(pulls < 5 ? ': keep-alive\n\n' : chunk({ content: 'b' }) + finished + done));
        if (pulls === 5) controller.close();
      },
    });
    const patient = playing([new Response(alive, { headers: eventStream })], { silenceMs: 3000 });
    expect((await settled(patient.client.chat('hi'))).text).toBe('b');
  });

  it('do not count the time that the reader takes', async () => {
    const { client } = playing([streamed([chunk({ content: 'a' }), chunk({ content: 'b' }), finished, done])], {
      silenceMs: 1000,
    });
    let text = '';
    const reading = (async () => {
      for await (const piece of client.stream('hi').text()) {
        text += piece;
        await new Promise((resolve) => setTimeout(resolve, 5000));
      }
    })();
    await settled(reading);
    expect(text).toBe('ab');
  });

  it('do not keep a complete answer waiting for the end of the connection', async () => {
    const open = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(chunk({ content: 'a' }) + finished + done)),
    });
    const { client } = playing([new Response(open, { headers: eventStream })]);
    const answer = client.chat('hi');
    await vi.advanceTimersByTimeAsync(300);
    expect((await answer).text).toBe('a');
  });
});

describe('answers in one body', () => {
  it('that are no JSON, or another JSON, are errors', async () => {
    const html = (): Response => new Response('<html>', { headers: { 'content-type': 'text/html' } });
    const { client } = playing([html(), Response.json({ hello: 1 }), html()]);
    await expect(client.models()).rejects.toMatchObject({ code: 'response_invalid', message: /text\/html/ });
    await expect(client.models()).rejects.toMatchObject({ code: 'response_invalid', message: /"data"/ });
    await expect(client.receipt('x')).rejects.toMatchObject({ code: 'response_invalid' });
  });

  it('that break off are not asked for again', async () => {
    const { client, sent } = playing([streamed(['{"data":', new TypeError('terminated')])]);
    await expect(client.models()).rejects.toMatchObject({ code: 'stream_broken' });
    expect(sent).toHaveLength(1);
  });

  it('say how the server is also while it cannot answer', async () => {
    const { client } = playing([Response.json({ status: 'loading', reason: 'reading weights' }, { status: 503 })]);
    expect(await client.health()).toEqual({ status: 'loading', reason: 'reading weights' });
  });
});

it('more than one answer a request is refused here, because it could not be told apart', async () => {
  const { client, sent } = playing([]);
  const request = { messages: [{ role: 'user', content: 'x' }], n: 2 } as const;
  await expect(async () => client.chat(request as never)).rejects.toMatchObject({
    code: 'invalid_request',
    param: 'n',
  });
  expect(sent).toEqual([]);
});
