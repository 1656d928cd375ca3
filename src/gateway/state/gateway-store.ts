/** What outlives the process and is shared between gateways: keys and usage. Implementations pass one contract suite. */
import type { KeyLimits, KeyRecord } from '../keys/key-record.ts';

/** What one key used of one model in one month. Amounts add up. */
export type UsageAmounts = {
  requests: number;
  promptTokens: number;
  completionTokens: number;
  /** In the currency of the prices. */
  cost: number;
};
export type UsageEntry = { keyId: string; /** `2026-11`, UTC. */ month: string; model: string } & UsageAmounts;

/** Usage that is written as a whole or not at all; the same batch twice counts once. */
export type UsageBatch = { id: string; entries: UsageEntry[] };

export interface GatewayStore {
  /** For people: where it is, without a password. */
  readonly place: string;
  /** Makes the tables where they are missing. Throws where the store cannot be used. */
  open(): Promise<void>;
  /** A number that changes whenever a key does. */
  keysVersion(): Promise<number>;
  insertKey(record: KeyRecord): Promise<void>;
  findKey(id: string): Promise<KeyRecord | undefined>;
  /** Oldest first. */
  listKeys(): Promise<KeyRecord[]>;
  /** @returns whether there is such a key */
  updateKey(
    id: string,
    change: { revokedAt?: number; limits?: KeyLimits; expiresAt?: number | null },
  ): Promise<boolean>;
  addUsage(batch: UsageBatch): Promise<void>;
  /** Of one key, by month and model. */
  usageOf(keyId: string, month?: string): Promise<UsageEntry[]>;
  /** Cost of these keys in a month; a key without usage is absent. */
  spentIn(month: string, keyIds: readonly string[]): Promise<Map<string, number>>;
  close(): Promise<void>;
}

/** Batches are remembered for so long, in case their writer does not know whether they arrived. */
export const batchMemoryMs = 7 * 24 * 3_600_000;
