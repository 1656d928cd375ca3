/**
 * The way over XMLHttpRequest, on a stand-in that behaves as React Native's does where that differs from browsers: text comes in
 * pieces only where somebody listened before `send`, an error takes the place of the text, and an abort forgets everything.
 * A browser's own: `test/integration/client-examples.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DuanyunClient } from './client.ts';

class NativeXhr {
  static readonly sent: NativeXhr[] = [];
  readyState = 0;
  status = 0;
  method = '';
  url = '';
  body: unknown;
  aborted = false;
  readonly headers: Record<string, string> = {};
  readonly #listeners = new Map<string, (() => void)[]>();
  #text = '';
  #answerHeaders: Record<string, string> = {};
  #isIncremental = false;
  #hasError = false;

  get responseText(): string {
    return this.readyState < 3 ? '' : this.#text;
  }
  open(method: string, url: string): void {
    this.method = method;
    this.url = url;
    this.#become(1);
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  getResponseHeader(name: string): string | null {
    return this.#answerHeaders[name.toLowerCase()] ?? null;
  }
  addEventListener(name: string, listener: () => void): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }
  send(body?: unknown): void {
    this.#isIncremental = this.#listeners.has('progress') || this.#listeners.has('readystatechange');
    this.body = body;
    NativeXhr.sent.push(this);
  }
  abort(): void {
    const isRunning = this.readyState > 0 && this.readyState < 4;
    this.aborted = true;
    this.#forget();
    if (isRunning) this.#become(4);
    this.#forget();
  }

  // What the native side does.
  answer(status: number, headers: Record<string, string>): void {
    this.status = status;
    this.#answerHeaders = headers;
    this.#become(2);
  }
  data(text: string): void {
    this.#text += text;
    if (!this.#isIncremental) return;
    this.#become(3);
    this.#tell('progress');
  }
  complete(error?: string): void {
    if (error !== undefined) {
      this.#text = error;
      this.#hasError = true;
    }
    this.#become(4);
  }

  #forget(): void {
    this.readyState = 0;
    this.status = 0;
    this.#text = '';
    this.#answerHeaders = {};
  }
  #become(state: number): void {
    this.readyState = state;
    this.#tell('readystatechange');
    if (state === 4) this.#tell(this.aborted ? 'abort' : this.#hasError ? 'error' : 'load');
  }
  #tell(name: string): void {
    for (const listener of this.#listeners.get(name) ?? []) listener();
  }
}

/** As React Native's: a polyfill without `body`. */
function NativeResponse(): void {}

