/**
 * The receiving thread: it sends requests, stamps each piece of an answer the moment the socket gives it, and reads nothing.
 * Reading, writing results and watching memory happen in the main thread, so that none of them makes a token look late.
 */
import { openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { Agent, type Dispatcher } from 'undici';
import type { Ending, Exchange, FromReceiver, ReceiverState, Sending, ToReceiver } from './receiver-messages.ts';
import { runAhead } from './run-ahead.ts';
import { monotonicMs } from './shared-clock.ts';

if (parentPort === null) throw new Error('receiver-worker runs as a thread');
const port = parentPort;

const maxBytes = 64 * 1024 * 1024;
/** A server that says [DONE] and keeps the connection open has ended. */
const afterDoneMs = 1000;
const eventMark = Buffer.from('data:');
const doneMark = Buffer.from('[DONE]');

const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 }, pipelining: 1 });
const running = new Map<number, Answer>();
let pieces = 0;

const standing = runAhead();
const schedule = openSchedule();

/** Nanoseconds computed and waited, and the number of turns (Linux, `Documentation/scheduler/sched-stats.rst`). */
function openSchedule(): (() => { computedMs: number; waitedMs: number }) | undefined {
  try {
    const descriptor = openSync('/proc/thread-self/schedstat', 'r');
    const buffer = Buffer.alloc(96);
    return () => {
      const size = readSync(descriptor, buffer, 0, buffer.length, 0);
      const [computed = '0', waited = '0'] = buffer.toString('latin1', 0, size).split(' ');
      return { computedMs: Number(computed) / 1e6, waitedMs: Number(waited) / 1e6 };
    };
  } catch {
    return undefined;
  }
}

class Answer {
  readonly #id: number;
  readonly #sending: Sending;
  readonly #sentMs = monotonicMs();
  readonly #timer: NodeJS.Timeout;
  readonly #parts: Buffer[] = [];
  readonly #atMs: number[] = [];
  readonly #waitedMs: number[] = [];
  #head: Pick<Exchange, 'status' | 'headersMs' | 'contentType' | 'retryAfter' | 'servedBy'> = {};
  #controller: Dispatcher.DispatchController | undefined;
  #ending: Ending | undefined;
  #sizeBytes = 0;
  #events = 0;

  constructor(id: number, sending: Sending) {
    this.#id = id;
    this.#sending = sending;
    this.#timer = setTimeout(() => this.cut('timeout'), sending.timeoutMs);
  }

  start(): void {
    try {
      this.#dispatch();
    } catch (error) {
      this.#finish('failed', error instanceof Error ? error.message : String(error));
    }
  }

  #dispatch(): void {
    const { origin, pathname, search } = new URL(this.#sending.url);
    const { headers, body } = this.#sending;
    agent.dispatch(
      { origin, path: pathname + search, method: 'POST', headers, body },
      {
        onRequestStart: (controller) => {
          this.#controller = controller;
          if (this.#ending !== undefined) controller.abort(new Error(this.#ending));
        },
        onResponseStart: (_, status, received) => {
          const text = (name: string): string | undefined => {
            const value = received[name];
            return typeof value === 'string' ? value : value?.[0];
          };
          const optional = (name: keyof Exchange, value: string | undefined): object =>
            value === undefined ? {} : { [name]: value };
          this.#head = {
            status,
            headersMs: monotonicMs() - this.#sentMs,
            ...optional('contentType', text('content-type')),
            ...optional('retryAfter', text('retry-after')),
            ...optional('servedBy', text('x-duanyun-target')),
          };
        },
        onResponseData: (_, bytes) => this.#take(bytes),
        onResponseEnd: () => this.#finish(this.#ending ?? 'complete'),
        onResponseError: (_, error) => this.#finish(this.#ending ?? 'failed', error.message || error.name),
      },
    );
  }

  #take(bytes: Buffer): void {
    this.#atMs.push(monotonicMs() - this.#sentMs);
    if (this.#sending.probe === true && schedule !== undefined) this.#waitedMs.push(schedule().waitedMs);
    pieces += 1;
    this.#parts.push(bytes);
    this.#sizeBytes += bytes.length;
    for (let at = bytes.indexOf(eventMark); at >= 0; at = bytes.indexOf(eventMark, at + 5)) this.#events += 1;
    if (this.#sizeBytes > maxBytes) this.cut('too-large');
    else if (this.#events > this.#sending.maxEvents) this.cut('too-many');
    else if (bytes.subarray(-32).includes(doneMark)) setTimeout(() => this.cut('complete'), afterDoneMs).unref();
  }

  /** The first word on how it ended stands. */
  cut(ending: Ending): void {
    if (this.#ending !== undefined || !running.has(this.#id)) return;
    this.#ending = ending;
    this.#controller?.abort(new Error(ending));
  }

  #finish(ended: Ending, message?: string): void {
    if (!running.delete(this.#id)) return;
    clearTimeout(this.#timer);
    const bytes = new Uint8Array(this.#sizeBytes);
    let offset = 0;
    for (const part of this.#parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    const answer: FromReceiver = {
      type: 'exchange',
      id: this.#id,
      sentMs: this.#sentMs,
      ...this.#head,
      bytes,
      sizes: Uint32Array.from(this.#parts, ({ length }) => length),
      atMs: Float64Array.from(this.#atMs),
      waitedMs: Float64Array.from(this.#waitedMs),
      connected: this.#controller !== undefined,
      endMs: monotonicMs() - this.#sentMs,
      ended,
      ...(message === undefined ? {} : { message }),
    };
    port.postMessage(answer, [bytes.buffer]);
  }
}

port.on('message', (message: ToReceiver) => {
  switch (message.type) {
    case 'send': {
      const answer = new Answer(message.id, message);
      running.set(message.id, answer);
      answer.start();
      break;
    }
    case 'abort':
      running.get(message.id)?.cut('aborted');
      break;
    case 'describe': {
      const state: ReceiverState = { standing, pieces, ...schedule?.() };
      port.postMessage({ type: 'description', id: message.id, ...state } satisfies FromReceiver);
      break;
    }
  }
});
