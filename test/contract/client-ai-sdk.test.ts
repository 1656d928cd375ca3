/** `duanyun/ai-sdk` under Vercel's AI SDK, against the real entry over a real connection. */
import { embed, generateObject, generateText, jsonSchema, streamText, tool } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDuanyun, type DuanyunProviderOptions, routeOf } from '../../src/client/ai-sdk.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { newServer } from '../support/app-client.ts';
import { FakeCloud, type Play, sendDelta, startStream } from '../support/fake-cloud.ts';
import { answer, event, lastText, ScriptedBackend, start, usage } from '../support/scripted-backend.ts';

const receipt = { id: 'rcpt_1', target: 'device', reasons: ['privacy:resident-id', 'only-on-device'] };
const metadata = { target: 'device', reasons: ['privacy:resident-id', 'only-on-device'], receiptId: 'rcpt_1' };
const backend = new ScriptedBackend();
let server: RunningServer;

beforeAll(async () => {
  server = await newServer(backend, { options: { apiKeys: ['secret'] } });
});
afterAll(() => server.close(0));
beforeEach(() => {
  backend.script = (request) => answer(`You said: ${lastText(request)}`, { receipt });
  backend.requests.length = 0;
});
const provider = (): ReturnType<typeof createDuanyun> =>
  createDuanyun({ baseURL: `${server.url}/v1/`, apiKey: 'secret' });

describe("Duanyun's provider for the AI SDK", () => {
  it.each(['call', 'languageModel', 'chatModel'] as const)('says where an answer ran (%s)', async (way) => {
    const model = way === 'call' ? provider()('auto') : provider()[way]('auto');
    const whole = await generateText({ model, prompt: 'hi' });
    expect([whole.text, whole.finishReason]).toEqual(['You said: hi', 'stop']);
    expect(whole.providerMetadata?.['duanyun']).toEqual(metadata);
    const streamed = streamText({ model, prompt: 'hi' });
    await streamed.consumeStream();
    expect(await streamed.text).toBe('You said: hi');
    expect(routeOf(await streamed.providerMetadata)).toEqual(metadata);
    expect((await streamed.usage).outputTokens).toBe(3);
  });

  it('says nothing where the server does not', async () => {
    backend.script = () => answer('x');
    const { providerMetadata } = await generateText({ model: provider()('auto'), prompt: 'hi' });
    expect([providerMetadata?.['duanyun'], routeOf(providerMetadata), routeOf(undefined)]).toEqual([
      {},
      undefined,
      undefined,
    ]);
  });

  it('passes wishes on under the names of the wire', async () => {
    const wishes = {
      preference: 'only_on_device',
      privacy: 'private',
      maxCost: 0.5,
      deadlineMs: 9000,
      enableThinking: true,
      returnReasoning: false,
      truncate: 'auto',
      reasoningEffort: 'low',
    } satisfies DuanyunProviderOptions;
    const options = { duanyun: { ...wishes, top_k: 5 } };
    await generateText({ model: provider()('auto'), prompt: 'hi', temperature: 0, providerOptions: options });
    expect(backend.requests[0]).toMatchObject({
      route: { preference: 'only_on_device', privacy: 'private', maxCost: 0.5, deadlineMs: 9000 },
      reasoning: { enable: true, return: false },
      truncate: 'auto',
      sampling: { temperature: 0, topK: 5 },
    });
    await generateText({ model: provider()('auto'), prompt: 'hi' });
    expect(backend.requests[1]?.route).toBeUndefined();
  });

  it('refuses a mistyped wish, as the server does', async () => {
    const providerOptions = { duanyun: { preference: 'device_please' } };
    const asked = generateText({ model: provider()('auto'), prompt: 'hi', providerOptions, maxRetries: 0 });
    await expect(asked).rejects.toThrow(/preference/);
  });

  it('calls tools, makes objects, embeds', async () => {
    backend.script = function* (request) {
      if (request.responseFormat.type === 'json-schema') return yield* answer('{"name": "Ada"}');
      const last = request.input.kind === 'chat' ? request.input.messages.at(-1)?.role : undefined;
      if (last === 'tool') return yield* answer('sunny');
      yield start(receipt);
      yield event({ type: 'tool-call-delta', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":"北京"}' });
      yield usage(8);
      yield event({ type: 'finish', reason: { unified: 'tool-calls', raw: 'x' } });
    };
    const schema = jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } });
    const weather = tool({ inputSchema: schema, execute: ({ city }) => `sunny in ${city}` });
    const called = await generateText({ model: provider()('auto'), prompt: 'weather?', tools: { weather } });
    expect(called.toolResults[0]?.output).toBe('sunny in 北京');
    expect(called.providerMetadata?.['duanyun']).toEqual(metadata);
    const person = jsonSchema<{ name: string }>({ type: 'object', properties: { name: { type: 'string' } } });
    expect((await generateObject({ model: provider()('auto'), prompt: 'who?', schema: person })).object).toEqual({
      name: 'Ada',
    });
    const { embedding } = await embed({ model: provider().embeddingModel('scripted-1'), value: 'a' });
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 3);
  });

  it('gives up at once when it is told to', async () => {
    backend.script = () => [start(), event({ type: 'text-delta', text: 'x' }), { step: 'hang' }];
    const controller = new AbortController();
    const result = streamText({ model: provider()('auto'), prompt: 'x', abortSignal: controller.signal });
    for await (const text of result.textStream) if (text !== '') controller.abort();
    await expect.poll(() => backend.active).toBe(0);
  });
});

describe('a stream that was cut', () => {
  let rogue: FakeCloud;
  beforeAll(async () => {
    rogue = await new FakeCloud().start();
  });
  afterAll(() => rogue.stop());

  const cut: Play = (_, response) => {
    startStream(response);
    sendDelta(response, { content: 'half' });
    sendDelta(response, {}, 'stop');
    response.end();
  };
  const told: Play = (_, response) => {
    startStream(response);
    sendDelta(response, { content: 'half' });
    response.end(
      'data: {"error":{"message":"It ended.","type":"server_error","param":null,"code":"engine_crashed"}}\n\n',
    );
  };
  it.each<[string, Play, RegExp]>([
    ['without [DONE]', cut, /stream_broken/],
    ['with an error event', told, /It ended/],
  ])('%s is an error, not an end', async (_, play, message) => {
    rogue.play = play;
    const errors: unknown[] = [];
    const model = createDuanyun({ baseURL: rogue.url })('auto');
    const result = streamText({ model, prompt: 'x', onError: ({ error }) => void errors.push(error) });
    const types: string[] = [];
    for await (const part of result.fullStream) types.push(part.type);
    expect(types).toContain('error');
    expect(JSON.stringify(errors)).toMatch(message);
    expect(await result.finishReason).toBe('error');
  });

  it('is whole with it, also when its bytes come one by one', async () => {
    rogue.play = (_, response) => {
      startStream(response);
      const text =
        'data: {"id":"x","choices":[{"index":0,"delta":{"content":"你好"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
      response.end();
    };
    const model = createDuanyun({ baseURL: rogue.url })('auto');
    const result = streamText({ model, prompt: 'x' });
    await result.consumeStream();
    expect([await result.text, await result.finishReason]).toEqual(['你好', 'stop']);
  });
});
