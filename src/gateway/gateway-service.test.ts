import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCloud, refuseWith, say } from '../../test/support/fake-cloud.ts';
import { postJson } from '../../test/support/app-client.ts';
import { CloudBackend } from '../cloud/cloud-backend.ts';
import { EgressGate } from '../cloud/egress-gate.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { noMetrics } from '../core/metrics.ts';
import { createApp } from '../server/app.ts';
import { GatewayService } from './gateway-service.ts';

const messages = [{ role: 'user', content: 'Hello' }];

describe('the gateway over HTTP', () => {
  let upstream: FakeCloud;
  let cloud: CloudBackend;
  let app: ReturnType<typeof createApp>['hono'];

  beforeEach(async () => {
    upstream = await new FakeCloud().start();
    const gate = new EgressGate({ clock: systemClock });
    cloud = new CloudBackend({
      gate,
      upstreams: [{ url: upstream.url }],
      limits: { probeMs: 50, downProbeMs: 20, retryDelayMs: 1 },
    });
    const service = new GatewayService({ cloud, gate, createdSeconds: 1 });
    app = createApp({ service, log: silentLog, metrics: noMetrics, clock: systemClock }).hono;
  });
  afterEach(async () => {
    await cloud.dispose();
    await upstream.stop();
  });
  const health = async (): Promise<{ status: number; body: unknown }> => {
    const response = await app.request('http://localhost/health');
    return { status: response.status, body: await response.json() };
  };

  it('is healthy only once the upstream has answered, and says why when it is not', async () => {
    expect(await health()).toMatchObject({ status: 503, body: { status: 'loading' } });
    await cloud.start();
    expect(await health()).toEqual({ status: 200, body: { status: 'ok' } });
    await upstream.stop();
    await expect.poll(async () => (await health()).status, { timeout: 10_000 }).toBe(503);
    expect(await health()).toMatchObject({ body: { status: 'unavailable', reason: expect.any(String) } });
    await upstream.start();
    await expect.poll(health, { timeout: 10_000 }).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('is not healthy while the upstream loads', async () => {
    upstream.healthStatus = 503;
    await cloud.start();
    expect(await health()).toMatchObject({ status: 503, body: { status: 'loading' } });
  });

  it('lists the upstream’s models, and answers under their names and the usual ones', async () => {
    await cloud.start();
    const list = (await (await app.request('http://localhost/v1/models')).json()) as { data: { id: string }[] };
    expect(list.data).toMatchObject([{ id: 'cloud-1', aliases: ['auto', 'cloud', 'autoglm-phone-9b'] }]);
    for (const model of ['cloud-1', 'auto', 'autoglm-phone-9b']) {
      upstream.play = say('你好');
      const response = await postJson(app, '/v1/chat/completions', { model, messages });
      expect(await response.json()).toMatchObject({ model: 'cloud-1', choices: [{ message: { content: '你好' } }] });
    }
    const missing = await postJson(app, '/v1/chat/completions', { model: 'edge', messages });
    expect(missing.status).toBe(404);
  });

  it('lets through what a device would keep, since it has left its device already', async () => {
    await cloud.start();
    const text = '我的身份证号是110101199003074258';
    const response = await postJson(app, '/v1/chat/completions', { messages: [{ role: 'user', content: text }] });
    expect(response.status).toBe(200);
    expect(upstream.received).toContain('110101199003074258');
  });

  it.each([{ privacy: 'private' }, { preference: 'only_on_device' }])('refuses what must stay: %j', async (duanyun) => {
    await cloud.start();
    const response = await postJson(app, '/v1/chat/completions', { messages, duanyun });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'route_refused' } });
    expect(upstream.bodies).toEqual([]);
  });

  it('says 503 with a pause when the upstream is busy', async () => {
    await cloud.start();
    upstream.play = refuseWith(429, { 'retry-after': '7' });
    const response = await postJson(app, '/v1/chat/completions', { messages });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
  });
});
