import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { chunksOf, newServer } from '../../test/support/app-client.ts';
import { answer, event, finish, ScriptedBackend, start, usage } from '../../test/support/scripted-backend.ts';
import type { RunningServer } from './start.ts';

const running: RunningServer[] = [];
const sockets: Socket[] = [];
const serve = async (...parameters: Parameters<typeof newServer>): Promise<RunningServer> => {
  const server = await newServer(...parameters);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

const chatBody = (fields: object = {}) =>
  JSON.stringify({ model: 'scripted-1', messages: [{ role: 'user', content: 'hi' }], ...fields });
const post = (server: RunningServer, body: string | Uint8Array<ArrayBuffer>, init: RequestInit = {}) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    ...init,
  });
const head = (length: number | string, more = '') =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;
const dial = async (server: RunningServer): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};
/** All that the server sends until it closes. */
const received = async (socket: Socket): Promise<string> => {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
};
/** Speaks for a long time, as fast as it is read. */
const endless = () =>
  new ScriptedBackend({
    script: function* () {
      yield start();
      for (let index = 0; index < 1_000_000; index += 1) yield event({ type: 'text-delta', text: 'x'.repeat(1000) });
      yield usage(1);
      yield finish('stop');
    },
  });

describe('a running server', () => {
  it('streams over a connection', async () => {
    const server = await serve();
    const text = await (await post(server, chatBody({ stream: true }))).text();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(chunksOf(text).length).toBeGreaterThan(3);
  });

  it('sends each token when it comes, not at the end', async () => {
    const backend = new ScriptedBackend({
      script: () => [start(), event({ type: 'text-delta', text: 'first' }), { step: 'hang' }],
    });
    const response = await post(await serve(backend), chatBody({ stream: true }));
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('first')) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
    await expect.poll(() => backend.active).toBe(0);
  });

  it('frees the backend within a second when the client goes away, streaming or waiting', async () => {
    const backend = new ScriptedBackend({ script: () => [start(), { step: 'hang' }] });
    const server = await serve(backend);
    for (const stream of [true, false]) {
      const controller = new AbortController();
      const response = post(server, chatBody({ stream }), { signal: controller.signal });
      await expect.poll(() => backend.active).toBe(1);
      controller.abort();
      await expect(response).rejects.toThrow();
      await expect.poll(() => backend.active, { timeout: 1000 }).toBe(0);
    }
    expect(backend.aborted.size).toBe(2);
  });

  it('holds little for a client that never reads, and ends it', async () => {
    const backend = endless();
    const server = await serve(backend, { options: { writeStallMs: 300 } });
    const socket = await dial(server);
    socket.pause();
    const body = chatBody({ stream: true });
    const before = process.memoryUsage().rss;
    socket.write(head(body.length) + body);
    await expect.poll(() => backend.aborted.size, { timeout: 10_000 }).toBe(1);
    expect(backend.active).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('goes on for a client that reads slowly', async () => {
    const text = 'word '.repeat(3000);
    const server = await serve(new ScriptedBackend({ script: () => answer(text) }), { options: { writeStallMs: 500 } });
    const response = await post(server, chatBody({ stream: true }));
    const reader = response.body!.getReader();
    let seen = '';
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      seen += Buffer.from(step.value as Uint8Array).toString();
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
    expect(seen.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('refuses a body of 50 MB at once and stays responsive', async () => {
    const server = await serve();
    const body = new Uint8Array(50 * 1024 * 1024).fill(0x61);
    const [large, health] = await Promise.all([post(server, body), fetch(`${server.url}/health`)]);
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ error: { code: 'body_too_large' } });
    expect(health.status).toBe(200);
  });

  it('refuses a body that does not end, whatever its announced length', async () => {
    const server = await serve(new ScriptedBackend(), { options: { maxBodyBytes: 100_000 } });
    const socket = await dial(server);
    socket.write(head('0').replace('Content-Length: 0', 'Transfer-Encoding: chunked'));
    const answerText = received(socket);
    const chunk = `${(8192).toString(16)}\r\n${'a'.repeat(8192)}\r\n`;
    for (let index = 0; index < 40 && !socket.destroyed; index += 1) socket.write(chunk);
    expect(await answerText).toContain('413');
  });

  it('gives up on a body that trickles', async () => {
    const server = await serve(new ScriptedBackend(), { options: { bodyTimeoutMs: 100 } });
    const socket = await dial(server);
    socket.write(`${head(1000)}{"mod`);
    const text = await received(socket);
    expect(text).toContain('HTTP/1.1 408');
    expect(text).toContain('"request_timeout"');
  });

  it('answers bad HTTP and huge headers with an error body', async () => {
    const server = await serve();
    const garbage = await dial(server);
    garbage.write('HELLO\r\n\r\n');
    expect(await received(garbage)).toMatch(/HTTP\/1\.1 400 .*"invalid_request"/s);
    const huge = await dial(server);
    huge.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(await received(huge)).toContain('431');
  });

  it.each(['GET /../../etc/passwd', 'GET http://evil.example/', 'GET //evil', 'GET /v1\\models', 'TRACE /'])(
    'answers the odd request line %s without falling over',
    async (line) => {
      const server = await serve();
      const socket = await dial(server);
      socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(await received(socket)).toMatch(/^HTTP\/1\.1 (4\d\d|200)/);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
    },
  );

  it('keeps a connection for the next request after an error', async () => {
    const server = await serve();
    const socket = await dial(server);
    socket.write(`${head(1)}{${head(2, 'Connection: close\r\n')}{}`);
    const text = await received(socket);
    expect(text.match(/HTTP\/1\.1 400/g)).toHaveLength(2);
  });

  it('has room for so many requests and says so to the rest', async () => {
    const backend = new ScriptedBackend({ script: () => [start(), { step: 'hang' }] });
    const server = await serve(backend, { options: { maxConcurrentRequests: 2 } });
    const controller = new AbortController();
    const held = [0, 1].map(() => post(server, chatBody(), { signal: controller.signal }).catch(() => {}));
    await expect.poll(() => backend.active).toBe(2);
    const third = await post(server, chatBody());
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '1']);
    controller.abort();
    await Promise.all(held);
  });
});

