/**
 * The keys of clients: `sk-dy-<id>-<secret>-<check>`. The id names the record, the secret has 192 bits and is kept as its
 * sha256 only; with that much entropy a slow hash would protect nothing. The check lets a mistyped or made-up key be
 * refused without asking the database.
 */
import { hash as digest, randomBytes, timingSafeEqual } from 'node:crypto';

export type ParsedKey = { id: string; hash: Buffer };

const prefix = 'sk-dy-';
const form = /^sk-dy-([a-z0-9]{10})-([A-Za-z0-9_]{32})-([a-f0-9]{6})$/;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** The only time that the whole key exists here. */
export function createKey(): { key: string; id: string; hash: Buffer } {
  const id = Array.from(randomBytes(10), (byte) => alphabet[byte % alphabet.length]).join('');
  const secret = randomBytes(24).toString('base64url').replaceAll('-', '_');
  const body = `${prefix}${id}-${secret}`;
  return { key: `${body}-${checkOf(body)}`, id, hash: hashOf(secret) };
}

/** `undefined` for what was never a key of ours. */
export function parseKey(text: string): ParsedKey | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, id = '', secret = '', check] = match;
  return checkOf(text.slice(0, -7)) === check ? { id, hash: hashOf(secret) } : undefined;
}

/** What lists show of a key. */
export function shownKey(id: string): string {
  return `${prefix}${id}-…`;
}

/** Takes the same time wherever the two differ. */
export function sameHash(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function hashOf(secret: string): Buffer {
  return digest('sha256', secret, 'buffer');
}

function checkOf(body: string): string {
  return digest('sha256', `check:${body}`, 'hex').slice(0, 6);
}
