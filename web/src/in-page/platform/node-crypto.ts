/** `node:crypto` in the page, as far as `src/hybrid/` uses it: see the aliases in `vite.config.ts`. */
import { sha256 } from '@noble/hashes/sha2.js';

type Encoding = 'base64' | 'base64url' | 'hex';
type Digestible = string | Uint8Array;

export function hash(algorithm: 'sha256', data: Digestible, encoding: Encoding): string {
  return createHash(algorithm).update(data).digest(encoding);
}

export function createHash(algorithm: 'sha256'): Hash {
  if ((algorithm as string) !== 'sha256') throw new Error(`no ${algorithm as string} in the page`);
  return new Hash();
}

class Hash {
  readonly #state = sha256.create();

  update(data: Digestible): this {
    this.#state.update(typeof data === 'string' ? new TextEncoder().encode(data) : data);
    return this;
  }

  digest(encoding: Encoding): string {
    return encoded(this.#state.digest(), encoding);
  }
}

/** Random bytes that can say themselves as text, as a Buffer does. */
export function randomBytes(count: number): { toString(encoding: Encoding): string } {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return { toString: (encoding) => encoded(bytes, encoding) };
}

function encoded(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === 'hex') return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const base64 = btoa(String.fromCharCode(...bytes));
  return encoding === 'base64' ? base64 : base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
