/** Who may call: the guards against DNS rebinding (Host), foreign web pages (Origin) and missing keys. */
import { hash as digest, timingSafeEqual } from 'node:crypto';
import { makeError } from '../core/errors.ts';
import type { Caller } from '../gateway/keys/key-record.ts';
import { bare, isAddress, isLoopback } from './bind.ts';
import type { ServerOptions } from './options.ts';

type AccessOptions = Pick<ServerOptions, 'host' | 'apiKeys' | 'allowedHosts' | 'allowedOrigins' | 'requireKey'>;

/** Keys beside those of the settings, in the role `cloud`. */
export type KeyDirectory = {
  find(key: string): Promise<Caller | undefined>;
  /** No key was ever made. */
  readonly isEmpty: boolean;
};

export type Access = {
  /** @throws `forbidden_host` */
  checkHost(hostHeader: string): void;
  /** @throws `forbidden_origin` */
  checkOrigin(origin: string, hostHeader: string): void;
  /**
   * Whose key it is. At once, unless a directory has to be asked.
   *
   * @throws `unauthorized`, what the directory throws
   */
  identify(authorization: string | undefined): Caller | Promise<Caller>;
};

export function createAccess(options: AccessOptions, directory?: KeyDirectory): Access {
  const hosts = new Set(options.allowedHosts.map((host) => bare(hostName(host))));
  const origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, '')));
  const keyHashes = options.apiKeys.map(sha256);
  const loopbackBind = isLoopback(options.host);

  /** A page cannot make a browser send an address as Host unless it really calls that address: only names rebind. */
  const hostAllowed = (name: string): boolean =>
    isLoopback(name) ||
    name === bare(options.host) ||
    hosts.has(name) ||
    hosts.has('*') ||
    (!loopbackBind && isAddress(name));

  /** Nobody needs a key: said so, or nobody has one and only this machine can call. */
  const isOpen = (): boolean => {
    if (options.requireKey !== 'auto') return options.requireKey === 'never';
    return keyHashes.length === 0 && (directory === undefined || (loopbackBind && directory.isEmpty));
  };
  const identifyIn = async (keys: KeyDirectory, key: string): Promise<Caller> => {
    const caller = await keys.find(key);
    if (caller !== undefined) return caller;
    if (isOpen()) return anonymous;
    throw makeError('unauthorized', {});
  };

  return {
    checkHost(hostHeader) {
      if (!hostAllowed(bare(hostName(hostHeader)))) throw makeError('forbidden_host', { host: shown(hostHeader) });
    },
    checkOrigin(origin, hostHeader) {
      if (origins.has('*') || origins.has(origin.toLowerCase())) return;
      const url = URL.canParse(origin) ? new URL(origin) : undefined;
      const web = url?.protocol === 'http:' || url?.protocol === 'https:';
      const same = url?.host === hostHeader.toLowerCase();
      if (url !== undefined && web && (same || isLoopback(url.hostname))) return;
      throw makeError('forbidden_origin', { origin: shown(origin) });
    },
    identify(authorization) {
      const key = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1];
      const index = key === undefined || keyHashes.length === 0 ? -1 : indexOfEqual(keyHashes, sha256(key));
      if (index >= 0) return { id: `configured-${index + 1}`, kind: 'configured', limits: {} };
      if (directory !== undefined && key !== undefined) return identifyIn(directory, key);
      if (isOpen()) return anonymous;
      throw makeError('unauthorized', {});
    },
  };
}

/** Looks at all of them, so that the time says nothing about which one was close. */
function indexOfEqual(hashes: Buffer[], candidate: Buffer): number {
  let found = -1;
  for (const [index, hash] of hashes.entries()) if (timingSafeEqual(hash, candidate)) found = index;
  return found;
}

const anonymous: Caller = { id: 'anonymous', kind: 'anonymous', limits: {} };

function sha256(text: string): Buffer {
  return digest('sha256', text, 'buffer');
}

/** Without the port. */
function hostName(host: string): string {
  if (host.startsWith('[')) return host.slice(0, host.indexOf(']') + 1);
  const parts = host.split(':');
  return parts.length === 2 ? (parts[0] ?? '') : host;
}

/** Client text in a message: short and printable. */
function shown(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
