/** What the operator sees and does while the gateway runs; `duanyun keys` does the same from a shell. */
import type { CloudUpstreamStatus } from '../cloud/cloud-backend.ts';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import { createKey, shownKey } from './keys/api-key.ts';
import { type KeyLimits, type KeyRecord, whyNotValid } from './keys/key-record.ts';
import type { GatewayStore, UsageEntry } from './state/gateway-store.ts';

export type ShownKey = {
  id: string;
  name: string;
  /** Its beginning; the secret is nowhere. */
  key: string;
  state: 'good' | 'expired' | 'revoked';
  createdAt: number;
  expiresAt: number | undefined;
  limits: KeyLimits;
  /** Of this month, by model. */
  usage: UsageEntry[];
};

export type NewKey = { name: string; expiresInDays: number | undefined; limits: KeyLimits };

export type GatewayAdministrationOptions = {
  store: GatewayStore;
  clock: Clock;
  upstreams: () => CloudUpstreamStatus[];
};

const dayMs = 24 * 3_600_000;

export class GatewayAdministration {
  readonly #options: GatewayAdministrationOptions;

  constructor(options: GatewayAdministrationOptions) {
    this.#options = options;
  }

  upstreams(): CloudUpstreamStatus[] {
    return this.#options.upstreams();
  }

  /** Newest first. @throws `state_unavailable` */
  async keys(): Promise<{ month: string; keys: ShownKey[] }> {
    const { store, clock } = this.#options;
    const month = new Date(clock.wallTime()).toISOString().slice(0, 7);
    const keys = await reachable(async () => {
      const records = (await store.listKeys()).toReversed();
      return Promise.all(records.map(async (record) => this.#shown(record, await store.usageOf(record.id, month))));
    });
    return { month, keys };
  }

  /** The only time that the whole key is told. @throws `state_unavailable` */
  async createKey({ name, expiresInDays, limits }: NewKey): Promise<{ key: string; shown: ShownKey }> {
    const { store, clock } = this.#options;
    const { key, id, hash } = createKey();
    const createdAt = clock.wallTime();
    const record: KeyRecord = {
      id,
      name,
      hash,
      createdAt,
      expiresAt: expiresInDays === undefined ? undefined : createdAt + expiresInDays * dayMs,
      revokedAt: undefined,
      limits,
    };
    await reachable(() => store.insertKey(record));
    return { key, shown: this.#shown(record, []) };
  }

  /** Running gateways notice within a second. @throws `not_found`, `state_unavailable` */
  async revokeKey(id: string): Promise<void> {
    const { store, clock } = this.#options;
    const isThere = await reachable(() => store.updateKey(id, { revokedAt: clock.wallTime() }));
    if (!isThere) throw makeError('not_found', { what: `The key ${id.slice(0, 40)}` });
  }

  #shown(record: KeyRecord, usage: UsageEntry[]): ShownKey {
    const { id, name, createdAt, expiresAt, revokedAt, limits } = record;
    const isGood = whyNotValid(record, this.#options.clock.wallTime()) === undefined;
    const state = isGood ? 'good' : revokedAt === undefined ? 'expired' : 'revoked';
    return { id, name, key: shownKey(id), state, createdAt, expiresAt, limits, usage };
  }
}

async function reachable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw makeError('state_unavailable', { reason: 'it does not answer' }, { cause, retryAfterSeconds: 2 });
  }
}
