/** Certificate and key from their files, at the start and whenever they change. */
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, Server as PlainServer, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { makeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

export type TlsFiles = { certFile: string; keyFile: string };
export type TlsMaterial = { cert: Buffer; key: Buffer };

/** How often the files are looked at; a watcher of the system misses the links that Kubernetes swaps. */
const lookMs = 2000;

/** @throws `config_invalid` where a file cannot be read, or the two do not belong together */
export function readTls({ certFile, keyFile }: TlsFiles): TlsMaterial {
  const material = { cert: read(certFile, 'tls-cert'), key: read(keyFile, 'tls-key') };
  try {
    createSecureContext(material);
  } catch (cause) {
    const reason = `tls-cert, tls-key: ${certFile} and ${keyFile} are no certificate and its key`;
    throw makeError('config_invalid', { reason }, { cause });
  }
  return material;
}

/** Like `node:http`'s, over TLS 1.2 or later. */
export function createTlsServer(
  options: ServerOptions,
  material: TlsMaterial,
  listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): PlainServer {
  return createServer({ ...options, ...material, minVersion: 'TLSv1.2' }, listener);
}

/** A pair that is broken, as it may be for a moment while it is replaced, is not used. Returns what ends the watch. */
export function watchTls(plain: PlainServer, files: TlsFiles, log: Log): () => void {
  const server = plain as Server;
  let known = changeOf(files);
  const timer = setInterval(() => {
    const change = changeOf(files);
    if (change === known || change === '') return;
    try {
      server.setSecureContext({ ...readTls(files), minVersion: 'TLSv1.2' });
      known = change;
      log.info({}, 'the certificate was read again');
    } catch (error) {
      log.warn({ detail: String(error) }, 'the changed certificate cannot be used: the old one stays');
    }
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

function changeOf({ certFile, keyFile }: TlsFiles): string {
  try {
    return [certFile, keyFile]
      .map((file) => {
        const { mtimeMs, size, ino } = statSync(file);
        return `${mtimeMs} ${size} ${ino}`;
      })
      .join(' ');
  } catch {
    return '';
  }
}

function read(file: string, setting: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw makeError('config_invalid', { reason: `${setting}: ${file} cannot be read` }, { cause });
  }
}
