/**
 * Who may run now. A bounded number of requests runs, a bounded number waits, and while there is a queue the next free place
 * goes to the key that has the fewest running for its weight: one that opens a thousand streams gets its share only.
 */
import type { Clock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';

export type AdmissionOptions = {
  clock: Clock;
  /** Requests that run at once. */
  maxRunning: number;
  /** Requests that wait, of all keys. */
  maxWaiting: number;
  /** A request that waited so long is answered with 503. */
  queueMs: number;
  /** Running requests of a key that has no limit of its own. */
  keyRunning: number;
  /** Waiting requests of one key. */
  keyWaiting: number;
};

export type Applicant = {
  keyId: string;
  /** Default 1. */
  weight: number;
  /** The key's own limit. */
  concurrency: number | undefined;
  /** Orders the requests of one key among themselves; higher first. */
  priority: number;
};

/** Gives the place back; the second call does nothing. */
export type Leave = () => void;

type Ticket = {
  priority: number;
  grant(leave: Leave): void;
};

type KeyState = {
  id: string;
  running: number;
  limit: number;
  weight: number;
  queue: Ticket[];
  /** Order in which keys that have equally many running get their turn. */
  servedAt: number;
};

/** How long a client should pause; places become free all the time. */
const retryAfterSeconds = 1;

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #keys = new Map<string, KeyState>();
  #running = 0;
  #waiting = 0;
  #served = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a place.
   *
   * @throws `concurrency_limited` (429) for what the key itself causes; `overloaded`, `queue_timeout` (503) for what all
   * cause together; the signal's reason
   */
  async enter(applicant: Applicant, signal: AbortSignal): Promise<Leave> {
    signal.throwIfAborted();
    const key = this.#key(applicant);
    if (key.running < key.limit && this.#running < this.#options.maxRunning && key.queue.length === 0) {
      return this.#start(key);
    }
    const { keyWaiting, maxWaiting, maxRunning } = this.#options;
    if (key.queue.length >= keyWaiting) {
      this.#forget(key);
      const parameters = { running: key.running, waiting: key.queue.length };
      throw makeError('concurrency_limited', parameters, { retryAfterSeconds });
    }
    if (this.#waiting >= maxWaiting) {
      this.#forget(key);
      const parameters = { running: Math.min(this.#running, maxRunning), waiting: this.#waiting };
      throw makeError('overloaded', parameters, { retryAfterSeconds });
    }
    return this.#wait(key, applicant.priority, signal);
  }

  #wait(key: KeyState, priority: number, signal: AbortSignal): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const { queueMs } = this.#options;
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const ticket: Ticket = {
        priority,
        grant(leave) {
          settle();
          resolve(leave);
        },
      };
      const give = (error: unknown): void => {
        settle();
        const index = key.queue.indexOf(ticket);
        if (index >= 0) {
          key.queue.splice(index, 1);
          this.#waiting--;
        }
        this.#forget(key);
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      const onAbort = (): void => give(signal.reason);
      const timer = setTimeout(
        () => give(makeError('queue_timeout', { seconds: queueMs / 1000 }, { retryAfterSeconds: 5 })),
        queueMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      const behind = key.queue.findIndex((other) => other.priority < priority);
      if (behind === -1) key.queue.push(ticket);
      else key.queue.splice(behind, 0, ticket);
      this.#waiting++;
    });
  }

  #start(key: KeyState): Leave {
    key.running++;
    this.#running++;
    key.servedAt = ++this.#served;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      key.running--;
      this.#running--;
      this.#forget(key);
      this.#next();
    };
  }

  /** Fills the free places, each with a request of the key that has the least. */
  #next(): void {
    while (this.#waiting > 0 && this.#running < this.#options.maxRunning) {
      let poorest: KeyState | undefined;
      for (const key of this.#keys.values()) {
        if (key.queue.length === 0 || key.running >= key.limit) continue;
        if (poorest === undefined || isPoorer(key, poorest)) poorest = key;
      }
      if (poorest === undefined) return;
      const ticket = poorest.queue.shift();
      this.#waiting--;
      ticket?.grant(this.#start(poorest));
    }
  }

  #key({ keyId, weight, concurrency }: Applicant): KeyState {
    const { keyRunning, maxRunning } = this.#options;
    const limit = Math.min(maxRunning, concurrency ?? keyRunning);
    let key = this.#keys.get(keyId);
    if (key === undefined) {
      key = { id: keyId, running: 0, limit, weight, queue: [], servedAt: 0 };
      this.#keys.set(keyId, key);
    }
    // Its limits may have been changed.
    key.limit = limit;
    key.weight = weight;
    return key;
  }

  #forget(key: KeyState): void {
    if (key.running === 0 && key.queue.length === 0) this.#keys.delete(key.id);
  }
}

function isPoorer(left: KeyState, right: KeyState): boolean {
  const difference = left.running / left.weight - right.running / right.weight;
  return difference === 0 ? left.servedAt < right.servedAt : difference < 0;
}
