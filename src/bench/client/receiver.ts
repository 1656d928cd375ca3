/** The main thread's side of the receiving thread. */
import { Worker } from 'node:worker_threads';
import type { Exchange, FromReceiver, ReceiverState, Sending, ToReceiver } from './receiver-messages.ts';
import { roomyHeap, threadScript } from './thread-script.ts';

type Waiter = { resolve: (message: FromReceiver) => void; reject: (error: Error) => void };

export class Receiver {
  readonly #worker = new Worker(threadScript('receiver-worker'), { resourceLimits: roomyHeap });
  readonly #waiters = new Map<number, Waiter>();
  #failure: Error | undefined;
  #nextId = 0;

  constructor() {
    this.#worker.on('message', (message: FromReceiver) => {
      this.#waiters.get(message.id)?.resolve(message);
      this.#waiters.delete(message.id);
    });
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the receiving thread has ended')));
    // Whoever waits for an answer keeps the process; an idle thread does not.
    this.#worker.unref();
  }

  /** What goes wrong with the server is in the exchange. Rejects only when the thread itself is gone. */
  async exchange(sending: Sending, signal: AbortSignal): Promise<Exchange> {
    const id = this.#nextId++;
    const abort = (): void => this.#worker.postMessage({ type: 'abort', id } satisfies ToReceiver);
    const answer = this.#ask({ type: 'send', id, ...sending });
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    try {
      return (await answer) as FromReceiver & Exchange;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async describe(): Promise<ReceiverState> {
    return (await this.#ask({ type: 'describe', id: this.#nextId++ })) as FromReceiver & ReceiverState;
  }

  async dispose(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ask(message: ToReceiver): Promise<FromReceiver> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#worker.ref();
    try {
      return await new Promise((resolve, reject) => {
        this.#waiters.set(message.id, { resolve, reject });
        this.#worker.postMessage(message);
      });
    } finally {
      if (this.#waiters.size === 0) this.#worker.unref();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiters.values()) reject(this.#failure);
    this.#waiters.clear();
  }
}
