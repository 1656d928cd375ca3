import { describe, expect, it } from 'vitest';
import { newApp, postJson } from '../../test/support/app-client.ts';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import { checkBind, isLoopback } from './bind.ts';

const chat = { model: 'scripted-1', messages: [{ role: 'user', content: 'hi' }] };
const get = async (app: ReturnType<typeof newApp>, path: string, headers: Record<string, string>) =>
  app.request(`http://127.0.0.1:8131${path}`, { headers });
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('keys', () => {
  const app = newApp(new ScriptedBackend(), { options: { apiKeys: ['right-key', 'other-key'] } });

  it('are asked for everywhere but at /health', async () => {
    for (const path of ['/', '/v1/models', '/metrics', '/openapi.json', '/nowhere']) {
      const response = await get(app, path, {});
      expect(response.status, path).toBe(401);
      expect(await codeOf(response)).toBe('unauthorized');
    }
    expect((await get(app, '/health', {})).status).toBe(200);
    expect((await postJson(app, '/v1/chat/completions', chat)).status).toBe(401);
  });

  it('open the door when they are right, whichever it is', async () => {
    for (const key of ['right-key', 'other-key']) {
      expect((await get(app, '/v1/models', { authorization: `Bearer ${key}` })).status).toBe(200);
    }
    for (const header of ['Bearer wrong', 'Bearer right-key2', 'Bearer ', 'Basic right-key', 'right-key']) {
      expect((await get(app, '/v1/models', { authorization: header })).status, header).toBe(401);
    }
  });

  it('may be anything where none is configured', async () => {
    const open = newApp();
    expect((await get(open, '/v1/models', { authorization: 'Bearer EMPTY' })).status).toBe(200);
    expect((await get(open, '/v1/models', {})).status).toBe(200);
  });
});

describe('the Host header', () => {
  it.each([
    ['127.0.0.1:8131', 200],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['app.localhost:8131', 200],
    ['[::1]:8131', 200],
    ['evil.example', 403],
    ['evil.example:8131', 403],
    ['127.0.0.1.evil.example', 403],
    ['192.168.1.5', 403],
    ['localhost.', 200],
  ])('%s gives %i on a loopback address', async (host, status) => {
    const response = await get(newApp(), '/v1/models', { host });
    expect(response.status).toBe(status);
    if (status === 403) expect(await codeOf(response)).toBe('forbidden_host');
  });

  it('may be any address, the bound name or a configured one elsewhere', async () => {
    const options = { host: '0.0.0.0', apiKeys: ['k'], allowedHosts: ['box.lan:8131'] };
    const app = newApp(new ScriptedBackend(), { options });
    const status = async (host: string) => (await get(app, '/v1/models', { host, authorization: 'Bearer k' })).status;
    expect(await status('192.168.1.5:8131')).toBe(200);
    expect(await status('box.lan')).toBe(200);
    expect(await status('evil.example')).toBe(403);
  });
});

describe('the Origin header', () => {
  it.each([
    ['http://localhost:5173', 200],
    ['http://127.0.0.1:8131', 200],
    ['https://evil.example', 403],
    ['null', 403],
    ['file://', 403],
    ['http://localhost.evil.example', 403],
    ['https://app.example', 200],
  ])('%s gives %i, on GET and on POST', async (origin, status) => {
    const app = newApp(new ScriptedBackend(), { options: { allowedOrigins: ['https://app.example'] } });
    const read = await get(app, '/v1/models', { origin });
    expect(read.status).toBe(status);
    expect(read.headers.get('access-control-allow-origin')).toBe(status === 200 ? origin : null);
    const posted = await postJson(app, '/v1/chat/completions', chat, { origin });
    expect(posted.status).toBe(status);
    if (status === 403) expect(await codeOf(posted)).toBe('forbidden_origin');
  });

  it('opens a preflight for allowed origins only, and without a key', async () => {
    const app = newApp(new ScriptedBackend(), { options: { apiKeys: ['k'] } });
    const ask = (origin: string) =>
      app.request('http://localhost/v1/chat/completions', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
    const good = await ask('http://localhost:5173');
    expect(good.status).toBe(204);
    expect(good.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect((await ask('https://evil.example')).status).toBe(403);
  });
});

describe('the address to listen on', () => {
  it('must be loopback or need a key', () => {
    expect(() => checkBind('0.0.0.0', [])).toThrow(/API key/);
    expect(() => checkBind('::', [])).toThrow(/API key/);
    expect(() => checkBind('0.0.0.0', ['k'])).not.toThrow();
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost']) {
      expect(() => checkBind(host, [])).not.toThrow();
    }
    expect(isLoopback('127.evil.example')).toBe(false);
    expect(isLoopback('notlocalhost')).toBe(false);
  });
});
