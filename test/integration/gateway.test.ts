/** The gateway and its keys as an operator meets them: the real command. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeCloud, sayAsAsked } from '../support/fake-cloud.ts';
import { DuanyunServer, emptyHome, runDuanyun } from './duanyun-process.ts';

const home = emptyHome();
const environment = { DUANYUN_HOME: home };
const cloud = new FakeCloud();
const keys = (...args: string[]) => runDuanyun(['keys', ...args], { environment });

beforeAll(async () => {
  cloud.play = sayAsAsked('Hello');
  await cloud.start();
});
let server: DuanyunServer | undefined;
afterAll(async () => {
  server?.child.kill('SIGKILL');
  await cloud.stop();
});

describe('duanyun serve --role cloud', () => {
  it('answers with a key that was made by command, until it is revoked, and leaves cleanly', async () => {
    server = new DuanyunServer(['--role', 'cloud', '--cloud-url', cloud.url], environment);
    const url = await server.ready();
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
    const ask = async (key: string): Promise<number> => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] }),
      });
      await response.text();
      return response.status;
    };
    // Nobody has a key yet, and only this machine can call.
    expect(await ask('EMPTY')).toBe(200);
    const made = await keys('create', '--name', 'the clinic', '--rpm', '100', '--json');
    const { key, id } = JSON.parse(made.stdout) as { key: string; id: string };
    await expect.poll(() => ask('EMPTY'), { timeout: 5000 }).toBe(401);
    expect(await ask(key)).toBe(200);
    const list = await keys('list');
    expect(list.stdout).toContain('the clinic');
    expect(list.stdout + made.stderr).not.toContain(key);
    expect((await keys('limits', id, '--rpm', 'none', '--models', 'cloud-1')).stdout).toContain('models cloud-1');
    expect((await keys('revoke', id)).code).toBe(0);
    await expect.poll(() => ask(key), { timeout: 5000 }).toBe(401);
    expect(JSON.parse((await keys('show', id, '--json')).stdout)).toMatchObject({
      state: 'revoked',
      usage: [{ model: 'cloud-1', requests: 1 }],
    });
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(server.output.stderr + server.output.stdout).not.toContain(key);
  });

  it.each([
    [['serve', '--role', 'cloud'], 2, /needs --cloud-url/],
    [['serve', '--role', 'clod'], 2, /device or cloud/],
    [['serve', '--role', 'cloud', '--cloud-url', 'http://x', '--trust-proxy', '10.0.0.0/99'], 2, /trust-proxy/],
    [['serve', '--role', 'cloud', '--cloud-url', 'http://x', '--tls-cert', '/nowhere'], 2, /belong together/],
    [['serve', '--role', 'cloud', '--max-runing', '5'], 2, /--max-running/],
    [['keys', 'create'], 2, /--name/],
    [['keys', 'create', '--name', 'x', '--rpm', 'many'], 2, /--rpm/],
    [['keys', 'create', '--name', 'x', '--expires', 'yesterday'], 2, /--expires/],
    [['keys', 'revoke', 'nobody'], 1, /not_found/],
  ])('%j ends with %i', async (args, code, text) => {
    const ended = await runDuanyun(args, { environment });
    expect(ended.stderr).toMatch(text);
    expect(ended.code).toBe(code);
  });

  it('says that the port is taken, and that the database cannot be opened', async () => {
    const taken = await runDuanyun(
      ['serve', '--role', 'cloud', '--cloud-url', cloud.url, '--port', new URL(cloud.url).port, '--host', 'localhost'],
      { environment },
    );
    expect(taken.stderr).toContain('error [port_in_use]');
    const away = { ...environment, DUANYUN_STATE_URL: 'postgres://user:secret-word@127.0.0.1:1/none' };
    const ended = await runDuanyun(['keys', 'list'], { environment: away });
    expect(ended.stderr).toContain('error [state_unavailable]');
    expect(ended.stderr).not.toContain('secret-word');
    expect(ended.code).toBe(1);
  });
});
