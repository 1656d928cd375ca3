/**
 * Fetches pictures by address, where the operator allows the host. The address comes from a stranger: it must not lead to
 * this machine, to its network, or to where a name is resolved anew between the check and the connection. Beside the
 * egress gate this is the only place that opens a connection for a request; what it sends is the address and nothing else.
 */
import { lookup as resolve } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { makeError, type DuanyunError } from '../core/errors.ts';
import type { PictureFetcher } from '../core/perception.ts';
import { isPublicAddress } from './public-address.ts';

export type PictureFetcherOptions = {
  /** Host names; `.example.com` stands for all below it, `*` for every public host. */
  hosts: readonly string[];
  maxBytes: number;
  /** For everything, redirects included. Default 15 s. */
  timeoutMs?: number;
  /** For tests: what may be connected to. Default: public addresses. */
  mayConnect?: (address: string) => boolean;
  /** For tests. Default 80 and 443. */
  ports?: readonly number[] | 'any';
  /** For tests: the resolver. */
  lookup?: LookupFunction;
};

const maxRedirects = 3;
const defaultPorts: readonly number[] = [80, 443];

export class AddressFetcher implements PictureFetcher {
  readonly #options: PictureFetcherOptions;

  constructor(options: PictureFetcherOptions) {
    this.#options = options;
  }

  async fetchPicture(address: string, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const limit = AbortSignal.timeout(this.#options.timeoutMs ?? 15_000);
    const either = AbortSignal.any([signal, limit]);
    try {
      let url = this.#checked(address);
      for (let redirects = 0; ; redirects++) {
        const response = await this.#get(url, either);
        const location = redirectOf(response);
        if (location === undefined) return await this.#body(response);
        response.destroy();
        if (redirects === maxRedirects) throw refused('it redirects too often');
        const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
        if (next === undefined) throw refused('it redirects to no valid address');
        if (url.protocol === 'https:' && next.protocol !== 'https:') throw refused('it redirects away from https');
        url = this.#checked(next.href);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) throw refused('it did not arrive in time');
      throw error;
    }
  }

  /** What can be said of an address before its name is resolved. */
  #checked(address: string): URL {
    if (!URL.canParse(address)) throw refused('it is not a valid address');
    // The parser also turns 2130706433, 0x7f.1 and 017700000001 into 127.0.0.1.
    const url = new URL(address);
    if (!/^https?:$/.test(url.protocol)) throw refused('only http and https are fetched');
    if (url.username !== '' || url.password !== '') throw refused('it holds a password');
    const { hosts, ports = defaultPorts } = this.#options;
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    if (ports !== 'any' && !ports.includes(port)) throw refused(`port ${port} is not allowed`);
    const host = url.hostname.toLowerCase().replace(/\.$/, '');
    const isListed = hosts.some(
      (each) => each === '*' || each === host || (each.startsWith('.') && host.endsWith(each.toLowerCase())),
    );
    if (!isListed) throw refused('its host is not among those of --image-url-host');
    const bare = host.replace(/^\[|\]$/g, '');
    if (isIP(bare) !== 0 && !this.#mayConnect(bare)) throw refused('its host is not a public one');
    return url;
  }

  #get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((done, fail) => {
      const request = send(url, {
        signal,
        // A connection of its own: one kept from an earlier request was checked for another name.
        agent: false,
        // The connection goes to the address that is checked here; the name is not looked up again.
        lookup: this.#lookup,
        headers: { 'user-agent': 'duanyun', accept: 'image/*', 'accept-encoding': 'identity' },
        maxHeaderSize: 16 * 1024,
      });
      request.on('response', done);
      request.on('error', (error) => fail(this.#fault(error)));
      request.end();
    });
  }

  readonly #lookup: LookupFunction = (host, options, callback) => {
    const lookup: LookupFunction = this.#options.lookup ?? resolve;
    lookup(host, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [];
      if (error !== null) callback(error, '', 4);
      // One private address among public ones is a trap: none of them is used.
      else if (addresses.length === 0 || !addresses.every(({ address }) => this.#mayConnect(address))) {
        callback(refused('its host is not a public one'), '', 4);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    });
  };

  async #body(response: IncomingMessage): Promise<Uint8Array> {
    const { statusCode = 0, headers } = response;
    const type = headers['content-type'] ?? '';
    try {
      if (statusCode !== 200) throw refused(`its server answered ${statusCode}`);
      if (!/^image\/(?!svg)/i.test(type)) throw refused('its server says that it is no picture');
      const { maxBytes } = this.#options;
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      const chunks: Uint8Array[] = [];
      let sizeBytes = 0;
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      throw this.#fault(error);
    } finally {
      response.destroy();
    }
  }

  #mayConnect(address: string): boolean {
    return (this.#options.mayConnect ?? isPublicAddress)(address);
  }

  #fault(error: unknown): unknown {
    if (!(error instanceof Error) || error.name === 'DuanyunError' || error.name === 'AbortError') return error;
    return refused('its server did not answer', String(error));
  }
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

function refused(reason: string, detail?: string): DuanyunError {
  return makeError('image_url_refused', { reason }, detail === undefined ? {} : { detail });
}

function tooLarge(maxBytes: number): DuanyunError {
  return makeError('image_too_large', { reason: `its file has more than ${(maxBytes / 1024 / 1024).toFixed(1)} MiB` });
}
