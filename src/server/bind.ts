import { isIP } from 'node:net';
import { makeError } from '../core/errors.ts';

/** Names and addresses that only this machine can reach. `host` is without a port; IPv6 may stand in brackets. */
export function isLoopback(host: string): boolean {
  const name = bare(host);
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 ? name.startsWith('127.') : name.startsWith('::ffff:127.');
}

export function isAddress(host: string): boolean {
  return isIP(bare(host)) !== 0;
}

/** `[::1]` → `::1`, in lower case and without the root's dot. */
export function bare(host: string): string {
  const name = host.toLowerCase();
  return (name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name).replace(/\.$/, '');
}

/** @throws `insecure_bind` for an address that others can reach while no key is asked for */
export function checkBind(host: string, apiKeys: readonly string[]): void {
  if (apiKeys.length === 0 && !isLoopback(host)) throw makeError('insecure_bind', { host });
}
