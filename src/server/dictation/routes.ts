import type { Hono } from 'hono';
import { makeError } from '../../core/errors.ts';
import type { EntryEnv } from '../entry.ts';

export const dictationPaths = ['/v1/realtime', '/v1/audio/dictation'] as const;

/** For whoever calls without an upgrade; those with one never get here. */
export function addDictationRoutes(app: Hono<EntryEnv>): void {
  for (const path of dictationPaths) {
    app.get(path, () => {
      throw makeError('invalid_request', { reason: 'This address is a WebSocket: connect with ws:// or wss://.' });
    });
  }
}
