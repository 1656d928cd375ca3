/** One suite for every store and every counter. Those that need a server of their own are skipped, loudly, where there is none. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { KeyRecord } from '../../src/gateway/keys/key-record.ts';
import { MemoryCounters } from '../../src/gateway/limits/memory-counters.ts';
import type { RateCounters } from '../../src/gateway/limits/rate-counters.ts';
import { RedisCounters } from '../../src/gateway/limits/redis-counters.ts';
import type { GatewayStore, UsageEntry } from '../../src/gateway/state/gateway-store.ts';
import { PostgresStore } from '../../src/gateway/state/postgres-store.ts';
import { SqliteStore } from '../../src/gateway/state/sqlite-store.ts';
import { startPostgres, startRedis } from '../support/servers.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-state-'));
const postgres = await startPostgres();
const redis = await startRedis();
if (postgres === undefined) console.warn('SKIPPED: no PostgreSQL here; its store is not tested');
if (redis === undefined) console.warn('SKIPPED: no Redis here; its counters are not tested');
afterAll(async () => {
  await postgres?.stop();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let serial = 0;
const record = (more: Partial<KeyRecord> = {}): KeyRecord => ({
  id: `key${serial++}`,
  name: '客户 "one"',
  hash: Buffer.alloc(32, 7),
  createdAt: 1_760_000_000_000 + serial,
  expiresAt: undefined,
  revokedAt: undefined,
  limits: { requestsPerMinute: 3, models: ['a', 'b'], monthlyBudget: 2.5 },
  ...more,
});
const entry = (keyId: string, more: Partial<UsageEntry> = {}): UsageEntry => ({
  keyId,
  month: '2026-11',
  model: 'm',
  requests: 1,
  promptTokens: 10,
  completionTokens: 5,
  cost: 0.25,
  ...more,
});

function storeSuite(make: () => GatewayStore): void {
  let one: GatewayStore;
  let two: GatewayStore;
  beforeAll(async () => {
    one = make();
    two = make();
    // Two gateways that start at once make the tables together.
    await Promise.all([one.open(), two.open()]);
  });
  afterAll(async () => {
    await one.close();
    await two.close();
  });

  it('keeps a key as it is, for every process', async () => {
    const key = record({ expiresAt: 1_790_000_000_000 });
    await one.insertKey(key);
    expect(await two.findKey(key.id)).toEqual(key);
    expect(await two.findKey('nobody')).toBeUndefined();
    expect((await two.listKeys()).map(({ id }) => id)).toContain(key.id);
  });

  it('refuses a second key of one id', async () => {
    const key = record();
    await one.insertKey(key);
    await expect(two.insertKey(key)).rejects.toThrow();
  });

  it('changes its number with every change, and only then', async () => {
    const key = record();
    const seen = [await one.keysVersion()];
    await one.insertKey(key);
    seen.push(await two.keysVersion());
    await two.updateKey(key.id, { limits: { weight: 2 } });
    seen.push(await one.keysVersion());
    await one.updateKey(key.id, { revokedAt: 5 });
    seen.push(await two.keysVersion());
    expect(new Set(seen).size).toBe(4);
    expect(await one.updateKey('nobody', { revokedAt: 5 })).toBe(false);
    expect(await one.keysVersion()).toBe(seen[3]);
  });

  it('keeps the first revocation, and takes an expiry away', async () => {
    const key = record({ expiresAt: 9 });
    await one.insertKey(key);
    await one.updateKey(key.id, { revokedAt: 5 });
    await one.updateKey(key.id, { revokedAt: 6, expiresAt: null, limits: {} });
    expect(await two.findKey(key.id)).toMatchObject({ revokedAt: 5, expiresAt: undefined, limits: {} });
  });

  it('adds usage up, and counts a batch once', async () => {
    const { id } = record();
    const batch = { id: `batch-${id}`, entries: [entry(id), entry(id, { model: 'n', cost: 1 })] };
    await one.addUsage(batch);
    await two.addUsage(batch);
    await two.addUsage({ id: `second-${id}`, entries: [entry(id), entry(id, { month: '2026-12' })] });
    expect(await one.usageOf(id, '2026-11')).toEqual([
      entry(id, { requests: 2, promptTokens: 20, completionTokens: 10, cost: 0.5 }),
      entry(id, { model: 'n', cost: 1 }),
    ]);
    expect(await one.usageOf(id)).toHaveLength(3);
    expect(await two.spentIn('2026-11', [id, 'nobody'])).toEqual(new Map([[id, 1.5]]));
  });

  it('loses nothing when many write at once', async () => {
    const { id } = record();
    const write = async (store: GatewayStore, index: number): Promise<void> => {
      for (let tries = 0; ; tries++) {
        try {
          await store.addUsage({ id: `${id}-${index}`, entries: [entry(id)] });
          return;
        } catch (error) {
          // As the ledger does: again with the same batch.
          if (tries > 20) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => write(index % 2 === 0 ? one : two, index)));
    expect(await one.usageOf(id)).toMatchObject([{ requests: 40, promptTokens: 400 }]);
  });
}

describe('SqliteStore', () =>
  storeSuite(() => new SqliteStore({ file: path.join(folder, 'state', 'a.sqlite'), busyMs: 2000 })));
describe.skipIf(postgres === undefined)('PostgresStore', () => {
  storeSuite(() => new PostgresStore({ url: postgres?.url ?? '' }));

  it('comes back by itself when the server does', async () => {
    const store = new PostgresStore({ url: postgres?.url ?? '', timeoutMs: 1000 });
    await store.open();
    await postgres?.stop();
    await expect(store.keysVersion()).rejects.toThrow();
    await postgres?.restart();
    await expect.poll(() => store.keysVersion().catch(() => -1), { timeout: 10_000 }).toBeGreaterThan(0);
    await store.close();
  });
});

function countersSuite(make: () => Promise<RateCounters[]>): void {
  let one: RateCounters;
  let two: RateCounters;
  beforeAll(async () => {
    [one, two] = (await make()) as [RateCounters, RateCounters];
  });
  afterAll(async () => {
    await one.close();
    await two.close();
  });
  const requests = { what: 'requests' as const, amount: 1, limitPerMinute: 3 };
  const tokens = { what: 'tokens' as const, amount: 400, limitPerMinute: 1000 };

  it('lets a minute’s worth through, over all gateways, then says how long to wait', async () => {
    const taken = [await one.take('a', [requests]), await two.take('a', [requests]), await one.take('a', [requests])];
    expect(taken.map(({ isTaken }) => isTaken)).toEqual([true, true, true]);
    expect(taken.map(({ states }) => states[0]?.remaining)).toEqual([2, 1, 0]);
    const refused = await two.take('a', [requests]);
    expect(refused).toMatchObject({ isTaken: false, refusedBy: 'requests' });
    expect(refused.retryAfterMs).toBeGreaterThan(10_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(20_000);
    expect((await two.take('b', [requests])).isTaken).toBe(true);
  });

  it('takes all or nothing', async () => {
    expect((await one.take('c', [requests, tokens])).isTaken).toBe(true);
    expect((await one.take('c', [requests, tokens])).isTaken).toBe(true);
    const refused = await one.take('c', [requests, tokens]);
    expect(refused).toMatchObject({ isTaken: false, refusedBy: 'tokens' });
    expect(refused.states[0]?.remaining).toBe(1);
  });

  it('gives back and takes more, as the answer turned out', async () => {
    await one.take('d', [tokens]);
    one.adjust('d', { ...tokens, amount: -300 });
    await expect
      .poll(async () => (await two.take('d', [{ ...tokens, amount: 0 }])).states[0]?.remaining)
      .toBeGreaterThanOrEqual(900);
    one.adjust('d', { ...tokens, amount: 5000 });
    await expect.poll(async () => (await two.take('d', [tokens])).isTaken).toBe(false);
  });

  it('lets in what is larger than the limit once the bucket is full, and makes it pay', async () => {
    const large = { ...tokens, amount: 2500 };
    expect((await one.take('e', [large])).isTaken).toBe(true);
    const refused = await one.take('e', [{ ...tokens, amount: 1 }]);
    expect(refused.isTaken).toBe(false);
    expect(refused.retryAfterMs).toBeGreaterThan(80_000);
  });
}

describe('MemoryCounters', () =>
  countersSuite(async () => {
    const counters = new MemoryCounters(systemClock);
    return [counters, counters];
  }));
describe.skipIf(redis === undefined)('RedisCounters', () => {
  const connect = async (): Promise<RedisCounters> => {
    const fallback = new MemoryCounters(systemClock);
    const counters = new RedisCounters({ url: redis?.url ?? '', log: silentLog, fallback, timeoutMs: 5000 });
    await counters.open();
    return counters;
  };
  countersSuite(async () => [await connect(), await connect()]);

  it('counts for itself while Redis is away, and together again when it is back', async () => {
    const [one, two] = [await connect(), await connect()];
    const want = { what: 'requests' as const, amount: 1, limitPerMinute: 1 };
    await redis?.stop();
    for (const counters of [one, two]) {
      expect((await counters.take('away', [want])).isTaken).toBe(true);
      expect((await counters.take('away', [want])).isTaken).toBe(false);
    }
    await redis?.restart();
    const together = async (): Promise<number> => {
      const key = `back-${serial++}`;
      const taken = [await one.take(key, [want]), await two.take(key, [want])];
      return taken.filter(({ isTaken }) => isTaken).length;
    };
    await expect.poll(together, { timeout: 15_000, interval: 200 }).toBe(1);
    await one.close();
    await two.close();
  });
});
