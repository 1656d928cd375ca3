/** What a client can do to a connection, byte by byte. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestGateway } from '../../test/support/gateway.ts';

let gateway: TestGateway;
let key: string;
const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] });

beforeAll(async () => {
  gateway = await TestGateway.start({
    server: { headersTimeoutMs: 300, bodyTimeoutMs: 300, idleConnectionMs: 400, maxHeaderBytes: 8192 },
  });
  ({ key } = await gateway.newKey());
});
afterAll(() => gateway.close());

function open(): Socket {
  const socket = connect(gateway.server.port, '127.0.0.1');
  socket.on('error', () => {});
  return socket;
}

/** Sends bytes as they are and reads until the server closes. */
function exchange(text: string, limitMs = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open();
    let answer = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`still open after: ${answer}`));
    }, limitMs);
    socket.on('data', (bytes) => (answer += bytes.toString()));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.on('connect', () => socket.write(text));
  });
}

const head = (...lines: string[]): string =>
  [`POST /v1/chat/completions HTTP/1.1`, 'Host: 127.0.0.1', `Authorization: Bearer ${key}`, ...lines, '', ''].join(
    '\r\n',
  );
const json = 'Content-Type: application/json';
/** What a smuggler hides behind the first request. */
const hidden = (): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n${json}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('shapes that two servers could read in two ways', () => {
  it.each<[string, () => string]>([
    [
      'length and chunks together',
      () => head(json, 'Content-Length: 6', 'Transfer-Encoding: chunked') + `0\r\n\r\n${hidden()}`,
    ],
    [
      'chunks and length together',
      () => head(json, 'Transfer-Encoding: chunked', `Content-Length: ${body.length}`) + hidden(),
    ],
    ['two lengths', () => head(json, 'Content-Length: 5', `Content-Length: ${body.length}`) + body + hidden()],
    ['a list of lengths', () => head(json, `Content-Length: ${body.length}, 5`) + body + hidden()],
    ['a signed length', () => head(json, `Content-Length: +${body.length}`) + body],
    ['a negative length', () => head(json, 'Content-Length: -1') + body],
    ['a length in hexadecimal', () => head(json, 'Content-Length: 0x10') + body],
    ['an unknown coding', () => head(json, 'Transfer-Encoding: xchunked') + `0\r\n\r\n${hidden()}`],
    ['chunked twice over', () => head(json, 'Transfer-Encoding: identity, chunked, identity') + `0\r\n\r\n${hidden()}`],
    ['a chunk size that is no number', () => head(json, 'Transfer-Encoding: chunked') + `zz\r\n${body}\r\n0\r\n\r\n`],
    [
      'a chunk size beyond all numbers',
      () => head(json, 'Transfer-Encoding: chunked') + `ffffffffffffffffff\r\n${body}`,
    ],
    ['a chunk longer than it says', () => head(json, 'Transfer-Encoding: chunked') + `3\r\n${body}\r\n0\r\n\r\n`],
    [
      'a folded header',
      () => head(json, 'X-Long: one\r\n two', 'Transfer-Encoding:\r\n chunked') + `0\r\n\r\n${hidden()}`,
    ],
    ['a blank before the colon', () => head(json, 'Transfer-Encoding : chunked') + `0\r\n\r\n${hidden()}`],
    ['a carriage return alone', () => head(json, 'X-A: b\rContent-Length: 3') + body],
    ['a zero byte in a header', () => head(json, 'X-A: b\0c', `Content-Length: ${body.length}`) + body],
    ['another protocol', () => head(json).replace('HTTP/1.1', 'HTTP/9.9')],
    ['no HTTP at all', () => '\u0016\u0003\u0001\u0002\0\u0001\0\u0001\r\n\r\n'],
  ])('%s: one refusal, the connection is closed, nothing goes on', async (_, text) => {
    const before = gateway.upstream.bodies.length;
    const answer = await exchange(text());
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(gateway.upstream.bodies).toHaveLength(before);
  });

  it('answers two whole requests on one connection, in order', async () => {
    const before = gateway.upstream.bodies.length;
    const answer = await exchange(hidden() + hidden().replace(json, `${json}\r\nConnection: close`));
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(gateway.upstream.bodies).toHaveLength(before + 2);
  });
});

describe('slow and large clients', () => {
  it('closes a connection whose headers come a byte at a time', async () => {
    const socket = open();
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
    });
    const text = head(json);
    let index = 0;
    // It never reads either: being told is not enough.
    const timer = setInterval(() => socket.write(text[index++ % text.length] ?? ''), 50);
    await closed;
    clearInterval(timer);
    expect(index).toBeLessThan(text.length);
  });

  it('ends a body that comes a byte at a time with 408', async () => {
    const socket = open();
    let answer = '';
    socket.on('data', (bytes) => (answer += bytes.toString()));
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
    });
    socket.write(head(json, `Content-Length: ${body.length}`));
    const timer = setInterval(() => socket.write('{'), 100);
    await closed;
    clearInterval(timer);
    expect(answer).toContain('HTTP/1.1 408 ');
    expect(answer).toContain('request_timeout');
  });

  it('closes connections that say nothing', async () => {
    expect(await exchange('')).not.toContain('200');
  });

  it.each([
    ['one enormous header', () => head(json, `X-Bomb: ${'x'.repeat(100_000)}`)],
    [
      'a thousand headers',
      () => head(json, ...Array.from({ length: 1000 }, (_, index) => `X-${index}: ${'y'.repeat(20)}`)),
    ],
    ['an enormous path', () => head(json).replace('/v1/chat', `/${'a'.repeat(100_000)}`)],
    ['an enormous key', () => head(json).replace(key, 'k'.repeat(100_000))],
  ])('refuses %s with 431', async (_, text) => {
    const answer = await exchange(text());
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('still answers others afterwards', async () => {
    expect((await gateway.ask(key)).status).toBe(200);
    expect(gateway.admission.running).toBe(0);
  });
});
