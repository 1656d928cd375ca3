/** Who may call: the guards against DNS rebinding (Host), foreign web pages (Origin) and missing keys. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { makeError } from '../core/errors.ts';
import { bare, isAddress, isLoopback } from './bind.ts';
import type { ServerOptions } from './options.ts';

type AccessOptions = Pick<ServerOptions, 'host' | 'apiKeys' | 'allowedHosts' | 'allowedOrigins'>;

export type Access = {
  /** @throws `forbidden_host` */
  checkHost(hostHeader: string): void;
  /** @throws `forbidden_origin` */
  checkOrigin(origin: string, hostHeader: string): void;
  /** @throws `unauthorized` */
  checkKey(authorization: string | undefined): void;
};

export function createAccess(options: AccessOptions): Access {
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
    checkKey(authorization) {
      if (keyHashes.length === 0) return;
      const key = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1];
      if (key === undefined || !anyEqual(keyHashes, sha256(key))) throw makeError('unauthorized', {});
    },
  };
}

/** Looks at all of them, so that the time says nothing about which one was close. */
function anyEqual(hashes: Buffer[], candidate: Buffer): boolean {
  let found = false;
  for (const hash of hashes) found = timingSafeEqual(hash, candidate) || found;
  return found;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
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