describe('starting', () => {
  it('refuses a port that is taken and an open address without a key', async () => {
    const server = await serve();
    await expect(newServer(new ScriptedBackend(), { options: { port: server.port } })).rejects.toMatchObject({
      code: 'port_in_use',
    });
    await expect(newServer(new ScriptedBackend(), { options: { host: '0.0.0.0' } })).rejects.toMatchObject({
      code: 'insecure_bind',
    });
    await expect(
      newServer(new ScriptedBackend(), { options: { host: '192.0.2.1', apiKeys: ['k'] } }),
    ).rejects.toMatchObject({
      code: 'config_invalid',
    });
  });
});

describe('closing', () => {
  it('lets a running answer finish', async () => {
    const server = await serve(new ScriptedBackend({ script: () => answer('a b c d', { delayMs: 30 }) }));
    const response = await post(server, chatBody({ stream: true }));
    const closing = server.close(5000);
    expect((await response.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    await closing;
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('ends what outlasts the grace with shutting_down', async () => {
    const backend = new ScriptedBackend({
      script: () => [start(), event({ type: 'text-delta', text: 'x' }), { step: 'hang' }],
    });
    const server = await serve(backend);
    const response = await post(server, chatBody({ stream: true }));
    const whole = post(server, chatBody());
    await expect.poll(() => backend.active).toBe(2);
    await server.close(20);
    const text = await response.text();
    expect(chunksOf(text).at(-1)).toMatchObject({ error: { code: 'shutting_down' } });
    expect(text).not.toContain('[DONE]');
    expect((await whole).status).toBe(503);
    expect(backend.active).toBe(0);
  });

  it('refuses new work on open connections while it drains', async () => {
    const backend = new ScriptedBackend({ script: () => [start(), { step: 'hang' }] });
    const server = await serve(backend);
    const socket = await dial(server);
    const controller = new AbortController();
    const held = post(server, chatBody(), { signal: controller.signal }).catch(() => {});
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n');
    await expect.poll(() => backend.active).toBe(1);
    const closing = server.close(10_000);
    socket.write(`hello${head(chatBody().length)}${chatBody()}`);
    const text = await received(socket);
    expect(text).toContain('"shutting_down"');
    controller.abort();
    await held;
    await closing;
  });
});
