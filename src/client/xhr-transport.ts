/** XMLHttpRequest, whose text grows while it comes. For React Native, whose own `fetch` hands a body over at its end only. */
import type { Transport, TransportAnswer, TransportRequest } from './transport.ts';

/** What is used of it: neither Node's types nor those of every project have it. */
type Xhr = {
  readonly status: number;
  readonly responseText: string;
  readonly readyState: number;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  addEventListener(name: string, listener: () => void): void;
  send(body?: string | FormData): void;
  abort(): void;
};
declare const XMLHttpRequest: new () => Xhr;

const headersReceived = 2;

export function hasXhr(): boolean {
  return typeof XMLHttpRequest !== 'undefined';
}

export function xhrTransport(): Transport {
  return { streams: true, send: (request) => new XhrExchange(new XMLHttpRequest(), request).answered };
}

class XhrExchange {
  readonly answered: Promise<TransportAnswer>;
  readonly #xhr: Xhr;
  readonly #request: TransportRequest;
  readonly #onAbort = (): void => this.#xhr.abort();
  #isOver = false;
  #failure: Error | undefined;
  #wake = (): void => {};

  constructor(xhr: Xhr, request: TransportRequest) {
    this.#xhr = xhr;
    this.#request = request;
    this.answered = new Promise((resolve, reject) => {
      const answer = (): void => {
        // Status 0: it failed, and the event that says so follows.
        if (xhr.readyState < headersReceived || xhr.status === 0) return;
        resolve({
          status: xhr.status,
          header: (name) => xhr.getResponseHeader(name) ?? undefined,
          pieces: () => this.#pieces(),
        });
      };
      const fail = (what: string) => (): void => {
        this.#failure = new TypeError(what);
        this.#end();
        reject(this.#failure);
      };
      xhr.open(request.method, request.url);
      for (const [name, value] of Object.entries(request.headers)) xhr.setRequestHeader(name, value);
      xhr.addEventListener('readystatechange', answer);
      // React Native hands text over piece by piece only where somebody listened for this before `send`.
      xhr.addEventListener('progress', () => this.#wake());
      xhr.addEventListener('load', () => this.#end());
      xhr.addEventListener('error', fail('The connection failed.'));
      xhr.addEventListener('timeout', fail('The connection timed out.'));
      xhr.addEventListener('abort', fail('The request was aborted.'));
      request.signal.addEventListener('abort', this.#onAbort);
      xhr.send(request.body);
      if (request.signal.aborted) this.#onAbort();
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    this.#wake();
  }

  async *#pieces(): AsyncGenerator<string> {
    let seen = 0;
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        // Looked at before the text: what comes in between is seen in the next round.
        const isOver = this.#isOver;
        const text = this.#xhr.responseText;
        if (text.length > seen) {
          const piece = text.slice(seen);
          seen = text.length;
          yield piece;
        } else if (isOver) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!this.#isOver) this.#xhr.abort();
    }
  }
}
