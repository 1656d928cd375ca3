import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemKeyring, type Keyring } from './keyring.ts';
import { sessionKey } from './session-key.ts';
import { SessionStore } from './session-store.ts';

const command = fileURLToPath(new URL('./testing/fake-keyring.mjs', import.meta.url));
let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'duanyun-key-'));
  vi.stubEnv('FAKE_KEYRING', path.join(home, 'keyring.json'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

const keyFile = () => path.join(home, 'state', 'session.key');
const inState = async () => (await readdir(path.dirname(keyFile())).catch(() => [])).toSorted();
type Kept = { secrets: Record<string, string>; calls: string[][] };
const kept = async () => JSON.parse(await readFile(path.join(home, 'keyring.json'), 'utf8')) as Kept;
function keyringOn(
  platform: NodeJS.Platform,
  more: { command?: string; timeoutMs?: number } = {},
): Keyring | undefined {
  return systemKeyring({ account: 'sessions-test', sealedFile: `${keyFile()}.sealed`, platform, command, ...more });
}
const key = (keyPlace: 'auto' | 'keyring' | 'file', keyring = keyringOn('linux')) =>
  sessionKey({ keyFile: keyFile(), keyPlace, keyring });

// The stand-in is a script with a first line that Windows does not read.
describe.skipIf(process.platform === 'win32')('sessionKey', () => {
  it.each(['linux', 'darwin', 'win32'] as const)(
    'keeps one key in the keyring of %s, and none in a file',
    async (platform) => {
      const made = await key('keyring', keyringOn(platform));
      expect(made).toHaveLength(32);
      expect(await key('keyring', keyringOn(platform))).toEqual(made);
      expect(await key('auto', keyringOn(platform))).toEqual(made);
      const files = await inState();
      expect(files).not.toContain('session.key');
      const secret = made.toString('base64');
      for (const file of files) expect(await readFile(path.join(home, 'state', file), 'utf8')).not.toContain(secret);
      // Every process can read the arguments of another.
      expect(JSON.stringify((await kept()).calls)).not.toContain(secret);
    },
  );

  it('takes the keyring by itself where there is one, else a file', async () => {
    const made = await key('auto');
    expect(Object.values((await kept()).secrets)).toEqual([made.toString('base64')]);
    await rm(home, { recursive: true });
    await key('auto', keyringOn('linux', { command: path.join(home, 'no-such-program') }));
    expect(await inState()).toContain('session.key');
    // Android, where a keyring is not for programs of the command line.
    expect(keyringOn('android')).toBeUndefined();
    expect(await key('auto', undefined)).toHaveLength(32);
  });

  it.each([
    ['there is no session bus', 'no-bus'],
    ['it is locked', 'locked'],
    ['it forgets', 'forgets'],
  ])('falls back to a file where %s, and says so where the keyring is asked for', async (_, fault) => {
    vi.stubEnv('FAKE_KEYRING_FAULT', fault);
    await expect(key('keyring')).rejects.toMatchObject({ code: 'keyring_unavailable' });
    expect(await inState()).toEqual([]);
    expect(await key('auto')).toHaveLength(32);
    expect(await inState()).toEqual(['session.key']);
  });

  it('waits no longer than it may for somebody to unlock it', async () => {
    vi.stubEnv('FAKE_KEYRING_FAULT', 'hangs');
    const late = key('keyring', keyringOn('linux', { timeoutMs: 300 }));
    await expect(late).rejects.toMatchObject({
      code: 'keyring_unavailable',
      message: expect.stringContaining('0.3 s') as string,
    });
  });

  it('never makes another key while the one in the keyring cannot be read', async () => {
    const made = await key('auto');
    vi.stubEnv('FAKE_KEYRING_FAULT', 'no-bus');
    await expect(key('auto')).rejects.toMatchObject({ code: 'keyring_unavailable' });
    expect(await inState()).not.toContain('session.key');
    vi.stubEnv('FAKE_KEYRING_FAULT', '');
    expect(await key('auto')).toEqual(made);
    vi.stubEnv('FAKE_KEYRING_FAULT', 'other-user');
    const sealed = keyringOn('win32');
    vi.stubEnv('FAKE_KEYRING_FAULT', '');
    await sealed?.write('c2VhbGVk');
    vi.stubEnv('FAKE_KEYRING_FAULT', 'other-user');
    await expect(sealed?.read()).rejects.toMatchObject({ code: 'keyring_unavailable' });
  });

  it('goes on with a key file that is there, and moves it where the keyring is asked for', async () => {
    const made = await key('file');
    expect(await key('auto')).toEqual(made);
    expect(await inState()).toEqual(['session.key']);
    expect(await key('keyring')).toEqual(made);
    expect(await inState()).toEqual(['session.key.in-keyring']);
    expect(await key('auto')).toEqual(made);
  });

  it('gives two that begin at once the same key', async () => {
    const [left, right] = await Promise.all([key('keyring'), key('keyring')]);
    expect(left).toEqual(right);
  });

  it('refuses what is no key', async () => {
    await keyringOn('linux')?.write('too short');
    await expect(key('keyring')).rejects.toMatchObject({ code: 'session_invalid' });
    await rm(home, { recursive: true });
    await key('file');
    await writeFile(keyFile(), 'nothing');
    await expect(key('keyring')).rejects.toMatchObject({ code: 'session_invalid' });
  });
});

describe.skipIf(process.platform === 'win32')('SessionStore with a keyring', () => {
  it('saves and loads, asks the keyring once, and opens nothing without it', async () => {
    // The command of the system by its usual name, wherever the path leads.
    const bin = path.join(home, 'bin');
    await mkdir(bin);
    await symlink(command, path.join(bin, 'secret-tool'));
    vi.stubEnv('PATH', `${bin}${path.delimiter}${process.env['PATH']}`);
    if (process.platform !== 'linux') return;
    const store = () =>
      new SessionStore({ folder: path.join(home, 'sessions'), keyFile: keyFile(), keyPlace: 'auto', maxBytes: 1e6 });
    const about = { id: 'trip', model: 'small', fingerprint: 'f1', tokens: 1, savedAt: new Date(0).toISOString() };
    const first = store();
    await first.save(about, { tokens: [5], adapter: '', state: Buffer.from('cells') });
    const { calls } = await kept();
    expect((await first.load('trip', 'f1'))?.tokens).toEqual([5]);
    expect((await kept()).calls).toHaveLength(calls.length);
    expect((await store().load('trip', 'f1'))?.tokens).toEqual([5]);
    vi.stubEnv('FAKE_KEYRING_FAULT', 'no-bus');
    await expect(store().load('trip', 'f1')).rejects.toMatchObject({ code: 'keyring_unavailable' });
  });
});
