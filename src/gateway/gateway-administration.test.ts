/** Keys, use and upstreams over HTTP, on a real gateway. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestGateway } from '../../test/support/gateway.ts';

const operator = 'key-of-the-operator';
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start({ server: { apiKeys: [operator] }, price: 1000 });
});
afterAll(() => gateway.close());

const call = (path: string, key: string, body?: object): Promise<Response> =>
  fetch(`${gateway.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

it('makes a key that works, counts its use, and ends it', async () => {
  const made = await call('/v1/gateway/keys', operator, { name: 'Ward 3', monthly_budget: 5, expires_in_days: 30 });
  expect(made.status).toBe(200);
  expect(made.headers.get('cache-control')).toBe('no-store');
  const { id, secret } = (await made.json()) as { id: string; secret: string };
  const answer = await call('/v1/chat/completions', secret, { messages: [{ role: 'user', content: 'Hello' }] });
  expect(answer.status).toBe(200);
  await answer.text();
  const list = async () => {
    await gateway.ledger.flush();
    return (await (await call('/v1/gateway/keys', operator)).json()) as { data: Record<string, unknown>[] };
  };
  // An answer is counted after its last byte has gone.
  await expect.poll(async () => (await list()).data[0]?.['usage']).toMatchObject([{ requests: 1 }]);
  const listed = await list();
  expect(listed.data[0]).toMatchObject({ id, name: 'Ward 3', state: 'good', limits: { monthly_budget: 5 } });
  expect(listed.data[0]?.['usage']).toMatchObject([{ requests: 1 }]);
  // The secret is told once, when the key is made.
  expect(JSON.stringify(listed)).not.toContain(secret);
  expect((await call(`/v1/gateway/keys/${id}/revoke`, operator, {})).status).toBe(200);
  await gateway.ring.look();
  expect((await call('/v1/models', secret)).status).toBe(401);
  expect((await call('/v1/gateway/keys/nobody/revoke', operator, {})).status).toBe(404);
});

it('tells nothing of it to the holder of a key', async () => {
  const { key, id } = await gateway.newKey();
  for (const path of ['/v1/gateway/keys', '/v1/gateway/upstreams']) expect((await call(path, key)).status).toBe(403);
  for (const path of ['/v1/gateway/keys', `/v1/gateway/keys/${id}/revoke`]) {
    expect((await call(path, key, { name: 'mine' })).status).toBe(403);
  }
});

it('says how the servers behind it are', async () => {
  const { data } = (await (await call('/v1/gateway/upstreams', operator)).json()) as { data: object[] };
  expect(data).toMatchObject([{ state: 'ok', breaker: 'closed', running: 0 }]);
});

it('refuses a key without a name, and limits that are none', async () => {
  for (const body of [{}, { name: ' ' }, { name: 'x', monthly_budget: -1 }, { name: 'x', requests_per_minute: 0.5 }]) {
    expect((await call('/v1/gateway/keys', operator, body)).status).toBe(400);
  }
});
