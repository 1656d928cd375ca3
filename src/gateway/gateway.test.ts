/** Keys, limits and the books, over real connections. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { refuseWith, sayAsAsked, sendDelta, sendEnd, startStream } from '../../test/support/fake-cloud.ts';
import { errorCode, TestGateway, type GatewayOptions } from '../../test/support/gateway.ts';
import type { Clock } from '../core/clock.ts';
import { createLog } from '../telemetry/log.ts';
import { createKey } from './keys/api-key.ts';
import { SqliteStore } from './state/sqlite-store.ts';

const gateways: TestGateway[] = [];
async function start(options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await TestGateway.start(options);
  gateways.push(gateway);
  return gateway;
}
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
});

/** Wall time that can be set; the monotonic one goes on. */
class JumpingClock implements Clock {
  offsetMs = 0;
  now(): number {
    return performance.now();
  }
  wallTime(): number {
    return Date.now() + this.offsetMs;
  }
}

describe('keys', () => {
  it.each([
    ['missing', () => undefined],
    ['of another gateway', () => createKey().key],
    ['malformed', () => 'sk-dy-short'],
    ['of another form', () => 'EMPTY'],
    ['empty', () => ''],
    ['of 10,000 characters', () => 'x'.repeat(10_000)],
  ])('refuses a key that is %s', async (_, make) => {
    const gateway = await start();
    await gateway.newKey();
    const response = await gateway.ask(make());
    expect(response.status).toBe(401);
    expect(await errorCode(response)).toBe('unauthorized');
    expect(gateway.upstream.bodies).toEqual([]);
  });

  it('refuses a key with one character changed, anywhere', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey();
    const swap = (index: number): string =>
      key.slice(0, index) + (key[index] === 'a' ? 'b' : 'a') + key.slice(index + 1);
    for (const index of [6, 12, 17, 30, 48, key.length - 1]) expect((await gateway.ask(swap(index))).status).toBe(401);
    expect((await gateway.ask(key)).status).toBe(200);
  });

  it('honours a revocation by another process within a second', async () => {
    const gateway = await start();
    const { key, id } = await gateway.newKey();
    expect((await gateway.ask(key)).status).toBe(200);
    const other = new SqliteStore({ file: path.join(gateway.folder, 'gateway.sqlite') });
    await other.open();
    await other.updateKey(id, { revokedAt: Date.now() });
    await other.close();
    await expect.poll(async () => (await gateway.ask(key)).status, { timeout: 1000, interval: 50 }).toBe(401);
    expect(await errorCode(await gateway.ask(key))).toBe('key_not_valid');
  });

  it('ends an expired key by the wall clock, also when that jumps', async () => {
    const clock = new JumpingClock();
    const gateway = await start({ clock });
    const { key } = await gateway.newKey({ requestsPerMinute: 100 }, { expiresAt: Date.now() + 3_600_000 });
    expect((await gateway.ask(key)).status).toBe(200);
    clock.offsetMs = 2 * 3_600_000;
    expect((await gateway.ask(key)).status).toBe(401);
    // Back, and a day before the start: rates follow the monotonic clock and neither refuse nor open the door.
    clock.offsetMs = -24 * 3_600_000;
    const response = await gateway.ask(key);
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('x-ratelimit-remaining-requests'))).toBeLessThan(100);
  });

  it('gives each key its models only, and the pages of the operator to none', async () => {
    const gateway = await start({ server: { apiKeys: ['operator-key'] } });
    const { key } = await gateway.newKey({ models: ['another'] });
    const response = await gateway.ask(key);
    expect(response.status).toBe(403);
    expect(await errorCode(response)).toBe('key_forbidden');
    const metrics = (with_: string) =>
      fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${with_}` } });
    expect((await metrics(key)).status).toBe(403);
    expect(await (await metrics('operator-key')).text()).toContain('duanyun_gateway_requests_total');
  });

  it('never shows a key in log, audit, metrics or answers', async () => {
    const lines: string[] = [];
    const log = createLog({
      level: 'debug',
      pretty: false,
      destination: { write: (line: string) => lines.push(line) },
    });
    const gateway = await start({ log, server: { apiKeys: ['operator-key'] } });
    const { key, id } = await gateway.newKey({ requestsPerMinute: 2 });
    const stranger = createKey().key;
    const texts: string[] = [];
    for (const used of [key, key, key, stranger, `${key}x`]) texts.push(await (await gateway.ask(used)).text());
    await fetch(`${gateway.url}/${key}?key=${key}`, { headers: { authorization: `Bearer ${key}` } });
    await gateway.audit.flush();
    const audit = readFileSync(path.join(gateway.folder, 'audit.jsonl'), 'utf8');
    const { text: metrics } = await gateway.metrics.render();
    const database = readFileSync(path.join(gateway.folder, 'gateway.sqlite')).toString('latin1');
    const all = [...lines, audit, metrics, database, ...texts].join('\n');
    expect(all).toContain(id);
    for (const secret of [key, stranger]) expect(all).not.toContain(secret.split('-')[3]);
    // Nor a word of what was asked or answered.
    expect(audit + lines.join('')).not.toContain('Hello');
    expect(
      audit
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { status: number }).status),
    ).toEqual(expect.arrayContaining([200, 429, 401]));
  });
});

describe('limits', () => {
  it('answers 429 with the headers that OpenAI’s clients read', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey({ requestsPerMinute: 2 });
    const first = await gateway.ask(key);
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2');
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1');
    await gateway.ask(key);
    const refused = await gateway.ask(key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20);
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited', type: 'rate_limit_error' } });
    // Another key has its own.
    expect((await gateway.ask((await gateway.newKey({ requestsPerMinute: 2 })).key)).status).toBe(200);
  });

  it('counts tokens by what was really used', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey({ tokensPerMinute: 38 });
    // 15 tokens each, whatever was asked for.
    const statuses: number[] = [];
    for (let times = 0; times < 5; times++) statuses.push((await gateway.ask(key, { max_tokens: 8 })).status);
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
  });

  it('stops at the budget of the month, and goes on in the next one', async () => {
    const clock = new JumpingClock();
    const gateway = await start({ clock, price: 1_000_000 });
    const { key, id } = await gateway.newKey({ monthlyBudget: 25 });
    expect((await gateway.ask(key)).status).toBe(200);
    expect((await gateway.ask(key)).status).toBe(200);
    const refused = await gateway.ask(key);
    expect(refused.status).toBe(429);
    expect(await errorCode(refused)).toBe('budget_exceeded');
    await gateway.ledger.flush();
    const [used] = await gateway.store.usageOf(id);
    expect(used).toMatchObject({ model: 'cloud-1', requests: 2, promptTokens: 20, completionTokens: 10, cost: 30 });
    clock.offsetMs = 32 * 24 * 3_600_000;
    expect((await gateway.ask(key)).status).toBe(200);
  });

  it('refuses bodies that are larger than the key may send', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey({ maxBodyMib: 0.001 });
    expect((await gateway.ask(key)).status).toBe(200);
    const response = await gateway.ask(key, { user: 'x'.repeat(2000) });
    expect(response.status).toBe(413);
  });

  it('lets OpenAI’s own client read, stream and be refused', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey({ requestsPerMinute: 3 });
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const whole = await client.chat.completions.create({ model: 'auto', messages });
    expect(whole).toMatchObject({ id: 'chatcmpl-upstream', model: 'cloud-1', usage: { total_tokens: 15 } });
    let text = '';
    for await (const chunk of await client.chat.completions.create({ model: 'cloud-1', messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      expect(chunk.choices).toHaveLength(1);
    }
    expect(text).toBe('Hello from the cloud.');
    const counted = client.chat.completions.create({
      model: 'cloud-1',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage: unknown;
    for await (const chunk of await counted) usage = chunk.usage ?? usage;
    expect(usage).toMatchObject({ completion_tokens: 4 });
    await expect(client.chat.completions.create({ model: 'auto', messages })).rejects.toMatchObject({ status: 429 });
  });
});

describe('what goes through', () => {
  it('keeps every field of the client but this entry’s own, and pictures and sound as they are', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey();
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ];
    const response = await gateway.ask(key, {
      stream: true,
      messages: [{ role: 'user', content }],
      guided_choice: ['a', 'b'],
      enable_thinking: true,
      priority: 3,
      duanyun: { preference: 'prefer_in_cloud' },
    });
    expect(await response.text()).toContain('[DONE]');
    const sent = JSON.parse(gateway.upstream.bodies[0] ?? '') as Record<string, unknown>;
    expect(sent).toMatchObject({
      model: 'cloud-1',
      messages: [{ role: 'user', content }],
      guided_choice: ['a', 'b'],
      chat_template_kwargs: { enable_thinking: true },
      stream_options: { include_usage: true },
    });
    for (const own of ['duanyun', 'priority', 'enable_thinking']) expect(sent).not.toHaveProperty(own);
  });

  it('says what the upstream has against a request, without its words', async () => {
    const gateway = await start();
    const { key } = await gateway.newKey();
    const body = {
      error: { message: 'you wrote: Hello, at /srv/x.py', type: 'BadRequestError', param: 'guided_json' },
    };
    gateway.upstream.play = refuseWith(400, {}, JSON.stringify(body));
    const response = await gateway.ask(key);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe('upstream_refused');
    expect(error.message).toContain('field guided_json');
    expect(error.message).not.toMatch(/Hello|srv/);
  });

  it('answers completions, embeddings and responses too', async () => {
    const gateway = await start();
    const { key, id } = await gateway.newKey();
    const post = async (where: string, json: object): Promise<Response> =>
      fetch(`${gateway.url}/v1/${where}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify(json),
      });
    const embedded = await post('embeddings', { model: 'cloud-1', input: 'x' });
    expect(await embedded.json()).toMatchObject({ data: [{ embedding: [3, 4] }] });
    const completed = await post('completions', { model: 'cloud-1', prompt: 'x', stream: true });
    expect(await completed.text()).toContain('[DONE]');
    const responded = await post('responses', { model: 'cloud-1', input: 'x' });
    expect(await responded.json()).toMatchObject({ object: 'response', status: 'completed' });
    await gateway.ledger.flush();
    expect(await gateway.store.usageOf(id)).toMatchObject([{ requests: 3 }]);
  });

  it('tells a cut stream from a whole one, and counts what came', async () => {
    const gateway = await start();
    const { key, id } = await gateway.newKey();
    gateway.upstream.play = (_, response) => {
      startStream(response);
      for (const word of ['a', 'b', 'c']) sendDelta(response, { content: word });
      setTimeout(() => response.destroy(), 30);
    };
    const text = await (await gateway.ask(key, { stream: true })).text();
    expect(text).toContain('"content":"c"');
    expect(text).toContain('"code":"stream_broken"');
    expect(text).not.toContain('[DONE]');
    await gateway.ledger.flush();
    expect(await gateway.store.usageOf(id)).toMatchObject([{ requests: 1, completionTokens: 3 }]);
  });

  it('cuts none of fifty users’ streams without a word when the upstream dies', async () => {
    const gateway = await start({ limits: { attempts: 1 } });
    const { key } = await gateway.newKey();
    let open = 0;
    gateway.upstream.play = (_, response) => {
      startStream(response);
      sendDelta(response, { content: 'begun' });
      open++;
    };
    const answers = Array.from({ length: 50 }, () => gateway.ask(key, { stream: true }));
    await expect.poll(() => open, { timeout: 10_000 }).toBe(50);
    const texts = Promise.all((await Promise.all(answers)).map((answer) => answer.text()));
    await gateway.upstream.stop();
    for (const text of await texts) {
      expect(text).toContain('begun');
      expect(text).toContain('"code":"stream_broken"');
      expect(text).not.toContain('[DONE]');
    }
    expect(gateway.admission.running).toBe(0);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(503);
    gateway.upstream.play = sayAsAsked('back');
    await gateway.upstream.start();
    await expect.poll(async () => (await gateway.ask(key)).status, { timeout: 10_000 }).toBe(200);
  });

  it('frees the place within a second when a client leaves, running or waiting', async () => {
    const gateway = await start({ admission: { maxRunning: 1 } });
    const { key } = await gateway.newKey();
    let left = 0;
    gateway.upstream.play = (_, response) => {
      startStream(response);
      sendDelta(response, { content: 'begun' });
      response.on('close', () => left++);
    };
    const running = new AbortController();
    const answer = await gateway.ask(key, { stream: true }, { signal: running.signal });
    const waiting = new AbortController();
    const queued = gateway.ask(key, { stream: true }, { signal: waiting.signal });
    queued.catch(() => {});
    await expect.poll(() => gateway.admission.waiting).toBe(1);
    waiting.abort();
    await expect.poll(() => gateway.admission.waiting, { timeout: 1000 }).toBe(0);
    running.abort();
    await expect.poll(() => gateway.admission.running, { timeout: 1000 }).toBe(0);
    await expect.poll(() => left, { timeout: 1000 }).toBe(1);
    await answer.text().catch(() => {});
  });

  it('gives a client that opens a thousand streams its share, and the next client its own', async () => {
    const gateway = await start({ admission: { maxRunning: 40, keyRunning: 20, keyWaiting: 20 } });
    const [hog, other] = [await gateway.newKey(), await gateway.newKey()];
    const open: (() => void)[] = [];
    gateway.upstream.play = (_, response) => {
      startStream(response);
      sendDelta(response, { content: 'begun' });
      open.push(() => sendEnd(response, 1));
    };
    const statuses: number[] = [];
    const bodies: Promise<string>[] = [];
    const hogs = Array.from({ length: 1000 }, async () => {
      const answer = await gateway.ask(hog.key, { stream: true });
      statuses.push(answer.status);
      bodies.push(answer.text());
    });
    await expect.poll(() => statuses.filter((status) => status === 429).length, { timeout: 90_000 }).toBe(960);
    expect(gateway.admission).toMatchObject({ running: 20, waiting: 20 });
    const answer = await gateway.ask(other.key, { stream: true });
    expect(answer.status).toBe(200);
    gateway.upstream.play = sayAsAsked('the end');
    for (const end of open) end();
    await Promise.all(hogs);
    await Promise.all(bodies);
    await answer.text();
    expect(statuses.filter((status) => status === 200)).toHaveLength(40);
    expect(gateway.admission).toMatchObject({ running: 0, waiting: 0 });
  }, 180_000);
});
