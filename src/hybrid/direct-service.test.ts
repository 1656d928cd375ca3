import { describe, expect, it } from 'vitest';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import type { GenerationRequest } from '../core/chat.ts';
import type { StreamEvent } from '../core/events.ts';
import { DirectService } from './direct-service.ts';
import { LateBackend } from './late-backend.ts';

function request(model: string): GenerationRequest {
  return {
    id: 'r1',
    model,
    input: {
      kind: 'chat',
      messages: [{ role: 'user', content: [{ type: 'text', text: '你好' }] }],
      tools: [],
      toolChoice: { type: 'auto' },
      parallelToolCalls: true,
    },
    sampling: {},
    stop: [],
    responseFormat: { type: 'text' },
    reasoning: { return: true },
    truncate: 'error',
    priority: 0,
  };
}

async function collect(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function serviceOver(device: ScriptedBackend | LateBackend): DirectService {
  return new DirectService({ device, aliasesOf: () => ['small'], createdSeconds: 1 });
}

const signal = new AbortController().signal;

describe('the service of a server with a device only', () => {
  it.each(['auto', 'autoglm-phone-9b', 'edge', 'scripted-1', 'small', 'AUTO'])(
    '%s runs on the device',
    async (name) => {
      const device = new ScriptedBackend();
      const events = await collect(serviceOver(device).stream(request(name), { signal }));
      expect(device.requests.map(({ model }) => model)).toEqual(['scripted-1']);
      expect(events[0]).toMatchObject({
        type: 'response-start',
        model: 'scripted-1',
        receipt: { target: 'device', reasons: ['only-device-configured'] },
      });
      expect(events.at(-1)?.type).toBe('finish');
    },
  );

  it('names the models there are when it does not know one', async () => {
    const asked = collect(serviceOver(new ScriptedBackend()).stream(request('../../etc/passwd'), { signal }));
    await expect(asked).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('auto, autoglm-phone-9b, edge, scripted-1, small') as string,
    });
  });

  it('lists each name once, also when the device runs the model of that name', () => {
    const names = serviceOver(new ScriptedBackend({ models: ['autoglm-phone-9b'] }))
      .models()
      .flatMap(({ id, aliases }) => [id].concat(aliases));
    expect(names.filter((name) => name === 'autoglm-phone-9b')).toHaveLength(1);
  });

  it('says what it waits for until the device is there, and then answers', async () => {
    const late = new LateBackend('device');
    const service = serviceOver(late);
    late.report({ status: 'loading', reason: 'fetching weights', progress: 0.5 });
    expect(service.health()).toEqual({ status: 'loading', reason: 'fetching weights', progress: 0.5 });
    expect(service.models()).toEqual([]);
    await expect(collect(service.stream(request('auto'), { signal }))).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('fetching weights') as string,
    });
    late.attach(new ScriptedBackend());
    expect(service.health()).toEqual({ status: 'ready' });
    expect((await collect(service.stream(request('auto'), { signal }))).at(-1)?.type).toBe('finish');
  });

  it('passes embeddings on under the model of the device', async () => {
    const result = await serviceOver(new ScriptedBackend()).embed(
      { id: 'e', model: 'auto', inputs: ['a'] },
      { signal },
    );
    expect(result).toMatchObject({ model: 'scripted-1', promptTokens: expect.any(Number) as number });
  });
});
