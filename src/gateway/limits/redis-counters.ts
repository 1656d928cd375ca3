/** Buckets in Redis, shared by all gateways. One script does all of a request, by the server's own clock. */
import type { RedisClientType } from '@redis/client';
import type { Log } from '../../core/log.ts';
import type { RateAnswer, RateCounters, RateWant } from './rate-counters.ts';
import { stateOf } from './rate-counters.ts';

export type RedisOptions = {
  /** `redis://[:password@]host:port[/database]`, `rediss://` with TLS. */
  url: string;
  log: Log;
  /** Counts while Redis is away: then each gateway counts for itself. */
  fallback: RateCounters;
  /** A request never waits longer for its counters. Default 250 ms. */
  timeoutMs?: number;
};

const defaultTimeoutMs = 250;
/** Between two tries after Redis was found away. */
const restMs = 1000;

/**
 * KEYS: a bucket each. ARGV: force, then limit and amount of each. Gives whether it was taken, and after that the level of
 * each bucket. A bucket that would be full again expires.
 */
const script = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local force = ARGV[1] == '1'
local taken, levels = 1, {}
for i, key in ipairs(KEYS) do
  local limit, amount = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stored = redis.call('HMGET', key, 'l', 't')
  local level = limit
  if stored[1] then
    level = math.min(limit, tonumber(stored[1]) + math.max(0, now - tonumber(stored[2])) * limit / 60000)
  end
  levels[i] = level
  if not force and level < math.min(amount, limit) then taken = 0 end
end
local answer = { taken }
for i, key in ipairs(KEYS) do
  local limit, amount = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local level = levels[i]
  if taken == 1 then
    level = math.min(limit, level - amount)
    redis.call('HSET', key, 'l', tostring(level), 't', tostring(now))
    redis.call('PEXPIRE', key, math.ceil(math.max(1000, (limit - level) * 60000 / limit)))
  end
  answer[i + 1] = tostring(level)
end
return answer
`;

export class RedisCounters implements RateCounters {
  readonly #options: RedisOptions;
  #client: RedisClientType | undefined;
  #restUntilMs = 0;
  #isAway = false;

  constructor(options: RedisOptions) {
    this.#options = options;
  }

  /** Connects in the background where Redis is away: requests go on with the fallback. */
  async open(): Promise<void> {
    // Loaded here, so that a server without it never needs it.
    const { createClient } = await import('@redis/client');
    const client = createClient({
      url: this.#options.url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 2000, reconnectStrategy: (retries) => Math.min(2000, 100 * 2 ** retries) },
    }) as unknown as RedisClientType;
    client.on('error', () => {});
    this.#client = client;
    client.connect().catch(() => {});
    await Promise.race([
      new Promise((resolve) => {
        client.once('ready', resolve);
      }),
      pause(2000),
    ]);
  }

  async take(keyId: string, wants: readonly RateWant[]): Promise<RateAnswer> {
    const answer = await this.#run(keyId, wants, false);
    if (answer === undefined) return this.#options.fallback.take(keyId, wants);
    const [taken, ...levels] = answer;
    const states = wants.map((want, index) => stateOf(want, levels[index] ?? 0));
    if (taken === 1) return { isTaken: true, states, retryAfterMs: 0 };
    const waits = wants.map(({ amount, limitPerMinute: limit }, index) =>
      Math.max(0, Math.ceil(((Math.min(amount, limit) - (levels[index] ?? 0)) * 60_000) / limit)),
    );
    const retryAfterMs = Math.max(1, ...waits);
    const refusedBy = wants[waits.indexOf(retryAfterMs)]?.what ?? 'requests';
    return { isTaken: false, states, retryAfterMs, refusedBy };
  }

  adjust(keyId: string, want: RateWant): void {
    void this.#adjust(keyId, want);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) client.destroy();
    await this.#options.fallback.close();
  }

  async #adjust(keyId: string, want: RateWant): Promise<void> {
    if ((await this.#run(keyId, [want], true)) === undefined) this.#options.fallback.adjust(keyId, want);
  }

  /** `undefined` while Redis is away. */
  async #run(keyId: string, wants: readonly RateWant[], force: boolean): Promise<number[] | undefined> {
    const client = this.#client;
    if (client === undefined || performance.now() < this.#restUntilMs) return undefined;
    // The tag in braces keeps the buckets of one key on one node of a cluster.
    const keys = wants.map(({ what }) => `duanyun:{${keyId}}:${what}`);
    const numbers = wants.flatMap(({ limitPerMinute, amount }) => [String(limitPerMinute), String(amount)]);
    try {
      if (!client.isReady) throw new Error('not connected');
      const work = client.eval(script, { keys, arguments: [force ? '1' : '0', ...numbers] });
      const reply = await Promise.race([work, pause(this.#options.timeoutMs ?? defaultTimeoutMs)]);
      if (!Array.isArray(reply)) throw new Error('no answer in time');
      if (this.#isAway) this.#options.log.info({}, 'the shared counters are back');
      this.#isAway = false;
      return reply.map(Number);
    } catch (error) {
      this.#restUntilMs = performance.now() + restMs;
      if (!this.#isAway) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#options.log.warn({ detail }, 'the shared counters are away: this gateway counts for itself');
      }
      this.#isAway = true;
      return undefined;
    }
  }
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
