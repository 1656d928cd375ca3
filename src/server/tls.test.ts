import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { newServer } from '../../test/support/app-client.ts';
import type { RunningServer } from './start.ts';

const fixtures = new URL('../../test/fixtures/tls/', import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(name, fixtures), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-tls-'));
const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.close(0);
  server = undefined;
});

/** The certificate that the server shows, and the status of its health. */
function look(port: number): Promise<{ fingerprint: string; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path: '/health', rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
        response.on('end', () => resolve({ fingerprint: fingerprint256, status: response.statusCode }));
      },
    );
    sent.on('error', reject).end();
  });
}

describe('TLS', () => {
  it('speaks HTTPS, and takes a changed certificate without a restart, a broken one never', async () => {
    copyFileSync(new URL('self-signed.pem', fixtures), certFile);
    copyFileSync(new URL('key.pem', fixtures), keyFile);
    server = await newServer(undefined, { options: { tls: { certFile, keyFile } } });
    expect(server.url).toMatch(/^https:/);
    const first = await look(server.port);
    expect(first.status).toBe(200);
    writeFileSync(certFile, 'half a certif');
    utimesSync(certFile, 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 2300));
    expect((await look(server.port)).fingerprint).toBe(first.fingerprint);
    writeFileSync(certFile, fixture('expired.pem'));
    const { port } = server;
    await expect.poll(async () => (await look(port)).fingerprint, { timeout: 10_000 }).not.toBe(first.fingerprint);
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['a file that is not there', path.join(folder, 'nowhere.pem')],
    ['a file that is no certificate', import.meta.filename],
  ])('refuses to start with %s', async (_, file) => {
    const tls = { certFile: file, keyFile: file };
    await expect(newServer(undefined, { options: { tls } })).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

describe('a drain that is announced', () => {
  it('says 503 at once, still answers, and asks each client to come back elsewhere', async () => {
    server = await newServer();
    const { url } = server;
    const closing = server.close(1000, 400);
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'shutting_down' });
    const models = await fetch(`${url}/v1/models`);
    expect(models.status).toBe(200);
    expect(models.headers.get('connection')).toBe('close');
    await closing;
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    server = undefined;
  });
});
