/** One receipt for each request: where it ran, why, and what left. No content, ever. */
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { RoutePreference } from '../core/chat.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { TokenUsage } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type { PrivacyHandling, RouteTarget, TaskKind } from '../routing/types.ts';

export type ReceiptAttempt = {
  target: RouteTarget;
  model?: string;
  outcome: 'running' | 'answered' | 'cancelled' | ErrorCode;
};

export type Receipt = {
  id: string;
  /** The generation's id in the log. */
  requestId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  kind: 'chat' | 'completion' | 'embedding';
  state: 'running' | 'answered' | 'failed' | 'cancelled' | 'refused';
  requestedModel: string;
  /** Where it ran in the end; absent when it was refused. */
  target?: RouteTarget;
  /** The model that answered, as it calls itself. */
  model?: string;
  reasons: string[];
  preference: RoutePreference;
  privacy: PrivacyHandling;
  task: TaskKind;
  complexity: number;
  policyVersion: string;
  /** Name and version of each detector that ran. */
  detectors: Record<string, string>;
  /** Pictures and recordings of the request, and how many of them were read or heard. Absent where there were none. */
  read?: { pictures: number; picturesRead: number; recordings: number; recordingsHeard: number };
  /** Placeholders that stood in for identifiers in what left. */
  redactedValues: number;
  attempts: ReceiptAttempt[];
  /** Bytes of request bodies that were handed to a connection to the cloud. */
  bytesLeft: number;
  /** Milliseconds. */
  timings: { decisionMs: number; firstTokenMs?: number; totalMs?: number };
  usage?: TokenUsage;
  cost: number;
  currency: string;
  errorCode?: ErrorCode;
};

export type ReceiptStoreOptions = {
  /** Kept in memory; the oldest go first. Default 1,000. */
  capacity?: number;
  /** Finished receipts are added to this file, a line of JSON each. Default none. */
  file?: string;
  log: Log;
};

export class ReceiptStore {
  readonly #receipts = new Map<string, Receipt>();
  readonly #capacity: number;
  readonly #file: string | undefined;
  readonly #log: Log;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ReceiptStoreOptions) {
    this.#capacity = options.capacity ?? 1000;
    this.#file = options.file;
    this.#log = options.log;
  }

  open(fields: Omit<Receipt, 'id'>): Receipt {
    const receipt: Receipt = { id: `rcpt_${randomUUID().replaceAll('-', '')}`, ...fields };
    this.#receipts.set(receipt.id, receipt);
    for (const oldest of this.#receipts.keys()) {
      if (this.#receipts.size <= this.#capacity) break;
      this.#receipts.delete(oldest);
    }
    return receipt;
  }

  /** A copy: who shows it cannot change it. */
  get(id: string): Receipt | undefined {
    const receipt = this.#receipts.get(id);
    return receipt === undefined ? undefined : structuredClone(receipt);
  }

  /** Newest last. */
  list(): Receipt[] {
    return [...this.#receipts.values()].map((receipt) => structuredClone(receipt));
  }

  /** To be called once, when nothing in it will change any more. */
  close(receipt: Receipt): void {
    const file = this.#file;
    if (file === undefined) return;
    const line = `${JSON.stringify(receipt)}\n`;
    this.#writing = this.#write(this.#writing, file, line);
  }

  async #write(before: Promise<void>, file: string, line: string): Promise<void> {
    await before;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await appendFile(file, line, { mode: 0o600 });
    } catch (error) {
      this.#log.warn({ detail: String(error) }, 'receipt not written');
    }
  }

  /** Resolves when all closed receipts are on the disk. */
  async flush(): Promise<void> {
    await this.#writing;
  }
}
