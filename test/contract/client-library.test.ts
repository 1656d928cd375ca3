/** `duanyun/client` against the real entry over real connections, and against servers that misbehave. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audioPart, type ChatEvent, DuanyunClient, DuanyunClientError, imagePart } from '../../src/client/index.ts';
import { errorCatalogue, type ErrorCode, makeError } from '../../src/core/errors.ts';
import type { ModuleStatus } from '../../src/core/modules.ts';
import type { Transcript } from '../../src/core/perception.ts';
import { setUp, type Setup } from '../../src/hybrid/testing/setup.ts';
import { operations } from '../../src/protocol/openapi.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { newServer } from '../support/app-client.ts';
import { FakeCloud, type Play, sendDelta, startStream } from '../support/fake-cloud.ts';
import { answer, event, lastText, type ScriptedBackend, start, usage } from '../support/scripted-backend.ts';

const privateText = '我的身份证号是110101199003074258';
const transcript: Transcript = {
  text: '你好,世界。',
  language: 'zh',
  languageProbability: 0.9,
  durationSeconds: 1.5,
  model: 'whisper-base',
  segments: [
    {
      text: '你好,世界。',
      start: 0,
      end: 1.5,
      averageLogprob: -0.1,
      noSpeechProbability: 0,
      words: [{ text: '你好', start: 0, end: 0.5, probability: 1 }],
    },
  ],
};
const speech: ModuleStatus = { name: 'speech', state: 'ready', residentBytes: 7, activeUses: 0, loads: 1 };

describe('the real entry', () => {
  let setup: Setup;
  let server: RunningServer;
  let client: DuanyunClient;
  const heard: { bytes: number; task: string | undefined; language: string | undefined }[] = [];

  beforeAll(async () => {
    setup = await setUp();
    server = await newServer(setup.service as unknown as ScriptedBackend, {
      hybrid: setup.control,
      transcriber: {
        async transcribe({ bytes }, options) {
          const { task, language } = options;
          heard.push({ bytes: bytes.length, task, language });
          if (bytes.length === 0) throw makeError('audio_invalid', { reason: 'it is empty' });
          for (const segment of transcript.segments) options.onSegment?.(segment);
          return Promise.resolve(transcript);
        },
      },
      modules: {
        list: () => [speech],
        load: async (name) => {
          if (name !== 'speech') throw makeError('module_not_found', { module: name, available: 'speech' });
          return Promise.resolve(speech);
        },
        unload: () => Promise.resolve({ ...speech, state: 'unloaded', residentBytes: 0 }),
      },
      options: { keepAliveMs: 50, apiKeys: ['secret'] },
    });
    client = new DuanyunClient({ baseUrl: server.url, apiKey: 'secret' });
  });
  afterAll(async () => {
    await server.close(0);
    await setup.close();
  });
  beforeEach(() => {
    setup.device.script = (request) => answer(`You said: ${lastText(request)}`);
  });

  it.each([
    ['Hello, how are you today?', 'cloud', 'Hello from the cloud.'],
    [privateText, 'device', `You said: ${privateText}`],
  ])('answers %s, and the receipt can be read', async (question, target, text) => {
    const given = await client.chat(question);
    expect(given).toMatchObject({ text, finishReason: 'stop', route: { target } });
    expect(given.route?.reasons.length).toBeGreaterThan(0);
    const receipt = await client.receipt(given.route?.receiptId ?? '');
    expect(receipt).toMatchObject({ id: given.route?.receiptId, target, state: 'answered', model: given.model });
    expect(receipt.bytesLeft > 0).toBe(target === 'cloud');
  });

  it('streams events with usage and timings, and follows wishes', async () => {
    setup.device.script = () => answer('one two three', { reasoning: 'hm', firstDelayMs: 120 });
    const stream = client.stream({
      messages: [{ role: 'user', content: 'Hello' }],
      duanyun: { preference: 'only_on_device' },
      enable_thinking: true,
    });
    const events: ChatEvent[] = [];
    for await (const each of stream) events.push(each);
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'reasoning-delta',
      'text-delta',
      'text-delta',
      'text-delta',
      'finish',
    ]);
    expect(await stream.answer()).toMatchObject({
      model: 'small-1',
      text: 'one two three',
      reasoning: 'hm',
      route: { target: 'device' },
      usage: { promptTokens: 7, cachedTokens: 3, completionTokens: 4, reasoningTokens: 1 },
      timings: { queuedMs: 1, prefillMs: 20, decodeMs: 40, decodeTokensPerSecond: 100 },
    });
  });

  it('goes on with a conversation, tools and all', async () => {
    setup.device.script = function* () {
      yield start();
      yield event({ type: 'tool-call-delta', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":' });
      yield event({ type: 'tool-call-delta', index: 0, arguments: '"北京"}' });
      yield usage(8);
      yield event({ type: 'finish', reason: { unified: 'tool-calls', raw: 'x' } });
    };
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const request = {
      model: 'edge',
      messages: [{ role: 'user' as const, content: 'weather?' }],
      tools: [{ type: 'function' as const, function: { name: 'weather', parameters } }],
    };
    const asked = await client.chat(request);
    expect(asked).toMatchObject({
      finishReason: 'tool_calls',
      toolCalls: [{ name: 'weather', arguments: '{"city":"北京"}' }],
    });
    setup.device.script = (given) =>
      answer(`${given.input.kind === 'chat' ? given.input.messages.length : 0} messages`);
    const tool = { role: 'tool' as const, tool_call_id: asked.toolCalls[0]?.id ?? '', content: 'sunny' };
    const last = await client.chat({ ...request, messages: [...request.messages, asked.message, tool] });
    expect(last.text).toBe('3 messages');
  });

  it('is given pictures and recordings as bytes', async () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2, 3]);
    const wav = Uint8Array.from(Buffer.from('RIFF1234WAVEfmt '));
    await client.chat({
      model: 'edge',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            await imagePart(new Blob([png]), { detail: 'low' }),
            await audioPart(wav),
          ],
        },
      ],
    });
    const input = setup.device.requests.at(-1)?.input;
    const parts = input?.kind === 'chat' ? input.messages[0]?.content : [];
    expect(parts).toMatchObject([
      { type: 'text' },
      { type: 'image', detail: 'low', source: { kind: 'bytes', mediaType: 'image/png', bytes: Buffer.from(png) } },
      { type: 'audio', format: 'wav', bytes: Buffer.from(wav) },
    ]);
  });

  it('explains without running', async () => {
    const explained = await client.route(privateText);
    expect(explained.decision).toMatchObject({ kind: 'route', target: 'device', privacy: 'device' });
    expect(explained.signals.privacy.identifiers[0]?.type).toBe('resident-id');
  });

  it('writes speech down: whole, as it is heard, as subtitles, in English', async () => {
    const recording = new Blob([new Uint8Array(9)], { type: 'audio/wav' });
    expect(await client.transcribe(recording, { language: 'zh', words: true })).toMatchObject({
      text: transcript.text,
      language: 'chinese',
      duration: 1.5,
      segments: [{ start: 0, end: 1.5 }],
      words: [{ word: '你好' }],
    });
    expect(await client.translate(new Uint8Array(5))).toMatchObject({ text: transcript.text });
    expect(heard).toEqual([
      { bytes: 9, task: 'transcribe', language: 'zh' },
      { bytes: 5, task: 'translate', language: undefined },
    ]);
    const events = [];
    for await (const each of client.streamTranscription(recording)) events.push(each);
    expect(events).toEqual([
      { type: 'text-delta', text: transcript.text },
      { type: 'finish', text: transcript.text },
    ]);
    expect(await client.subtitles(recording, { format: 'srt' })).toMatch(/^1\n00:00:00,000 --> 00:00:01,500\n你好/);
    await expect(client.transcribe(new Uint8Array())).rejects.toMatchObject({ code: 'audio_invalid', status: 400 });
    const broken = client.streamTranscription(new Uint8Array());
    await expect(broken.next()).rejects.toMatchObject({ code: 'audio_invalid', status: 400 });
  });

  it('embeds, lists models and modules, and says how it is', async () => {
    const { vectors, promptTokens, route } = await client.embed(['a', 'b']);
    expect(vectors).toHaveLength(2);
    expect(Math.hypot(...(vectors[1] ?? []))).toBeCloseTo(1, 3);
    expect([promptTokens > 0, route?.target]).toEqual([true, 'device']);
    const models = await client.models();
    expect(models.map(({ id }) => id)).toEqual(expect.arrayContaining(['auto', 'edge', 'cloud']) as string[]);
    expect(await client.model('auto')).toMatchObject({ object: 'model', capabilities: { tools: true } });
    expect(await client.modules()).toMatchObject([{ name: 'speech', state: 'ready', resident_bytes: 7 }]);
    expect(await client.loadModule('speech')).toMatchObject({ name: 'speech' });
    expect(await client.unloadModule('speech')).toMatchObject({ state: 'unloaded' });
    expect(await client.health()).toEqual({ status: 'ok' });
  });

  it('says what is wrong with a code, a status and the field', async () => {
    const closed = new DuanyunClient({ baseUrl: server.url });
    await expect(closed.chat('x')).rejects.toMatchObject({ code: 'unauthorized', status: 401, retryable: false });
    const bad = client.chat({ messages: [{ role: 'user', content: 'x' }], temperature: 9 });
    await expect(bad).rejects.toMatchObject({ code: 'invalid_request', status: 400, param: 'temperature' });
    await expect(client.loadModule('smell')).rejects.toMatchObject({ code: 'module_not_found', status: 404 });
    await expect(client.receipt('../none?x')).rejects.toMatchObject({ code: 'not_found', status: 404 });
    const wrong = { preference: 'only_in_cloud' } as const;
    const refused = client.chat({ messages: [{ role: 'user', content: privateText }], duanyun: wrong });
    await expect(refused).rejects.toMatchObject({ code: 'route_refused', status: 403 });
    const error = await refused.catch((given: unknown) => given);
    expect(error).toBeInstanceOf(DuanyunClientError);
    expect((error as DuanyunClientError).requestId).toMatch(/^req_/);
  });

  it('has every error of the catalogue retried where it says so, and never otherwise', () => {
    for (const [code, { status, retryable }] of Object.entries(errorCatalogue)) {
      // The library's own word for what it does not understand: there the HTTP status decides.
      if (code === 'response_invalid') continue;
      expect({ code, retryable: new DuanyunClientError(code as ErrorCode, 'x', { status }).retryable }).toEqual({
        code,
        retryable,
      });
    }
  });

  it('is reached on paths that it has', () => {
    const used = [
      '/v1/chat/completions',
      '/v1/route',
      '/v1/receipts/{id}',
      '/v1/audio/transcriptions',
      '/v1/models/{id}',
    ]
      .concat('/v1/audio/translations', '/v1/embeddings', '/v1/models', '/v1/modules', '/health')
      .concat('/v1/modules/{name}/load', '/v1/modules/{name}/unload');
    expect(used.filter((path) => !(path in operations))).toEqual([]);
  });

  it('is left at once when the loop is left, and when the signal says so', async () => {
    setup.device.script = () => [start(), event({ type: 'text-delta', text: 'x' }), { step: 'hang' }];
    const request = { model: 'edge', messages: [{ role: 'user' as const, content: 'x' }] };
    for await (const each of client.stream(request)) if (each.type === 'text-delta') break;
    await expect.poll(() => setup.device.active).toBe(0);
    const controller = new AbortController();
    const running = client.chat(request, { signal: controller.signal });
    await expect.poll(() => setup.device.active).toBe(1);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect.poll(() => setup.device.active).toBe(0);
  });

  it('breaks off with the code of the error, and nothing is asked twice', async () => {
    setup.device.script = () => [
      start(),
      event({ type: 'text-delta', text: 'half' }),
      event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true }),
    ];
    const before = setup.device.requests.length;
    const stream = client.stream({ model: 'edge', messages: [{ role: 'user', content: 'x' }] });
    await expect(stream.answer()).rejects.toMatchObject({ code: 'engine_crashed', retryable: true, status: 200 });
    expect(stream.partial.text).toBe('half');
    expect(setup.device.requests.length - before).toBe(1);
  });
});

describe('a server that misbehaves', () => {
  let rogue: FakeCloud;
  let client: DuanyunClient;
  let impatient: DuanyunClient;
  beforeAll(async () => {
    rogue = await new FakeCloud().start();
    client = new DuanyunClient({ baseUrl: rogue.url, maxRetries: 0, timeoutMs: 20_000 });
    impatient = new DuanyunClient({ baseUrl: rogue.url, maxRetries: 0, silenceMs: 200, timeoutMs: 20_000 });
  });
  afterAll(() => rogue.stop());

  const half: Play = (_, response) => {
    startStream(response);
    sendDelta(response, { content: 'half' });
  };
  /** Only when all was handed to the system: what a process still holds is lost with the connection. */
  const hangUp: Play = (_, response) => void response.write(': bye\n', () => response.destroy());
  it.each<[string, Play, object]>([
    ['goes away in mid-stream', (...all) => void [half(...all), hangUp(...all)], { code: 'stream_broken' }],
    ['ends in mid-stream', (...all) => void [half(...all), all[1].end()], { code: 'stream_broken' }],
    ['falls silent in mid-stream', half, { code: 'client_timeout' }],
    ['sends no headers', () => {}, { code: 'client_timeout', status: undefined }],
    ['hangs up', (_, response) => void response.destroy(), { code: 'server_unreachable' }],
    [
      'sends garbage',
      (_, response) => {
        startStream(response);
        response.end(Buffer.from([0xff, 0xfe, 0, 10, 10, 0x80, 58, 10]));
      },
      { code: 'stream_broken' },
    ],
    [
      'sends a page',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      { code: 'response_invalid' },
    ],
    [
      'announces more than it sends',
      (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '9999' });
        void hangUp(request, response);
      },
      { code: 'stream_broken' },
    ],
  ])('%s', async (_, play, error) => {
    rogue.play = play;
    const silent = 'code' in error && error.code === 'client_timeout';
    await expect((silent ? impatient : client).chat('hi')).rejects.toMatchObject(error);
  });

  it('is asked again after 429, no sooner than it said', async () => {
    const times: number[] = [];
    rogue.play = (_, response) => {
      times.push(performance.now());
      if (times.length === 1) {
        const body = { error: { message: 'Full.', type: 'rate_limit_error', param: null, code: 'queue_full' } };
        response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' }).end(JSON.stringify(body));
      } else {
        startStream(response);
        sendDelta(response, { content: 'ok' }, 'stop');
        response.end('data: [DONE]\n\n');
      }
    };
    const patient = new DuanyunClient({ baseUrl: rogue.url });
    expect((await patient.chat('hi')).text).toBe('ok');
    // Timers may fire a little early by another clock.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
  });

  it('or that is not there, is named', async () => {
    const gone: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      gone.once('listening', resolve);
    });
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => {
      gone.close(resolve);
    });
    const away = new DuanyunClient({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 0 });
    await expect(away.models()).rejects.toMatchObject({ code: 'server_unreachable', retryable: true });
  });
});

it('uses one connection for answers that follow each other', async () => {
  const cloud = await new FakeCloud().start();
  try {
    const client = new DuanyunClient({ baseUrl: cloud.url });
    for (let times = 0; times < 4; times += 1) {
      await client.chat('hi');
      await sleep(5);
    }
    expect(cloud.connections).toBe(1);
  } finally {
    await cloud.stop();
  }
});
