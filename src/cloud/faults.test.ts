import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FakeCloud,
  type Play,
  refuseWith,
  say,
  sayHello,
  sendDelta,
  sendEnd,
  startStream,
} from '../../test/support/fake-cloud.ts';
import { systemClock } from '../core/clock.ts';
import type { StreamEvent } from '../core/events.ts';
import { CloudBackend, type CloudOptions } from './cloud-backend.ts';
import { EgressGate } from './egress-gate.ts';
import { newRequest } from './testing/requests.ts';

const gate = new EgressGate({ clock: systemClock });
const opened: CloudBackend[] = [];
let cloud: FakeCloud;

beforeEach(async () => {
  cloud = await new FakeCloud().start();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.dispose()));
  await cloud.stop();
});

function newBackend(options: Partial<CloudOptions> = {}, urls: string[] = [cloud.url]): CloudBackend {
  const backend = new CloudBackend({
    gate,
    upstreams: urls.map((url) => ({ url, models: [{ id: 'cloud-1', contextTokens: 4096 }] })),
    ...options,
    limits: { attempts: 1, firstTokenMs: 150, silenceMs: 150, connectMs: 300, retryDelayMs: 1, ...options.limits },
  });
  opened.push(backend);
  return backend;
}

async function ask(backend: CloudBackend, signal = new AbortController().signal): Promise<StreamEvent[]> {
  const request = newRequest('Hi');
  await gate.judge(request, () => ({ private: false, reasons: [] }));
  const events: StreamEvent[] = [];
  for await (const event of backend.stream(request, { signal })) events.push(event);
  return events;
}

