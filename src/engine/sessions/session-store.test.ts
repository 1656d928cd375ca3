import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SavedSequence, SessionAbout } from './session-file.ts';
import { SessionStore } from './session-store.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'duanyun-sessions-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const folder = () => path.join(home, 'sessions');
const keyFile = () => path.join(home, 'state', 'session.key');
const open = (maxBytes = 1e6) => new SessionStore({ folder: folder(), keyFile: keyFile(), maxBytes });
const files = async () => (await readdir(folder())).map((name) => path.join(folder(), name));
const about = (id: string, more: Partial<SessionAbout> = {}): SessionAbout => ({
  id,
  model: 'small',
  fingerprint: 'f1',
  tokens: 3,
  savedAt: new Date(0).toISOString(),
  ...more,
});
const sequence = (more: Partial<SavedSequence> = {}): SavedSequence => ({
  tokens: [5, 6, 7],
  adapter: '',
  state: Buffer.from('secret cells of a private conversation'),
  ...more,
});

describe('SessionStore', () => {
  it('gives back what it was given, to a process that starts later', async () => {
    const kept = { indices: [0, 2], positions: [0, 1], shift: 1, firstEvicted: 1, lastEvicted: 1, evicted: 1 };
    await open().save(about('trip'), sequence({ compressed: { kept, budget: 'attention:64' } }));
    const loaded = await open().load('trip', 'f1');
    expect(loaded).toMatchObject({ tokens: [5, 6, 7], adapter: '', compressed: { kept, budget: 'attention:64' } });
    expect(Buffer.from(loaded?.state ?? []).toString()).toBe('secret cells of a private conversation');
    expect(await open().load('other', 'f1')).toBeUndefined();
  });

  it('leaves nothing readable on the disk, neither content nor names, and lets only the owner read', async () => {
    await open().save(about('anna-berg'), sequence());
    const [file = ''] = await files();
    const text = (await readFile(file)).toString('latin1');
    for (const word of ['secret', 'anna', 'small', '5,6,7']) expect(text + file).not.toContain(word);
    if (process.platform === 'win32') return;
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    await chmod(keyFile(), 0o644);
    await open().list();
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['one bit in the middle', (bytes: Buffer) => flip(bytes, bytes.length - 40)],
    ['one bit in what it says of itself', (bytes: Buffer) => flip(bytes, 40)],
    ['one bit in its length', (bytes: Buffer) => flip(bytes, 16)],
    ['other bytes altogether', () => Buffer.from('hello')],
    ['nothing', () => Buffer.alloc(0)],
  ])('refuses a file with %s', async (_, change) => {
    await open().save(about('trip'), sequence());
    const [file = ''] = await files();
    await writeFile(file, change(await readFile(file)));
    await expect(open().load('trip', 'f1')).rejects.toMatchObject({ code: 'session_invalid' });
  });

  it('refuses a file cut short anywhere, and one that was put in the place of another', async () => {
    await open().save(about('trip'), sequence());
    const [file = ''] = await files();
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length += 7) {
      await truncate(file, length);
      await expect(open().load('trip', 'f1')).rejects.toMatchObject({ code: 'session_invalid' });
      await writeFile(file, whole);
    }
    await open().save(about('bank'), sequence());
    const bank = (await files()).find((each) => each !== file) as string;
    await writeFile(file, await readFile(bank));
    await expect(open().load('trip', 'f1')).rejects.toMatchObject({ code: 'session_invalid' });
  });

  it('refuses what another key wrote', async () => {
    await open().save(about('trip'), sequence());
    await rm(keyFile());
    await expect(open().load('trip', 'f1')).rejects.toMatchObject({ code: 'session_invalid' });
    expect((await open().list()).map((each) => each.about)).toEqual([undefined]);
  });

  it('refuses the session of another model by its name', async () => {
    await open().save(about('trip'), sequence());
    await expect(open().load('trip', 'f2')).rejects.toMatchObject({
      code: 'session_mismatch',
      message: expect.stringContaining('small') as string,
    });
  });

  it('lets the least recently used go where there is no room, and never takes more than it may', async () => {
    const large = sequence({ state: Buffer.alloc(3_000) });
    const store = open(8_000);
    await store.save(about('first'), large);
    await store.save(about('second'), large);
    const long = new Date(Date.now() - 60_000);
    for (const file of await files()) await utimes(file, long, long);
    await store.load('first', 'f1');
    await store.save(about('third'), large);
    expect((await store.list()).map((each) => each.about?.id).toSorted()).toEqual(['first', 'third']);
    await expect(store.save(about('fourth'), sequence({ state: Buffer.alloc(9_000) }))).rejects.toMatchObject({
      code: 'session_invalid',
    });
    expect(await store.list()).toHaveLength(2);
  });

  it('keeps the old session whole where the new one cannot be written', async () => {
    const store = open();
    await store.save(about('trip'), sequence());
    // A file where the folder should be: no write can succeed.
    const broken = new SessionStore({ folder: keyFile(), keyFile: keyFile(), maxBytes: 1e6 });
    await expect(broken.save(about('trip'), sequence())).rejects.toMatchObject({ code: 'session_invalid' });
    expect((await store.load('trip', 'f1'))?.tokens).toEqual([5, 6, 7]);
    expect((await files()).every((file) => file.endsWith('.session'))).toBe(true);
  });

  it('removes one, or all', async () => {
    const store = open();
    await store.save(about('trip'), sequence());
    await store.save(about('bank'), sequence());
    expect(await store.remove('trip')).toBeGreaterThan(0);
    expect(await store.remove('trip')).toBeUndefined();
    expect(await store.removeAll()).toBeGreaterThan(0);
    expect(await store.list()).toEqual([]);
  });

  it('ends up with one key where two processes begin at once', async () => {
    const stores = [open(), open(), open()];
    await Promise.all(stores.map((store, index) => store.save(about(`s${index}`), sequence())));
    expect((await open().list()).map((each) => each.about?.id).toSorted()).toEqual(['s0', 's1', 's2']);
  });
});

function flip(bytes: Buffer, index: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[index] = (changed[index] as number) ^ 1;
  return changed;
}
