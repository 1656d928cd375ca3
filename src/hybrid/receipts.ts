/** One receipt for each request: where it ran, why, and what left. No content, ever. */
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
  /** Keeps a finished receipt, a line of JSON; see `receipt-file.ts`. Default: nobody does. */
  append?: (line: string) => Promise<void>;
  log: Log;
};

export class ReceiptStore {
  readonly #receipts = new Map<string, Receipt>();
  readonly #capacity: number;
  readonly #append: ((line: string) => Promise<void>) | undefined;
  readonly #log: Log;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ReceiptStoreOptions) {
    this.#capacity = options.capacity ?? 1000;
    this.#append = options.append;
    this.#log = options.log;
  }

  open(fields: Omit<Receipt, 'id'>): Receipt {
    const receipt: Receipt = { id: `rcpt_${crypto.randomUUID().replaceAll('-', '')}`, ...fields };
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
    if (this.#append === undefined) return;
    this.#writing = this.#write(this.#writing, this.#append, `${JSON.stringify(receipt)}\n`);
  }

  async #write(before: Promise<void>, append: (line: string) => Promise<void>, line: string): Promise<void> {
    await before;
    try {
      await append(line);
    } catch (error) {
      this.#log.warn({ detail: String(error) }, 'receipt not written');
    }
  }

  /** Resolves when all closed receipts are on the disk. */
  async flush(): Promise<void> {
    await this.#writing;
  }
}
