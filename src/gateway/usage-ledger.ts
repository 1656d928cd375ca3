/**
 * Counts what each key used and brings it to the store in batches. While the store is away, batches go to a journal on the
 * disk and are written later, also by the next process; a batch that may have arrived already counts once.
 */
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import type { TokenUsage } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type { GatewayStore, UsageBatch, UsageEntry } from './state/gateway-store.ts';

export type Prices = { inputPerMillion: number; outputPerMillion: number };

export type UsageLedgerOptions = {
  store: GatewayStore;
  clock: Clock;
  log: Log;
  /** Of a model, in the operator's currency. */
  priceOf(model: string): Prices;
  /** Folder of the journals. */
  folder: string;
  /** Between two batches, and how old the spending of other gateways may be. Default 500 ms. */
  flushMs?: number;
};

const defaultFlushMs = 500;
/** While the store is away, a batch covers so much time. */
const awayBatchMs = 5000;
/** Beyond it usage adds up in memory only: some 14 hours without a store. */
const maxBatches = 10_000;
const journalName = /^gateway-usage-[\w-]+\.jsonl$/;

const batchSchema = z.object({
  id: z.string(),
  entries: z.array(
    z.object({
      keyId: z.string(),
      month: z.string(),
      model: z.string(),
      requests: z.number(),
      promptTokens: z.number(),
      completionTokens: z.number(),
      cost: z.number(),
    }),
  ),
});

export class UsageLedger {
  readonly #options: UsageLedgerOptions;
  readonly #journal: string;
  /** What no batch holds yet, by key, month and model. */
  #pending = new Map<string, UsageEntry>();
  readonly #batches: UsageBatch[] = [];
  readonly #journalled = new Set<string>();
  /** Files to remove when all their batches are in the store. */
  readonly #adopted: string[] = [];
  /** Cost in the store, of keys that have a budget, for `#month`. */
  readonly #stored = new Map<string, number>();
  /** Cost that is not in the store yet. */
  readonly #unsaved = new Map<string, number>();
  #month = '';
  /** Milliseconds since 1970 in which `#month` holds: from the first, before the second. */
  #monthStarts = 0;
  #monthEnds = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #isAway = false;
  #isDiskFull = false;
  #cutMs = Number.NEGATIVE_INFINITY;

  constructor(options: UsageLedgerOptions) {
    this.#options = options;
    this.#journal = path.join(options.folder, `gateway-usage-${randomUUID()}.jsonl`);
  }

  /** Batches that wait for the store. */
  get waiting(): number {
    return this.#batches.length;
  }

  /** Takes over what earlier processes could not write. */
  async start(): Promise<void> {
    await this.#adopt();
    const again = (): void => {
      const { flushMs = defaultFlushMs } = this.#options;
      this.#timer = setTimeout(() => void this.flush().finally(again), flushMs).unref();
    };
    again();
  }

  /** @returns the cost of this answer */
  add(keyId: string, model: string, usage: TokenUsage): number {
    const { inputPerMillion, outputPerMillion } = this.#options.priceOf(model);
    const cost = (usage.promptTokens * inputPerMillion + usage.completionTokens * outputPerMillion) / 1_000_000;
    const month = this.#turnMonth();
    const name = `${keyId}\n${month}\n${model}`;
    const entry = this.#pending.get(name);
    if (entry === undefined) {
      const { promptTokens, completionTokens } = usage;
      this.#pending.set(name, { keyId, month, model, requests: 1, promptTokens, completionTokens, cost });
    } else {
      entry.requests++;
      entry.promptTokens += usage.promptTokens;
      entry.completionTokens += usage.completionTokens;
      entry.cost += cost;
    }
    if (cost > 0) this.#unsaved.set(keyId, (this.#unsaved.get(keyId) ?? 0) + cost);
    return cost;
  }

