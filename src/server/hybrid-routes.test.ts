import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HandClock, postJson } from '../../test/support/app-client.ts';
import { silentLog } from '../core/log.ts';
import { noMetrics } from '../core/metrics.ts';
import { setUp, type Setup } from '../hybrid/testing/setup.ts';
import { StatisticsReceiver } from '../hybrid/statistics-totals.ts';
import { createApp, type App } from './app.ts';

const body = (text: string, more: object = {}) => ({ messages: [{ role: 'user', content: text }], ...more });
const privateText = '我的身份证号是110101199003074258';

describe('the hybrid entry over HTTP', () => {
  let setup: Setup;
  let app: App;
  beforeAll(async () => {
    setup = await setUp();
    const statistics = new StatisticsReceiver();
    app = createApp({
      service: setup.service,
      hybrid: setup.control,
      statistics,
      log: silentLog,
      metrics: noMetrics,
      clock: new HandClock(),
    });
  });
  afterAll(() => setup.close());
  const post = (path: string, json: unknown) => postJson(app.hono, path, json);
  const get = (path: string, headers = {}) => Promise.resolve(app.hono.request(`http://localhost${path}`, { headers }));

  it.each([
    ['Hello, how are you today?', 'cloud'],
    [privateText, 'device'],
  ])('answers with target, reasons and a receipt that can be read: %s', async (text, target) => {
    const response = await post('/v1/chat/completions', body(text));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-duanyun-target')).toBe(target);
    const id = response.headers.get('x-duanyun-receipt');
    const receipt = await (await get(`/v1/receipts/${id}`)).json();
    expect(receipt).toMatchObject({ id, target, state: 'answered' });
    expect(JSON.stringify(receipt)).not.toContain('110101199003074258');
  });

  it('lists receipts newest first, without content, and refuses a limit that is none', async () => {
    await post('/v1/chat/completions', body(privateText));
    const { data } = (await (await get('/v1/receipts?limit=1')).json()) as { data: { target: string }[] };
    expect(data).toMatchObject([{ target: 'device' }]);
    expect(JSON.stringify(data)).not.toContain('110101199003074258');
    for (const limit of ['0', '1e9', 'x']) expect((await get(`/v1/receipts?limit=${limit}`)).status).toBe(400);
  });

  it('shows the policy as a file that it takes back, and says what is wrong with another', async () => {
    const { text } = (await (await get('/v1/policy')).json()) as { text: string };
    expect(await (await post('/v1/policy/check', { text })).json()).toMatchObject({ status: 'ok' });
    const wrong = await post('/v1/policy/check', { text: 'preference: prefer_on_device\nthreshholds: {}\n' });
    expect(wrong.status).toBe(400);
    const { error } = (await wrong.json()) as { error: { code: string; message: string } };
    expect(error).toMatchObject({ code: 'policy_invalid' });
    expect(error.message).toMatch(/policy:2: .*did you mean thresholds/);
  });

  it('previews the very statistics that would be sent, and says that nothing is', async () => {
    const preview = (await (await get('/v1/stats/preview')).json()) as { report: object; url?: string };
    expect(preview.report).toMatchObject({ schema: 1 });
    expect(preview.url).toBeUndefined();
  });

  it('explains without running', async () => {
    const before = setup.cloud.bodies.length;
    const response = await post('/v1/route', body(privateText));
    expect(await response.json()).toMatchObject({ decision: { target: 'device', privacy: 'device' } });
    expect(setup.cloud.bodies).toHaveLength(before);
  });

  it('takes the wishes of the request, and refuses what it does not understand of them', async () => {
    const wished = await post('/v1/chat/completions', body('Hello, how are you?', { duanyun: { privacy: 'private' } }));
    expect(wished.headers.get('x-duanyun-target')).toBe('device');
    for (const duanyun of [
      { privacy: 'public' },
      { privacy: 'privat' },
      { privcy: 'private' },
      { preference: 'edge' },
    ]) {
      const response = await post('/v1/chat/completions', body('Hello', { duanyun }));
      expect(response.status, JSON.stringify(duanyun)).toBe(400);
      expect(JSON.stringify(await response.json())).toContain('duanyun');
    }
    const refused = await post('/v1/chat/completions', body(privateText, { duanyun: { preference: 'only_in_cloud' } }));
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: 'route_refused' } });
  });

  it('passes the wishes of embeddings and raw completions on too', async () => {
    const duanyun = { preference: 'only_in_cloud' };
    expect((await post('/v1/completions', { prompt: privateText, duanyun })).status).toBe(403);
    expect((await post('/v1/embeddings', { input: 'x', model: 'cloud', duanyun: { privacy: 'private' } })).status).toBe(
      403,
    );
    const embedded = await post('/v1/embeddings', { input: 'x' });
    expect(embedded.headers.get('x-duanyun-target')).toBe('device');
  });

  it('does not know receipts of others', async () => {
    expect((await get('/v1/receipts/rcpt_0')).status).toBe(404);
  });

  it('adds up reports and refuses any that is not of the closed form', async () => {
    const cell = { task: 'code', target: 'cloud', reason: 'scored', latency: '2', count: 12 };
    const report = { schema: 1, day: '2026-11-24', counts: [cell] };
    expect((await post('/v1/stats', report)).status).toBe(200);
    for (const wrong of [
      { ...report, device: 'phone-7' },
      { ...report, counts: [{ ...cell, task: 'my secret' }] },
      { ...report, counts: [{ ...cell, note: 'x' }] },
      { ...report, day: 'today' },
    ]) {
      expect((await post('/v1/stats', wrong)).status).toBe(400);
    }
    expect(await (await get('/v1/stats')).json()).toMatchObject({
      reports: 1,
      byTask: { code: 12 },
      byTarget: { cloud: 12 },
    });
    const page = await get('/v1/stats', { accept: 'text/html' });
    expect(await page.text()).toContain('<td>scored</td><td>12</td>');
  });
});
