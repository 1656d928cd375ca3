/** Looks keys up, remembers them, and notices within a second what another process changed. */
import type { Clock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { GatewayStore } from '../state/gateway-store.ts';
import { parseKey, sameHash } from './api-key.ts';
import { type Caller, type KeyRecord, whyNotValid } from './key-record.ts';

export type KeyRingOptions = {
  store: GatewayStore;
  clock: Clock;
  log: Log;
  /** How often the store is asked whether a key changed. Default 400 ms. */
  lookMs?: number;
  /** Known keys go on for so long while the store is away. Default 15 min. */
  graceMs?: number;
};

const defaultLookMs = 400;
const defaultGraceMs = 15 * 60_000;
/** Ids that are not there are remembered too, so that guessing does not reach the store; a new key clears them. */
const maxRemembered = 100_000;
/** Compared with where there is no such key, so that the answer takes as long. */
const noHash = Buffer.alloc(32);

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #known = new Map<string, KeyRecord | undefined>();
  #version: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Monotonic: the last time that the store said it is unchanged. */
  #confirmedMs: number;
  #isAway = false;
  #looking: Promise<void> | undefined;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#confirmedMs = options.clock.now();
  }

  /** For `/health` and the metrics. */
  get isStoreAway(): boolean {
    return this.#isAway;
  }

  /** No key was ever made, as far as the store has said. */
  get isEmpty(): boolean {
    return this.#version === 0;
  }

  async start(): Promise<void> {
    await this.look();
    const again = (): void => {
      this.#timer = setTimeout(() => void this.look().finally(again), this.#options.lookMs ?? defaultLookMs).unref();
    };
    again();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Asks the store once. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /**
   * @returns `undefined` for what is no key of ours
   * @throws `key_not_valid` for one that was revoked or has expired; `state_unavailable`
   */
  async find(text: string): Promise<Caller | undefined> {
    const parsed = parseKey(text);
    if (parsed === undefined) return undefined;
    const record = await this.#record(parsed.id);
    const isRight = sameHash(record?.hash ?? noHash, parsed.hash);
    if (record === undefined || !isRight) return undefined;
    const reason = whyNotValid(record, this.#options.clock.wallTime());
    if (reason !== undefined) throw makeError('key_not_valid', { reason });
    return { id: record.id, kind: 'key', limits: record.limits };
  }

  async #record(id: string): Promise<KeyRecord | undefined> {
    if (this.#isAway && this.#options.clock.now() - this.#confirmedMs > (this.#options.graceMs ?? defaultGraceMs)) {
      this.#known.clear();
    }
    if (this.#known.has(id)) return this.#known.get(id);
    let record: KeyRecord | undefined;
    const version = this.#version;
    try {
      record = await this.#options.store.findKey(id);
    } catch (error) {
      this.#away(error);
      throw makeError('state_unavailable', { reason: 'it does not answer' }, { cause: error, retryAfterSeconds: 2 });
    }
    // A change that came in between is in neither of the two for sure.
    if (version === this.#version) {
      if (this.#known.size >= maxRemembered) this.#known.clear();
      this.#known.set(id, record);
    }
    return record;
  }

  async #look(): Promise<void> {
    try {
      const version = await this.#options.store.keysVersion();
      if (version !== this.#version) this.#known.clear();
      this.#version = version;
      this.#confirmedMs = this.#options.clock.now();
      if (this.#isAway) this.#options.log.info({}, 'the database of keys is back');
      this.#isAway = false;
    } catch (error) {
      this.#away(error);
    }
  }

  #away(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const detail = error instanceof Error ? error.message : String(error);
    this.#options.log.error({ detail }, 'the database of keys does not answer: known keys go on for a while');
  }
}
