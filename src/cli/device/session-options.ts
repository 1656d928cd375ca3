import path from 'node:path';
import type { Config } from '../../config/load-config.ts';
import type { SessionStoreOptions } from '../../engine/sessions/session-store.ts';

/** Sessions lie apart from their key, so that one can be copied or deleted without the other. */
export function sessionOptions({ home, sessionsMib, sessionKey }: Config): SessionStoreOptions {
  return {
    folder: path.join(home, 'sessions'),
    keyFile: path.join(home, 'state', 'session.key'),
    keyPlace: sessionKey,
    maxBytes: sessionsMib * 1024 * 1024,
  };
}
