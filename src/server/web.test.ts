import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newApp, newServer } from '../../test/support/app-client.ts';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import { readWebPage, type WebPage } from './web-page.ts';

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const script = `console.log(${JSON.stringify('x'.repeat(600))})`;

describe('the page', () => {
  let folder: string;
  let page: WebPage;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-web-'));
    mkdirSync(path.join(folder, 'assets'));
    mkdirSync(path.join(folder, '.vite'));
    writeFileSync(path.join(folder, 'index.html'), '<!doctype html><title>page</title>');
    writeFileSync(path.join(folder, 'icon.svg'), '<svg/>');
    writeFileSync(path.join(folder, 'assets', 'index-1.js'), script);
    writeFileSync(path.join(folder, 'assets', 'index-1.js.gz'), gzipSync(script));
    writeFileSync(path.join(folder, '.vite', 'manifest.json'), '{}');
    writeFileSync(path.join(folder, 'notes.secret'), 'no');
    page = readWebPage(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const get = (where: string, headers = {}, init = {}, web: WebPage = page, options = {}) =>
    newApp(new ScriptedBackend(), { web, options }).request(`http://localhost${where}`, { headers, ...init });

  it('is what a browser gets at /, and programs get JSON as before', async () => {
    const forBrowser = await get('/', browser);
    expect(forBrowser.status).toBe(200);
    expect(forBrowser.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(forBrowser.headers.get('vary')).toContain('accept');
    expect(await forBrowser.text()).toContain('<title>page</title>');
    const forProgram = await get('/', { accept: '*/*' });
    expect(await forProgram.json()).toMatchObject({ name: 'duanyun' });
    expect(forProgram.headers.get('vary')).toContain('accept');
  });

  it('runs nothing but its own files, isolated from other pages', async () => {
    for (const where of ['/', '/assets/index-1.js']) {
      const { headers } = await get(where, browser);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("connect-src 'self';");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('permissions-policy')).toContain('camera=(self), microphone=(self)');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('keeps hashed files for a year and asks again for the others', async () => {
    expect((await get('/assets/index-1.js')).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await get('/icon.svg')).headers.get('cache-control')).toBe('no-cache');
    expect((await get('/', browser)).headers.get('cache-control')).toBe('no-cache');
  });

  it('sends what was compressed before to who takes it, each form under its own tag', async () => {
    const zipped = await get('/assets/index-1.js', { 'accept-encoding': 'gzip, deflate, br' });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(Number(zipped.headers.get('content-length'))).toBe(gzipSync(script).length);
    const plain = await get('/assets/index-1.js', { 'accept-encoding': 'gzip;q=0' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toBe(script);
    expect(plain.headers.get('etag')).not.toBe(zipped.headers.get('etag'));
  });

  it('answers a known tag with 304 and no body', async () => {
    const etag = (await get('/icon.svg')).headers.get('etag') ?? '';
    const again = await get('/icon.svg', { 'if-none-match': `"other", W/${etag}` });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await get('/icon.svg', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answers HEAD like GET, without the body', async () => {
    const response = await get('/assets/index-1.js', {}, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(script.length));
    expect(await response.text()).toBe('');
  });

  it.each([
    '/notes.secret',
    '/.vite/manifest.json',
    '/assets/index-1.js.gz',
    '/assets/../notes.secret',
    '/assets/%2e%2e/notes.secret',
    '/assets/..%2fnotes.secret',
    '/assets/..\\notes.secret',
    '//etc/passwd',
    '/assets/',
    '/assets/index-1.js/',
    '/index.html',
  ])('serves no other file: %s', async (where) => {
    const response = await get(where, browser);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'route_not_found' } });
  });

  it('serves no other file to a client that writes the path as it likes', async () => {
    const server = await newServer(new ScriptedBackend(), { web: page });
    const { request } = await import('node:http');
    const status = await new Promise((resolve) => {
      request({ port: server.port, path: '/assets/../../../../etc/passwd' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    await server.close(0);
    expect(status).toBe(404);
  });

  it('needs no key, and opens nothing else', async () => {
    const locked = { apiKeys: ['secret-key'], requireKey: 'always' };
    expect((await get('/', browser, {}, page, locked)).status).toBe(200);
    expect((await get('/assets/index-1.js', {}, {}, page, locked)).status).toBe(200);
    expect((await get('/', { accept: '*/*' }, {}, page, locked)).status).toBe(401);
    expect((await get('/v1/models', browser, {}, page, locked)).status).toBe(401);
    expect((await get('/', browser, { method: 'POST' }, page, locked)).status).toBe(401);
  });

  it('is not for a foreign name of this machine: the guard against DNS rebinding stands before it', async () => {
    expect((await get('/', { ...browser, host: 'evil.example' })).status).toBe(403);
  });

  it('says in one line that it is not built, or is not there at all', async () => {
    const response = await get('/', browser, {}, readWebPage(path.join(folder, 'nowhere')));
    expect(response.status).toBe(503);
    expect(await response.text()).toMatch(/^The page of this server is not built: .*\n$/);
    const off = await newApp().request('http://localhost/', { headers: browser });
    expect(await off.json()).toMatchObject({ name: 'duanyun' });
  });
});
