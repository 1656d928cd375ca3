/** The rule for a database that is gone or full: who is known goes on, who is not gets a 503, and no usage is lost. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { errorCode, TestGateway } from '../../test/support/gateway.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { createKey } from './keys/api-key.ts';
import { SqliteStore } from './state/sqlite-store.ts';
import { UsageLedger } from './usage-ledger.ts';

/** The real store, whose connection can be cut. */
class CutStore extends SqliteStore {
  isCut = false;
  #check(): void {
    if (this.isCut) throw new Error('the database is away');
  }
  override async keysVersion(): Promise<number> {
    this.#check();
    return super.keysVersion();
  }
  override async findKey(id: string): ReturnType<SqliteStore['findKey']> {
    this.#check();
    return super.findKey(id);
  }
  override async addUsage(batch: Parameters<SqliteStore['addUsage']>[0]): Promise<void> {
    this.#check();
    return super.addUsage(batch);
  }
  override async spentIn(month: string, ids: readonly string[]): ReturnType<SqliteStore['spentIn']> {
    this.#check();
    return super.spentIn(month, ids);
  }
}

const journals = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.jsonl') && name.startsWith('gateway-usage'));
let gateway: TestGateway;
afterEach(() => gateway.close());

async function withCutStore(graceMs?: number): Promise<CutStore> {
  let store: CutStore | undefined;
  gateway = await TestGateway.start({
    store: (folder) => (store = new CutStore({ file: path.join(folder, 'gateway.sqlite') })),
    ...(graceMs === undefined ? {} : { graceMs }),
  });
  return store!;
}

describe('a database that is gone', () => {
  it('lets known keys go on, refuses others with 503, and writes all usage when it is back', async () => {
    const store = await withCutStore();
    const [known, unknown] = [await gateway.newKey({ monthlyBudget: 100 }), await gateway.newKey()];
    expect((await gateway.ask(known.key)).status).toBe(200);
    store.isCut = true;
    await gateway.ring.look();
    for (let times = 0; times < 3; times++) expect((await gateway.ask(known.key)).status).toBe(200);
    const refused = await gateway.ask(unknown.key);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(await errorCode(refused)).toBe('state_unavailable');
    // What was never a key of ours needs no database to be refused.
    expect((await gateway.ask('nonsense')).status).toBe(401);
    await expect.poll(() => journals(gateway.folder).length, { timeout: 10_000 }).toBe(1);
    store.isCut = false;
    await expect.poll(async () => (await store.usageOf(known.id))[0]?.requests, { timeout: 10_000 }).toBe(4);
    await expect.poll(() => journals(gateway.folder).length, { timeout: 10_000 }).toBe(0);
    expect((await gateway.ask(unknown.key)).status).toBe(200);
  });

  it('ends the grace of known keys', async () => {
    const store = await withCutStore(150);
    const { key } = await gateway.newKey();
    expect((await gateway.ask(key)).status).toBe(200);
    store.isCut = true;
    await expect.poll(async () => (await gateway.ask(key)).status, { timeout: 5000 }).toBe(503);
    store.isCut = false;
    await expect.poll(async () => (await gateway.ask(key)).status, { timeout: 5000 }).toBe(200);
  });

  it('has its journal taken over by the next process, and no batch counts twice', async () => {
    const store = await withCutStore();
    const { key, id } = await gateway.newKey();
    expect((await gateway.ask(key)).status).toBe(200);
    await gateway.ledger.flush();
    store.isCut = true;
    await gateway.ask(key);
    await gateway.ledger.flush();
    expect(journals(gateway.folder)).toHaveLength(1);
    // The old process still has its batch when the new one writes the same from the journal.
    store.isCut = false;
    const priceOf = () => ({ inputPerMillion: 0, outputPerMillion: 0 });
    const next = new UsageLedger({ store, clock: systemClock, log: silentLog, priceOf, folder: gateway.folder });
    await next.start();
    await Promise.all([next.flush(), gateway.ledger.flush()]);
    await next.close();
    expect(await store.usageOf(id)).toMatchObject([{ requests: 2 }]);
  });
});

describe('a disk that is full', () => {
  it('keeps usage until there is room again', async () => {
    gateway = await TestGateway.start({
      store: (folder) => new SqliteStore({ file: path.join(folder, 'gateway.sqlite'), maxPages: 12 }),
    });
    const { key, id } = await gateway.newKey();
    // Fill the file.
    const fill = async (): Promise<void> => {
      for (;;) {
        const { id: other, hash } = createKey();
        const record = {
          id: other,
          name: 'x'.repeat(200),
          hash,
          createdAt: 0,
          expiresAt: undefined,
          revokedAt: undefined,
        };
        await gateway.store.insertKey({ ...record, limits: {} });
      }
    };
    await expect(fill()).rejects.toThrow(/full/);
    for (let times = 0; times < 3; times++) expect((await gateway.ask(key)).status).toBe(200);
    await gateway.ledger.flush();
    const roomy = new SqliteStore({ file: path.join(gateway.folder, 'gateway.sqlite') });
    await roomy.open();
    const priceOf = () => ({ inputPerMillion: 0, outputPerMillion: 0 });
    const next = new UsageLedger({ store: roomy, clock: systemClock, log: silentLog, priceOf, folder: gateway.folder });
    await next.start();
    await next.flush();
    await gateway.ledger.flush();
    expect(await roomy.usageOf(id)).toMatchObject([{ requests: 3 }]);
    await next.close();
    await roomy.close();
  });
});