  /**
   * What a key has spent this month, over all gateways; theirs as of the last flush. Where the store is away, what was
   * last known.
   */
  async spent(keyId: string): Promise<number> {
    const month = this.#turnMonth();
    if (!this.#stored.has(keyId)) {
      try {
        const spent = await this.#options.store.spentIn(month, [keyId]);
        this.#stored.set(keyId, spent.get(keyId) ?? 0);
      } catch (error) {
        this.#away(error);
      }
    }
    return (this.#stored.get(keyId) ?? 0) + (this.#unsaved.get(keyId) ?? 0);
  }

  /** Brings all to the store, or to the journal. Never throws. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#flushing;
    this.#cutMs = Number.NEGATIVE_INFINITY;
    await this.flush();
  }

  async #flush(): Promise<void> {
    this.#cut();
    try {
      while (this.#batches[0] !== undefined) {
        const batch = this.#batches[0];
        await this.#options.store.addUsage(batch);
        this.#batches.shift();
        this.#saved(batch);
      }
      if (this.#isAway) this.#options.log.info({}, 'the database of usage is back; nothing was lost');
      this.#isAway = false;
      await this.#dropJournals();
      await this.#refresh();
    } catch (error) {
      this.#away(error);
      await this.#writeJournal();
    }
  }

  /** Pending usage becomes a batch, which never changes again. */
  #cut(): void {
    const now = this.#options.clock.now();
    if (this.#pending.size === 0 || this.#batches.length >= maxBatches) return;
    if (this.#isAway && now - this.#cutMs < awayBatchMs) return;
    this.#cutMs = now;
    this.#batches.push({ id: randomUUID(), entries: [...this.#pending.values()] });
    this.#pending = new Map();
  }

  #saved(batch: UsageBatch): void {
    this.#journalled.delete(batch.id);
    for (const { keyId, month, cost } of batch.entries) {
      if (month !== this.#month) continue;
      const left = (this.#unsaved.get(keyId) ?? 0) - cost;
      if (left > 1e-12) this.#unsaved.set(keyId, left);
      else this.#unsaved.delete(keyId);
      const stored = this.#stored.get(keyId);
      if (stored !== undefined) this.#stored.set(keyId, stored + cost);
    }
  }

  /** What other gateways spent. */
  async #refresh(): Promise<void> {
    const month = this.#turnMonth();
    if (this.#stored.size === 0) return;
    const ids = [...this.#stored.keys()];
    const spent = await this.#options.store.spentIn(month, ids);
    for (const id of ids) this.#stored.set(id, spent.get(id) ?? 0);
  }

  #turnMonth(): string {
    const now = this.#options.clock.wallTime();
    if (now >= this.#monthStarts && now < this.#monthEnds) return this.#month;
    const date = new Date(now);
    this.#monthStarts = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    this.#monthEnds = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    const month = date.toISOString().slice(0, 7);
    if (month !== this.#month) {
      this.#month = month;
      this.#stored.clear();
      this.#unsaved.clear();
    }
    return month;
  }

  #away(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const detail = error instanceof Error ? error.message : String(error);
    this.#options.log.error({ detail }, 'the database of usage does not answer: usage is kept in a journal');
  }

  async #writeJournal(): Promise<void> {
    const fresh = this.#batches.filter(({ id }) => !this.#journalled.has(id));
    if (fresh.length === 0) return;
    try {
      await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
      const lines = fresh.map((batch) => `${JSON.stringify(batch)}\n`).join('');
      await appendFile(this.#journal, lines, { mode: 0o600 });
      for (const { id } of fresh) this.#journalled.add(id);
      this.#isDiskFull = false;
    } catch (error) {
      if (!this.#isDiskFull) {
        this.#options.log.error({ detail: String(error) }, 'the journal of usage cannot be written: kept in memory');
      }
      this.#isDiskFull = true;
    }
  }

  async #adopt(): Promise<void> {
    const names = await readdir(this.#options.folder).catch((): string[] => []);
    for (const name of names.filter((each) => journalName.test(each))) {
      const file = path.join(this.#options.folder, name);
      const text = await readFile(file, 'utf8').catch(() => '');
      for (const line of text.split('\n')) {
        const batch = readBatch(line);
        if (batch === undefined) continue;
        this.#batches.push(batch);
        this.#journalled.add(batch.id);
      }
      this.#adopted.push(file);
    }
  }

  async #dropJournals(): Promise<void> {
    if (this.#batches.length > 0) return;
    for (const file of this.#adopted.splice(0)) await rm(file, { force: true });
    await rm(this.#journal, { force: true });
  }
}

/** The last line may be cut: its process was killed. */
function readBatch(line: string): UsageBatch | undefined {
  try {
    return batchSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