const textOf = (events: StreamEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

describe('before the first token an upstream fault is an error that others can still cure', () => {
  it.each<[string, Play, object]>([
    [
      'hangs before the first token',
      () => {},
      { code: 'cloud_unavailable', message: expect.stringContaining('first token') },
    ],
    [
      'sends headers and comments only',
      async (_, response) => {
        startStream(response);
        for (let times = 0; times < 100 && !response.destroyed; times++) {
          response.write(': keep-alive\n\n');
          await sleep(20);
        }
      },
      { code: 'cloud_unavailable', message: expect.stringContaining('first token') },
    ],
    ['breaks the connection', (_, response) => void response.destroy(), { code: 'cloud_unavailable' }],
    ['fails with 500', refuseWith(500), { code: 'cloud_unavailable', message: expect.stringContaining('status 500') }],
    ['fails with 503', refuseWith(503), { code: 'cloud_unavailable' }],
    ['is busy', refuseWith(429, { 'retry-after': '7' }), { code: 'cloud_unavailable', retryAfterSeconds: 7 }],
    [
      'does not know the model',
      refuseWith(404),
      { code: 'cloud_unavailable', message: expect.stringContaining('does not serve') },
    ],
    ['refuses the key', refuseWith(401), { code: 'cloud_unavailable', message: expect.stringContaining('API key') }],
    [
      'refuses the request',
      refuseWith(400, {}, '{"error":{"message":"my secret"}}'),
      { code: 'cloud_refused', message: expect.not.stringContaining('secret') },
    ],
    [
      'finds the prompt too long',
      refuseWith(
        400,
        {},
        '{"message":"This model\'s maximum context length is 4096 tokens. However, you requested 5000 tokens"}',
      ),
      {
        code: 'context_length_exceeded',
        message: expect.stringContaining('5000 tokens and the context of cloud-1 holds 4096'),
      },
    ],
    [
      'redirects',
      refuseWith(307, { location: 'http://example.com/' }),
      { code: 'cloud_unavailable', message: expect.stringContaining('redirect') },
    ],
    [
      'answers with a page',
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the hotel</html>'),
      { code: 'cloud_unavailable', message: expect.stringContaining('no answer') },
    ],
    [
      'sends garbage',
      (_, response) => {
        startStream(response);
        response.end('data: {"choices": [{"del\n\n');
      },
      { code: 'cloud_unavailable', message: expect.stringContaining('no JSON') },
    ],
    [
      'ends without a word',
      (_, response) => {
        startStream(response);
        response.end('data: [DONE]\n\n');
      },
      { code: 'cloud_unavailable', message: expect.stringContaining('broke off') },
    ],
    [
      'reports an error in its stream',
      (_, response) => {
        startStream(response);
        response.end('data: {"error":{"message":"my secret","code":500}}\n\ndata: [DONE]\n\n');
      },
      { code: 'cloud_unavailable', message: expect.not.stringContaining('secret') },
    ],
  ])('%s', async (_, play, expected) => {
    cloud.play = play;
    await expect(ask(newBackend())).rejects.toMatchObject(expected);
  });

  it('refuses the connection', async () => {
    await cloud.stop();
    await expect(ask(newBackend())).rejects.toMatchObject({
      message: expect.stringContaining('refuses the connection'),
    });
    await cloud.start();
  });

  it('has no address', async () => {
    const backend = newBackend({}, ['http://no-such-host.invalid/v1']);
    await expect(ask(backend)).rejects.toMatchObject({ message: expect.stringMatching(/no address|looked up/) });
  });

  it('takes the connection and says nothing', async () => {
    const silent: Server = createServer((socket) => void socket.on('error', () => {}));
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const backend = newBackend({}, [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`]);
    await expect(ask(backend)).rejects.toMatchObject({ code: 'cloud_unavailable' });
    await backend.dispose();
    silent.close();
  });

  const pem = (name: string): string =>
    readFileSync(new URL(`../../test/fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
  it.each([
    ['self-signed', false, 'self-signed'],
    ['expired', true, 'expired'],
  ])('shows a %s certificate', async (name, trusted, message) => {
    const secure = await new FakeCloud({ key: pem('key'), cert: pem(name) }).start();
    const upstream = {
      url: secure.url,
      models: [{ id: 'cloud-1' }],
      ...(trusted ? { certificatePem: pem(name) } : {}),
    };
    await expect(ask(newBackend({ upstreams: [upstream] }))).rejects.toMatchObject({
      code: 'cloud_unavailable',
      message: expect.stringContaining(message),
    });
    expect(secure.bodies).toEqual([]);
    await secure.stop();
  });

  it('works over TLS with a certificate that the user trusts', async () => {
    const secure = await new FakeCloud({ key: pem('key'), cert: pem('self-signed') }).start();
    const upstream = { url: secure.url, models: [{ id: 'cloud-1' }], certificatePem: pem('self-signed') };
    expect(textOf(await ask(newBackend({ upstreams: [upstream] })))).toBe('Hello from the cloud.');
    await secure.stop();
  });
});

describe('after the first token a fault ends the stream with an error and never with a finish', () => {
  const begin: Play = (_, response) => {
    startStream(response);
    sendDelta(response, { content: 'The first half' });
  };
  it.each<[string, Play]>([
    [
      'the connection breaks',
      async (request, response) => {
        await begin(request, response);
        await sleep(10);
        response.destroy();
      },
    ],
    [
      'the stream ends without a finish reason',
      async (request, response) => {
        await begin(request, response);
        response.end();
      },
    ],
    [
      '[DONE] comes without a finish reason',
      async (request, response) => {
        await begin(request, response);
        response.end('data: [DONE]\n\n');
      },
    ],
    [
      'an event is cut',
      async (request, response) => {
        await begin(request, response);
        response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}');
      },
    ],
    [
      'garbage follows',
      async (request, response) => {
        await begin(request, response);
        response.end('data: <html>\n\n');
      },
    ],
    [
      'only comments follow',
      async (request, response) => {
        await begin(request, response);
        for (let times = 0; times < 100 && !response.destroyed; times++) {
          response.write(': keep-alive\n\n');
          await sleep(20);
        }
      },
    ],
  ])('%s', async (_, play) => {
    cloud.play = play;
    const events = await ask(newBackend({ limits: { attempts: 3 } }));
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'stream_broken', retryable: true });
    expect(events.filter(({ type }) => type === 'finish')).toEqual([]);
    expect(textOf(events)).toBe('The first half');
    expect(cloud.bodies).toHaveLength(1);
  });

  it('but a missing [DONE] behind a finish reason is a whole answer', async () => {
    cloud.play = async (request, response) => {
      await begin(request, response);
      sendDelta(response, {}, 'stop');
      response.end();
    };
    expect((await ask(newBackend())).at(-1)).toMatchObject({ type: 'finish' });
  });
});

describe('tries again', () => {
  const failFirst = (times: number, fault: Play): Play => {
    let count = 0;
    return (request, response) => (count++ < times ? fault(request, response) : sayHello(request, response));
  };

  it('only before the first token, and gives the client one whole answer', async () => {
    cloud.play = failFirst(2, refuseWith(500));
    const events = await ask(newBackend({ limits: { attempts: 3 } }));
    expect(textOf(events)).toBe('Hello from the cloud.');
    expect(events.filter(({ type }) => type === 'response-start')).toHaveLength(1);
    expect(cloud.bodies).toHaveLength(3);
  });

  it('after the pause that Retry-After asks for, where that is short', async () => {
    cloud.play = failFirst(1, refuseWith(429, { 'retry-after': '0.05' }));
    const startedMs = performance.now();
    await ask(newBackend({ limits: { attempts: 3 } }));
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(45);
    expect(cloud.bodies).toHaveLength(2);
  });

  it('not what the upstream will refuse again', async () => {
    cloud.play = refuseWith(400);
    await expect(ask(newBackend({ limits: { attempts: 3 } }))).rejects.toMatchObject({ code: 'cloud_refused' });
    expect(cloud.bodies).toHaveLength(1);
  });

  it('at another upstream first', async () => {
    const other = await new FakeCloud().start();
    other.play = say('From the other one.');
    cloud.play = refuseWith(500);
    const backend = newBackend({ limits: { attempts: 2 } }, [cloud.url, other.url]);
    expect(textOf(await ask(backend))).toBe('From the other one.');
    expect([cloud.bodies.length, other.bodies.length]).toEqual([1, 1]);
    await other.stop();
  });
});

describe('the pool', () => {
  it('sends the next request to the upstream with the least to do', async () => {
    const other = await new FakeCloud().start();
    let release = (): void => {};
    cloud.play = async (_, response) => {
      startStream(response);
      sendDelta(response, { content: 'slow' });
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      sendEnd(response, 1);
    };
    const backend = newBackend({ limits: { silenceMs: 5000 } }, [cloud.url, other.url]);
    const first = ask(backend);
    while (cloud.bodies.length === 0) await sleep(5);
    await ask(backend);
    await ask(backend);
    expect([cloud.bodies.length, other.bodies.length]).toEqual([1, 2]);
    release();
    await first;
    await other.stop();
  });

  it('uses its connections again', async () => {
    const backend = newBackend();
    for (let times = 0; times < 5; times++) {
      await ask(backend);
      await sleep(5);
    }
    expect(cloud.connections).toBe(1);
  });

  it('does not hedge unless told to, and then takes the faster answer', async () => {
    const other = await new FakeCloud().start();
    other.play = say('Fast.');
    cloud.play = async (request, response) => {
      await sleep(120);
      if (!response.destroyed) await say('Slow.')(request, response);
    };
    const plain = newBackend({}, [cloud.url, other.url]);
    expect(textOf(await ask(plain))).toBe('Slow.');
    expect(other.bodies).toHaveLength(0);
    const hedging = newBackend({ limits: { hedgeAfterMs: 20 } }, [cloud.url, other.url]);
    expect(textOf(await ask(hedging))).toBe('Fast.');
    await other.stop();
  });

  it('learns the models and their contexts from the upstream', async () => {
    cloud.models = ['a', 'b'];
    const backend = newBackend({ upstreams: [{ url: cloud.url }] });
    expect(backend.health().status).toBe('loading');
    await backend.start();
    expect(backend.capabilities().map(({ id, contextTokens }) => [id, contextTokens])).toEqual([
      ['a', 4096],
      ['b', 4096],
    ]);
    expect(backend.health()).toEqual({ status: 'ready' });
  });

  it('notices within a second that the upstream went away, and that it is back', async () => {
    const backend = newBackend({ limits: { probeMs: 50, downProbeMs: 50 } });
    await backend.start();
    const until = async (wanted: boolean): Promise<number> => {
      const startedMs = performance.now();
      while (backend.snapshot().reachable !== wanted && performance.now() - startedMs < 3000) await sleep(5);
      return performance.now() - startedMs;
    };
    await cloud.stop();
    expect(await until(false)).toBeLessThan(1000);
    expect(backend.health().status).toBe('unavailable');
    await cloud.start();
    expect(await until(true)).toBeLessThan(1000);
    expect(textOf(await ask(backend))).toBe('Hello from the cloud.');
  });

  it('keeps requests away from an upstream that cannot be reached', async () => {
    const backend = newBackend();
    await cloud.stop();
    await expect(ask(backend)).rejects.toMatchObject({ code: 'cloud_unavailable' });
    expect(backend.snapshot()).toMatchObject({ reachable: false, models: [{ breaker: 'open' }] });
    await cloud.start();
  });

  it('frees the upstream when the client leaves, and does not blame it', async () => {
    let onClosed = (): void => {};
    const closed = new Promise<void>((resolve) => {
      onClosed = resolve;
    });
    cloud.play = (_, response) => {
      response.on('close', onClosed);
      startStream(response);
      sendDelta(response, { content: 'x' });
    };
    const backend = newBackend({ limits: { silenceMs: 5000 } });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('left')), 30);
    await expect(ask(backend, controller.signal)).rejects.toThrow('left');
    await closed;
    expect(backend.snapshot().models[0]?.breaker).toBe('closed');
  });
});
