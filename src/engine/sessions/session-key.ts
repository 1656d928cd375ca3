/** Where the key of the sessions lies: in the system's keyring, or in a file of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { DuanyunError, makeError } from '../../core/errors.ts';
import { acquireFileLock } from '../../models/file-lock.ts';
import { writeFileAtomically } from '../../models/manifests.ts';
import { keyBytes, keyInFile, readKeyFile } from './key-file.ts';
import { systemKeyring, type Keyring } from './keyring.ts';

/** `auto`: the keyring where there is one, unless there is a key file already; else a file. */
export type KeyPlace = 'auto' | 'keyring' | 'file';

export type SessionKeyOptions = {
  keyFile: string;
  /** Default `file`. */
  keyPlace?: KeyPlace;
  /** Default: the system's, `undefined` where it has none. */
  keyring?: Keyring | undefined;
};

/**
 * Made at its first use. Throws `session_invalid` where what is kept is no key, and `keyring_unavailable` where it lies in a
 * keyring that cannot be read now: another key would make all that was saved unreadable for good.
 */
export async function sessionKey(options: SessionKeyOptions): Promise<Buffer> {
  const { keyFile, keyPlace = 'file' } = options;
  if (keyPlace === 'file') return keyInFile(keyFile);
  const isInKeyring = await exists(markerOf(keyFile));
  if (keyPlace === 'auto' && !isInKeyring && (await exists(keyFile))) return keyInFile(keyFile);
  const keyring = 'keyring' in options ? options.keyring : keyringOf(keyFile);
  if (keyring === undefined) {
    if (keyPlace === 'auto' && !isInKeyring) return keyInFile(keyFile);
    throw makeError('keyring_unavailable', { reason: `none is known for ${process.platform}` });
  }
  try {
    return await keyInKeyring(keyring, keyFile);
  } catch (error) {
    const isUnavailable = error instanceof DuanyunError && error.code === 'keyring_unavailable';
    if (!isUnavailable || keyPlace === 'keyring' || (await exists(markerOf(keyFile)))) throw error;
    return keyInFile(keyFile);
  }
}

function keyringOf(keyFile: string): Keyring | undefined {
  const account = `sessions-${createHash('sha256').update(path.resolve(keyFile)).digest('hex').slice(0, 16)}`;
  return systemKeyring({ account, sealedFile: `${keyFile}.sealed` });
}

/** Says that the key lies in the keyring, also while that cannot be asked. */
function markerOf(keyFile: string): string {
  return `${keyFile}.in-keyring`;
}

async function keyInKeyring(keyring: Keyring, keyFile: string): Promise<Buffer> {
  const known = await keyring.read();
  if (known !== undefined) {
    await mark(keyFile);
    return parseKey(known);
  }
  // Two processes that begin at once must end up with one key.
  const lock = await acquireFileLock(`${keyFile}.lock`, { signal: AbortSignal.timeout(60_000), clock: systemClock });
  try {
    const meanwhile = await keyring.read();
    if (meanwhile !== undefined) return parseKey(meanwhile);
    // A key that lay in a file moves, so that what it has locked can still be opened.
    const key = (await readKeyFile(keyFile)) ?? randomBytes(keyBytes);
    await keyring.write(key.toString('base64'));
    const kept = await keyring.read();
    if (kept === undefined || !parseKey(kept).equals(key)) {
      throw makeError('keyring_unavailable', { reason: 'it did not keep the key' });
    }
    await mark(keyFile);
    await rm(keyFile, { force: true });
    return key;
  } finally {
    await lock.release();
  }
}

async function mark(keyFile: string): Promise<void> {
  if (!(await exists(markerOf(keyFile)))) {
    await writeFileAtomically(markerOf(keyFile), 'The key of the sessions lies in the keyring of the system.\n');
  }
}

function parseKey(text: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== keyBytes) throw makeError('session_invalid', { reason: 'the keyring holds no key' });
  return key;
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
