/** Sessions on this machine: one encrypted file each, within a limit, least recently used first out. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { DuanyunError, makeError } from '../../core/errors.ts';
import { freeDiskBytes, isDiskFull, mebibytes } from '../../models/disk-space.ts';
import {
  aboutReadBytes,
  decodeAbout,
  decodeSession,
  encodeSession,
  type SavedSequence,
  type SessionAbout,
} from './session-file.ts';
import { sessionKey, type KeyPlace } from './session-key.ts';

const suffix = '.session';
/** A keyring that said no is not asked again for so long: it may take seconds to say so. */
const keyringPauseMs = 30_000;

export type SessionStoreOptions = {
  folder: string;
  keyFile: string;
  /** Where the key lies. Default `file`. */
  keyPlace?: KeyPlace;
  /** All sessions together. */
  maxBytes: number;
};

export type ListedSession = {
  /** Absent where it cannot be read. */
  about?: SessionAbout;
  file: string;
  sizeBytes: number;
  usedAt: Date;
};

export class SessionStore {
  readonly #options: SessionStoreOptions;
  #key: Promise<Buffer> | undefined;
  #askAgainAt = Number.POSITIVE_INFINITY;

  constructor(options: SessionStoreOptions) {
    this.#options = options;
  }

  /**
   * The session of that name, if there is one; it counts as used. Throws `session_invalid` for one that is damaged, and
   * `session_mismatch` for one of another model or another form of cells.
   */
  async load(id: string, fingerprint: string): Promise<SavedSequence | undefined> {
    const file = this.#fileOf(id);
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(error);
    }
    const { about, sequence } = await decodeSession(await this.#readKey(), bytes);
    if (about.id !== id) throw makeError('session_invalid', { reason: 'it belongs to another name' });
    if (about.fingerprint !== fingerprint) throw makeError('session_mismatch', { model: about.model });
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
    return sequence;
  }

  /** Takes the place of an older one of that name. Throws `disk_full`, or `session_invalid` where it cannot be written. */
  async save(about: SessionAbout, sequence: SavedSequence): Promise<{ sizeBytes: number }> {
    const { folder, maxBytes } = this.#options;
    const bytes = await encodeSession(await this.#readKey(), about, sequence);
    const file = this.#fileOf(about.id);
    if (bytes.length > maxBytes)
      throw makeError('session_invalid', { reason: 'it is larger than all sessions may be' });
    const fresh = path.join(folder, `${path.basename(file)}.${randomBytes(6).toString('hex')}.new`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#makeRoom(bytes.length, file);
      const handle = await open(fresh, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(fresh, file);
    } catch (error) {
      await rm(fresh, { force: true }).catch(() => {});
      if (isDiskFull(error)) {
        const availableMiB = mebibytes(await freeDiskBytes(folder).catch(() => 0));
        throw makeError(
          'disk_full',
          { path: folder, neededMiB: mebibytes(bytes.length), availableMiB },
          { cause: error },
        );
      }
      throw unreadable(error);
    }
    return { sizeBytes: bytes.length };
  }

  /** The latest used first. What cannot be read is listed without saying what it is. */
  async list(): Promise<ListedSession[]> {
    const key = await this.#readKey();
    const sessions = await Promise.all(
      (await this.#files()).map(async (each): Promise<ListedSession> => {
        const about = await this.#about(key, each.file).catch(() => undefined);
        return about === undefined ? each : Object.assign(each, { about });
      }),
    );
    return sessions.toSorted((left, right) => right.usedAt.getTime() - left.usedAt.getTime());
  }

  /** Bytes that are free again; undefined where there is no session of that name. */
  async remove(id: string): Promise<number | undefined> {
    const file = this.#fileOf(id);
    const found = (await this.#files()).find((each) => each.file === file);
    if (found === undefined) return undefined;
    await rm(file, { force: true });
    return found.sizeBytes;
  }

  async removeAll(): Promise<number> {
    const files = await this.#files();
    for (const { file } of files) await rm(file, { force: true });
    return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Names say nothing of the session: an app may put what it likes into an id. */
  #fileOf(id: string): string {
    const name = createHash('sha256').update(`duanyun session ${id}`).digest('hex').slice(0, 40);
    return path.join(this.#options.folder, `${name}${suffix}`);
  }

  async #readKey(): Promise<Buffer> {
    if (performance.now() >= this.#askAgainAt) this.#key = undefined;
    if (this.#key === undefined) {
      this.#askAgainAt = Number.POSITIVE_INFINITY;
      this.#key = sessionKey(this.#options);
      this.#key.catch((error: unknown) => {
        const isKeyring = error instanceof DuanyunError && error.code === 'keyring_unavailable';
        this.#askAgainAt = performance.now() + (isKeyring ? keyringPauseMs : 0);
      });
    }
    try {
      return await this.#key;
    } catch (error) {
      throw error instanceof DuanyunError ? error : unreadable(error);
    }
  }

  async #about(key: Buffer, file: string): Promise<SessionAbout> {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(aboutReadBytes), 0, aboutReadBytes, 0);
      return await decodeAbout(key, buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  }

  async #files(): Promise<{ file: string; sizeBytes: number; usedAt: Date }[]> {
    const { folder } = this.#options;
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw unreadable(error);
    });
    const found = await Promise.all(
      names
        .filter((name) => name.endsWith(suffix))
        .map(async (name) => {
          const file = path.join(folder, name);
          // Another process may have removed it meanwhile.
          const facts = await stat(file).catch(() => undefined);
          return facts === undefined ? [] : [{ file, sizeBytes: facts.size, usedAt: facts.mtime }];
        }),
    );
    return found.flat();
  }

  async #makeRoom(neededBytes: number, except: string): Promise<void> {
    const files = (await this.#files()).filter(({ file }) => file !== except);
    let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, neededBytes);
    for (const { file, sizeBytes } of files.toSorted((left, right) => left.usedAt.getTime() - right.usedAt.getTime())) {
      if (total <= this.#options.maxBytes) return;
      await rm(file, { force: true });
      total -= sizeBytes;
    }
  }
}

function unreadable(cause: unknown): DuanyunError {
  return makeError('session_invalid', { reason: 'its file cannot be read or written' }, { cause });
}
