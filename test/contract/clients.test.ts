/** The official `openai` package and Vercel's AI SDK against the entry, over a real connection. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateObject, generateText, jsonSchema, streamText, tool } from 'ai';
import OpenAI, { BadRequestError, NotFoundError, RateLimitError } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GenerationRequest } from '../../src/core/chat.ts';
import { makeError } from '../../src/core/errors.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { newServer } from '../support/app-client.ts';
import {
  answer,
  event,
  finish,
  lastText,
  ScriptedBackend,
  type ScriptStep,
  start,
  usage,
} from '../support/scripted-backend.ts';

const backend = new ScriptedBackend({ models: ['scripted-1', 'autoglm-phone-9b'] });
const model = 'scripted-1';
let server: RunningServer;
let openai: OpenAI;

beforeAll(async () => {
  server = await newServer(backend);
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'EMPTY', maxRetries: 0 });
});
afterAll(async () => {
  await server.close(0);
});
beforeEach(() => {
  backend.script = script;
  backend.requests.length = 0;
});

/** Calls the first tool once, answers schemas with JSON, and repeats what it hears otherwise. */
function* script(request: GenerationRequest): Generator<ScriptStep> {
  const { input, responseFormat } = request;
  const last = input.kind === 'chat' ? input.messages.at(-1) : undefined;
  const firstTool = input.kind === 'chat' ? input.tools[0] : undefined;
  if (firstTool !== undefined && last?.role === 'user') {
    yield start();
    yield event({ type: 'tool-call-delta', index: 0, id: 'call_1', name: firstTool.name, arguments: '{"city":' });
    yield event({ type: 'tool-call-delta', index: 0, arguments: '"北京"}' });
    yield usage(8);
    yield finish('tool-calls');
    return;
  }
  if (responseFormat.type === 'json-schema') yield* answer('{"name": "Ada", "age": 36}');
  else yield* answer(`You said: ${lastText(request)}`, request.reasoning.enable === true ? { reasoning: 'hm' } : {});
}

/** Fields that the package's types do not know. */
const extensions = { enable_thinking: true, return_reasoning: true };
const user = (content: string) => ({ role: 'user' as const, content });
const weatherSchema = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
  additionalProperties: false,
};

describe('the openai package', () => {
  it('chats', async () => {
    const completion = await openai.chat.completions.create({ model, messages: [user('你好')] });
    expect(completion.choices[0]?.message.content).toBe('You said: 你好');
    expect(completion.usage?.total_tokens).toBe(10);
  });

  it('streams text and usage, with reasoning beside it', async () => {
    const stream = await openai.chat.completions.create({
      model: 'autoglm-phone-9b',
      messages: [user('你是谁?')],
      temperature: 0.5,
      stream: true,
      stream_options: { include_usage: true },
      ...extensions,
    });
    let text = '';
    let reasoning = '';
    let tokens = 0;
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta as { content?: string; reasoning_content?: string } | undefined;
      text += delta?.content ?? '';
      reasoning += delta?.reasoning_content ?? '';
      tokens += chunk.usage?.completion_tokens ?? 0;
    }
    expect({ text, reasoning, tokens }).toEqual({ text: 'You said: 你是谁?', reasoning: 'hm', tokens: 4 });
  });

  it('runs tools to the end', async () => {
    const runner = openai.chat.completions.runTools({
      model,
      messages: [user('weather?')],
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'Weather in a city',
            parameters: weatherSchema,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => `sunny in ${city}`,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('You said: sunny in 北京');
  });

  it('parses structured output', async () => {
    const schema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } } };
    const completion = await openai.chat.completions.parse({
      model,
      messages: [user('who?')],
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } },
    });
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual({ name: 'Ada', age: 36 });
    expect(backend.requests[0]?.responseFormat).toMatchObject({ type: 'json-schema', name: 'person', strict: true });
  });

  it('completes raw text', async () => {
    const completion = await openai.completions.create({ model, prompt: 'once' });
    expect(completion.choices[0]?.text).toBe('You said: once');
  });

  it('embeds, in base64 by default and in floats', async () => {
    const packed = await openai.embeddings.create({ model, input: ['a', 'b'] });
    const floats = await openai.embeddings.create({ model, input: ['a', 'b'], encoding_format: 'float' });
    expect(packed.data).toHaveLength(2);
    for (const [index, item] of packed.data.entries()) {
      expect(Math.hypot(...item.embedding)).toBeCloseTo(1, 5);
      expect(item.embedding[0]).toBeCloseTo(floats.data[index]?.embedding[0] ?? Number.NaN, 5);
    }
  });

  it('uses the Responses API, whole and streamed, with tools', async () => {
    const response = await openai.responses.create({ model, input: 'hi' });
    expect(response.output_text).toBe('You said: hi');
    const stream = openai.responses.stream({ model, input: 'hi there' });
    let text = '';
    stream.on('response.output_text.delta', (delta) => {
      text += delta.delta;
    });
    const final = await stream.finalResponse();
    expect([text, final.output_text, final.status]).toEqual(['You said: hi there', 'You said: hi there', 'completed']);
    const called = await openai.responses
      .stream({
        model,
        input: 'weather?',
        tools: [{ type: 'function', name: 'weather', parameters: weatherSchema, strict: true }],
      })
      .finalResponse();
    expect(called.output[0]).toMatchObject({ type: 'function_call', name: 'weather', arguments: '{"city":"北京"}' });
  });

  it('lists models', async () => {
    const ids = [];
    for await (const listed of openai.models.list()) ids.push(listed.id);
    expect(ids).toEqual(['scripted-1', 'autoglm-phone-9b']);
    expect((await openai.models.retrieve('scripted-1')).owned_by).toBe('test');
  });

  it('sees errors as its own types', async () => {
    const create = (fields: object) => openai.chat.completions.create({ model, messages: [user('x')], ...fields });
    await expect(create({ model: 'none' })).rejects.toBeInstanceOf(NotFoundError);
    await expect(create({ temperature: 9 })).rejects.toMatchObject({
      status: 400,
      param: 'temperature',
      code: 'invalid_request',
    });
    await expect(create({ n: 1000 })).rejects.toBeInstanceOf(BadRequestError);
    backend.script = () => [{ step: 'throw', error: makeError('queue_full', { queued: 1, retryAfterSeconds: 2 }) }];
    await expect(create({})).rejects.toBeInstanceOf(RateLimitError);
    backend.script = () => [
      start(),
      event({ type: 'text-delta', text: 'half' }),
      event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true }),
    ];
    const read = async () => {
      const stream = await openai.chat.completions.create({ model, messages: [user('x')], stream: true });
      for await (const chunk of stream) expect(chunk.choices[0]?.finish_reason ?? null).toBeNull();
    };
    await expect(read()).rejects.toMatchObject({ code: 'engine_crashed' });
  });

  it('cancels', async () => {
    backend.script = () => [start(), event({ type: 'text-delta', text: 'x' }), { step: 'hang' }];
    const stream = await openai.chat.completions.create({ model, messages: [user('x')], stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    await expect.poll(() => backend.active).toBe(0);
  });
});

