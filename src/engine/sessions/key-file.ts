/**
 * The key that sessions are encrypted with, in a file of its own that only its owner may read: what copies or backs up
 * the sessions alone cannot read them, what reads all of this user's files can.
 */
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeError } from '../../core/errors.ts';

/** For AES-256. */
export const keyBytes = 32;

/** The key in `file`, made at its first use. Throws `session_invalid` where the file holds no key or others may read it. */
export async function keyInFile(file: string): Promise<Buffer> {
  const known = await readKeyFile(file);
  if (known !== undefined) return known;
  await mkdir(path.dirname(file), { recursive: true });
  // Written whole under another name and linked: two processes that begin at once end up with one key.
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(randomBytes(keyBytes).toString('base64'));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  const made = await readKeyFile(file);
  if (made === undefined) throw makeError('session_invalid', { reason: 'the key went away while it was made' });
  return made;
}

/** `undefined`: there is none. Throws `session_invalid` where it holds no key. */
export async function readKeyFile(file: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== keyBytes) throw makeError('session_invalid', { reason: 'the key file holds no key' });
  // A copy or an archive may have widened the rights.
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  return key;
}