const events = { 'content-type': 'text/event-stream', 'x-duanyun-target': 'device', 'x-duanyun-receipt': 'r1' };
const chunk = (content: string, reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: reason }] })}\n\n`;
const done = 'data: [DONE]\n\n';

async function sent(index = 0): Promise<NativeXhr> {
  await vi.waitFor(() => expect(NativeXhr.sent.length).toBeGreaterThan(index));
  return NativeXhr.sent[index]!;
}

beforeEach(() => {
  NativeXhr.sent.length = 0;
  vi.stubGlobal('XMLHttpRequest', NativeXhr);
  vi.stubGlobal('Response', NativeResponse);
  vi.stubGlobal('fetch', () => Promise.reject(new Error('fetch was not to be used')));
});
afterEach(() => void vi.unstubAllGlobals());

describe('where fetch cannot stream', () => {
  it('answers come piece by piece over XMLHttpRequest', async () => {
    const client = new DuanyunClient({ baseUrl: 'http://a', apiKey: 'k' });
    const stream = client.stream('hi');
    const text = stream.text();
    const first = text.next();
    const xhr = await sent();
    expect(xhr).toMatchObject({
      method: 'POST',
      url: 'http://a/v1/chat/completions',
      headers: { authorization: 'Bearer k' },
    });
    xhr.answer(200, events);
    xhr.data(chunk('你').slice(0, 30));
    xhr.data(chunk('你').slice(30));
    expect(await first).toEqual({ done: false, value: '你' });
    const second = text.next();
    xhr.data(chunk('好') + chunk('!', 'stop') + done);
    expect(await second).toEqual({ done: false, value: '好' });
    xhr.complete();
    expect(await stream.answer()).toMatchObject({ text: '你好!', route: { target: 'device', receiptId: 'r1' } });
    expect(xhr.aborted).toBe(false);
  });

  it('a connection that fails in between is a broken stream, and the error text no part of it', async () => {
    const client = new DuanyunClient({ maxRetries: 0 });
    const stream = client.stream('hi');
    const answer = stream.answer();
    answer.catch(() => {});
    const xhr = await sent();
    xhr.answer(200, events);
    xhr.data(chunk('half'));
    await vi.waitFor(() => expect(stream.partial.text).toBe('half'));
    xhr.complete(`${chunk(' and whole', 'stop')}${done}`);
    await expect(answer).rejects.toMatchObject({ code: 'stream_broken' });
    expect(stream.partial.text).toBe('half');
  });

  it('a connection that fails at once is a server that cannot be reached', async () => {
    const answer = new DuanyunClient({ maxRetries: 0 }).models();
    answer.catch(() => {});
    (await sent()).complete('no network');
    await expect(answer).rejects.toMatchObject({ code: 'server_unreachable' });
  });

  it('errors have their codes and are tried again', async () => {
    const answer = new DuanyunClient({ maxRetries: 1 }).chat('hi');
    answer.catch(() => {});
    const refused = await sent();
    refused.answer(503, { 'content-type': 'application/json' });
    refused.data('{"error":{"message":"Not yet.","code":"engine_unavailable"}}');
    refused.complete();
    const second = await sent(1);
    second.answer(200, events);
    second.data(chunk('ok', 'stop') + done);
    second.complete();
    expect((await answer).text).toBe('ok');
  });

  it('an abort and leaving the loop end the request', async () => {
    const client = new DuanyunClient();
    const stream = client.stream('hi');
    const answer = stream.answer();
    answer.catch(() => {});
    const first = await sent();
    stream.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    expect(first.aborted).toBe(true);
    const left = (async () => {
      for await (const event of client.stream('hi')) if (event.type === 'text-delta') break;
    })();
    const second = await sent(1);
    second.answer(200, events);
    second.data(chunk('x'));
    await left;
    expect(second.aborted).toBe(true);
  });

  it('a file of the phone is handed to the form as it is', async () => {
    class NativeForm {
      readonly parts: [string, unknown][] = [];
      append(name: string, value: unknown): void {
        this.parts.push([name, value]);
      }
    }
    vi.stubGlobal('FormData', NativeForm);
    const file = { uri: 'file:///recording.m4a', name: 'recording.m4a', type: 'audio/mp4' };
    const answer = new DuanyunClient().transcribe(file, { language: 'zh' });
    const xhr = await sent();
    expect((xhr.body as NativeForm).parts).toEqual(
      expect.arrayContaining([
        ['file', file],
        ['language', 'zh'],
      ]),
    );
    expect(xhr.headers).not.toHaveProperty('content-type');
    xhr.answer(200, { 'content-type': 'application/json' });
    xhr.data('{"text":"你好"}');
    xhr.complete();
    expect((await answer).text).toBe('你好');
  });

  it('and there is no XMLHttpRequest either, they come whole over fetch', async () => {
    vi.stubGlobal('XMLHttpRequest', undefined);
    vi.stubGlobal('fetch', () =>
      Promise.resolve({
        status: 200,
        headers: { get: (name: string) => (events as Record<string, string>)[name] ?? null },
        text: () => Promise.resolve(chunk('whole', 'stop') + done),
      }),
    );
    expect((await new DuanyunClient().chat('hi')).text).toBe('whole');
  });
});