describe('the AI SDK', () => {
  const provider = () =>
    createOpenAICompatible({
      name: 'duanyun',
      baseURL: `${server.url}/v1`,
      apiKey: 'EMPTY',
      includeUsage: true,
      supportsStructuredOutputs: true,
    });

  it('generates and streams text', async () => {
    const { text, usage: tokens, finishReason } = await generateText({ model: provider()(model), prompt: 'hi' });
    expect([text, tokens.totalTokens, finishReason]).toEqual(['You said: hi', 10, 'stop']);
    const result = streamText({ model: provider()(model), prompt: 'stream it' });
    let streamed = '';
    for await (const part of result.textStream) streamed += part;
    expect(streamed).toBe('You said: stream it');
    expect((await result.usage).outputTokens).toBe(4);
  });

  it('calls tools', async () => {
    const weather = tool({
      inputSchema: jsonSchema<{ city: string }>(weatherSchema),
      execute: ({ city }) => `sunny in ${city}`,
    });
    const result = await generateText({ model: provider()(model), prompt: 'weather?', tools: { weather } });
    expect(result.toolCalls[0]).toMatchObject({ toolName: 'weather', input: { city: '北京' } });
    expect(result.toolResults[0]?.output).toBe('sunny in 北京');
    const streamed = streamText({ model: provider()(model), prompt: 'weather?', tools: { weather } });
    expect(await streamed.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: '北京' } }]);
  });

  it('generates objects', async () => {
    const schema = jsonSchema<{ name: string; age: number }>({
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
    });
    const { object } = await generateObject({ model: provider()(model), prompt: 'who?', schema });
    expect(object).toEqual({ name: 'Ada', age: 36 });
  });

  it('embeds', async () => {
    const { embedding } = await embed({ model: provider().embeddingModel(model), value: 'a' });
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 3);
  });

  it('sees a broken stream as an error', async () => {
    backend.script = () => [
      start(),
      event({ type: 'text-delta', text: 'half' }),
      { step: 'throw', error: new Error('x') },
    ];
    const errors: unknown[] = [];
    const result = streamText({
      model: provider()(model),
      prompt: 'x',
      onError: ({ error }) => void errors.push(error),
    });
    await result.consumeStream();
    expect(errors).toHaveLength(1);
    await expect(generateText({ model: provider()('none'), prompt: 'x', maxRetries: 0 })).rejects.toThrow(
      /no model none/,
    );
  });
});
