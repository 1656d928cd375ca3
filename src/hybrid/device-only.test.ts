/** A server without a cloud: every name means the device, and the service waits for it. */
import { describe, expect, it } from 'vitest';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import { EgressGate } from '../cloud/egress-gate.ts';
import type { Backend } from '../core/backend.ts';
import { systemClock } from '../core/clock.ts';
import { defaultPolicy } from '../routing/policy.ts';
import { HybridService } from './hybrid-service.ts';
import { LateBackend } from './late-backend.ts';
import { chat, collect } from './testing/setup.ts';

function serviceOver(device: Backend): HybridService {
  return new HybridService({
    device,
    gate: new EgressGate({ clock: systemClock }),
    policy: { current: () => defaultPolicy },
    aliasesOf: () => ['small'],
    createdSeconds: 1,
  });
}
const { signal } = new AbortController();

describe('the service of a server with a device only', () => {
  it.each(['auto', 'autoglm-phone-9b', 'edge', 'scripted-1', 'small', 'AUTO'])(
    '%s runs on the device',
    async (model) => {
      const device = new ScriptedBackend();
      const events = await collect(serviceOver(device), chat(['你好'], { model }));
      expect(device.requests.map((request) => request.model)).toEqual(['scripted-1']);
      expect(events[0]).toMatchObject({ type: 'response-start', model: 'scripted-1', receipt: { target: 'device' } });
      expect(events.at(-1)?.type).toBe('finish');
    },
  );

  it('names the models there are when it does not know one; there is no cloud to name', async () => {
    for (const model of ['../../etc/passwd', 'cloud']) {
      await expect(collect(serviceOver(new ScriptedBackend()), chat(['x'], { model }))).rejects.toMatchObject({
        code: 'model_not_found',
        message: expect.stringContaining('auto, autoglm-phone-9b, edge, scripted-1, small') as string,
      });
    }
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
    for (const model of ['auto', 'small']) {
      await expect(collect(service, chat(['x'], { model }))).rejects.toMatchObject({
        code: 'engine_unavailable',
        message: expect.stringContaining('fetching weights') as string,
      });
    }
    late.attach(new ScriptedBackend());
    expect(service.health()).toEqual({ status: 'ready' });
    expect((await collect(service, chat(['x']))).at(-1)?.type).toBe('finish');
  });

  it('passes embeddings on under the model of the device', async () => {
    const result = await serviceOver(new ScriptedBackend()).embed(
      { id: 'e', model: 'auto', inputs: ['a'] },
      { signal },
    );
    expect(result).toMatchObject({ model: 'scripted-1', promptTokens: expect.any(Number) as number });
  });

  it('says why when the device is away', async () => {
    const device = new ScriptedBackend({ health: { status: 'unavailable', reason: 'the model does not fit' } });
    await expect(collect(serviceOver(device), chat(['x']))).rejects.toMatchObject({ retryable: true });
  });
});
