/**
 * Keeps the hashes of private conversations over a restart, so that a conversation that was private yesterday still is.
 * The first line is the salt, the others are hashes; the file is the owner's alone (0600). Whoever can read it can check
 * a guess of a whole sentence, and learn nothing else.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../core/log.ts';
import { ConversationTaint } from './conversation-taint.ts';

/** Twice what is kept in memory; then the file is written anew. */
const maxLines = 100_000;

/** @param file `undefined`: in memory only, forgotten at the end of the process */
export function openTaint(file: string | undefined, log: Log, capacity?: number): ConversationTaint {
  const limit = capacity === undefined ? {} : { capacity };
  if (file === undefined) return new ConversationTaint(limit);
  const [salt = randomBytes(16).toString('base64'), ...hashes] = readLines(file);
  const kept = hashes.slice(-(capacity ?? maxLines / 2));
  const write = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      // The memory of this process still holds; only a restart would forget.
      log.warn({ detail: String(error) }, 'private conversations cannot be kept over a restart');
    }
  };
  write(() => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, [salt, ...kept, ''].join('\n'), { mode: 0o600 });
    chmodSync(file, 0o600);
  });
  const taint = new ConversationTaint({
    ...limit,
    salt,
    onRemember: (fresh) => write(() => appendFileSync(file, `${fresh.join('\n')}\n`, { mode: 0o600 })),
  });
  taint.restore(kept);
  return taint;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^[\w+/=]{8,64}$/.test(line));
  } catch {
    return [];
  }
}
