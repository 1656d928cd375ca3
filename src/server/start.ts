import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { makeError } from '../core/errors.ts';
import { errorBody } from '../protocol/error-body.ts';
import { createApp } from './app.ts';
import { serveDictation } from './dictation/socket.ts';
import { checkBind } from './bind.ts';
import type { Drain } from './drain.ts';
import { errorResponse } from './error-response.ts';
import { type AppParts, defaultServerOptions, type ServerOptions } from './options.ts';
import { createTlsServer, readTls, type TlsMaterial, watchTls } from './tls.ts';

export type RunningServer = {
  /** `http://127.0.0.1:8131`, without a slash at the end. */
  url: string;
  port: number;
  /**
   * Takes no more requests, waits up to `graceMs` for those that run, then ends them with `shutting_down`.
   *
   * @param announceMs before that `/health` says 503 for so long while requests are still taken, each on a connection that
   * is closed after it: who looks at `/health` goes elsewhere, and nobody meets a closed door. Default 0.
   */
  close(graceMs: number, announceMs?: number): Promise<void>;
};

/** How long an aborted request has to write its last frame. */
const lastWordsMs = 1000;

/** @throws `insecure_bind`, `port_in_use`, `config_invalid` (an address that is not this machine's) */
export async function startServer(parts: AppParts): Promise<RunningServer> {
  const options = { ...defaultServerOptions, ...parts.options };
  if (options.requireKey === 'auto') checkBind(options.host, options.apiKeys);
  const { hono, drain, entry, access } = createApp(parts);
  const respond = getRequestListener((request, env) => hono.fetch(request, env), {
    hostname: 'localhost',
    errorHandler: () => errorResponse(makeError('invalid_request', { reason: 'The request line is not valid.' })),
  });
  const responses = new Set<ServerResponse>();
  const tls = options.tls === undefined ? undefined : readTls(options.tls);
  const server = newServer(
    tls,
    {
      headersTimeout: options.headersTimeoutMs,
      // The body's own limit answers in our form; this one only backs it up.
      requestTimeout: options.headersTimeoutMs + options.bodyTimeoutMs + 5000,
      keepAliveTimeout: options.idleConnectionMs,
      maxHeaderSize: options.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(5000, options.headersTimeoutMs),
    },
    (incoming, outgoing) => {
      watchWrites(outgoing, options.writeStallMs);
      responses.add(outgoing);
      outgoing.once('close', () => responses.delete(outgoing));
      if (drain.leaving) outgoing.setHeader('connection', 'close');
      void respond(incoming, outgoing);
    },
  );
  server.maxConnections = options.maxConnections;
  server.on('clientError', answerClientError);
  const dictations = parts.dictation === undefined ? undefined : serveDictation(server, entry, access, parts.dictation);
  await listen(server, options);
  const stopWatching = options.tls === undefined ? undefined : watchTls(server, options.tls, parts.log);
  const { port, family, address } = server.address() as AddressInfo;
  const name = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${port}`,
    port,
    async close(graceMs, announceMs = 0) {
      drain.announce();
      // Nothing to wait for where there is nobody to tell.
      if (announceMs > 0) await sleep(announceMs);
      stopWatching?.();
      await close(server, drain, responses, { graceMs, last: () => dictations?.close() });
    },
  };
}

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function newServer(tls: TlsMaterial | undefined, options: object, listener: Listener): Server {
  if (tls === undefined) return createServer(options, listener);
  return createTlsServer(options, tls, listener);
}

function listen(server: Server, options: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const { host, port } = options;
      if (error.code === 'EADDRINUSE') reject(makeError('port_in_use', { port, host }, { cause: error }));
      else reject(makeError('config_invalid', { reason: `cannot listen on ${host}:${port}` }, { cause: error }));
    };
    server.once('error', onError);
    server.listen(options.port, options.host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

async function close(
  server: Server,
  drain: Drain,
  responses: ReadonlySet<ServerResponse>,
  { graceMs, last }: { graceMs: number; last: () => void },
): Promise<void> {
  drain.begin();
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  if (!(await drain.idle(graceMs))) {
    drain.abortAll();
    await drain.idle(lastWordsMs);
  }
  const flushed = Promise.all([...responses].map((response) => once(response, 'close')));
  const limit = new AbortController();
  await Promise.race([flushed, sleep(lastWordsMs, undefined, { signal: limit.signal }).catch(() => {})]);
  limit.abort();
  last();
  // Also those that never sent a request, which Node does not count as idle.
  server.closeAllConnections();
  await closed;
}

/** A whole answer that the client never reads must not keep its connection for ever. */
function watchWrites(outgoing: ServerResponse, writeStallMs: number): void {
  outgoing.once('prefinish', () => {
    if (outgoing.writableLength === 0) return;
    const timer = setTimeout(() => outgoing.destroy(), writeStallMs);
    timer.unref();
    outgoing.once('close', () => clearTimeout(timer));
  });
}

/** What Node's parser refuses before there is a request: in our form too. */
function answerClientError(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text, own] = clientErrorAnswer(error.code);
  const body = JSON.stringify(errorBody(own));
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // One that neither reads this nor hangs up would keep its connection.
  setTimeout(() => socket.destroy(), lastWordsMs).unref();
}

function clientErrorAnswer(code: string | undefined): [number, string, ReturnType<typeof makeError>] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'Request Timeout', makeError('invalid_request', { reason: 'The request did not arrive in time.' })];
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const reason = 'The request headers are too large.';
    return [431, 'Request Header Fields Too Large', makeError('invalid_request', { reason })];
  }
  return [400, 'Bad Request', makeError('invalid_request', { reason: 'The request is not valid HTTP.' })];
}
