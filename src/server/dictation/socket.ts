/** `GET /v1/realtime?intent=transcription` and `GET /v1/audio/dictation` as WebSockets: who may, how many, how long. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { type DuanyunError, makeError, toDuanyunError } from '../../core/errors.ts';
import type { Transcriber, VoiceWatcher } from '../../core/perception.ts';
import { errorBody } from '../../protocol/error-body.ts';
import { dictationOf, parseDictationCommand, realtimeEvents, type DictationEvent } from '../../protocol/realtime.ts';
import type { Access } from '../access.ts';
import { admit, type Entry, newId } from '../entry.ts';
import { dictationPaths } from './routes.ts';
import { DictationSession } from './session.ts';

export type Dictation = Transcriber & VoiceWatcher;

const paths: ReadonlySet<string> = new Set(dictationPaths);
/** Half a minute of sound at 24 kHz as base64 and some. */
const mostMessageBytes = 2 * 1024 * 1024;
/** A client that does not read what it is told. */
const mostUnreadBytes = 1024 * 1024;
const keyProtocol = 'openai-insecure-api-key.';
/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const closeCodes = { done: 1000, goingAway: 1001, policy: 1008, tooBig: 1009, failed: 1011, overloaded: 1013 };

/** Takes the upgrades of the server. What is no WebSocket goes on as a plain request. */
export function serveDictation(server: Server, entry: Entry, access: Access, dictation: Dictation): { close(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: mostMessageBytes,
    perMessageDeflate: false,
    // The key stands among the protocols where a browser calls; it is not repeated.
    handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      asPlainRequest(server, request, socket, head);
      return;
    }
    void upgrade(request, socket, head);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const settings = await accept(request);
      sockets.handleUpgrade(request, socket, head, (webSocket) => run(entry, webSocket, dictation, settings));
    } catch (error) {
      refuse(socket, toDuanyunError(error));
    }
  }

  async function accept(request: IncomingMessage) {
    const host = request.headers.host ?? '';
    access.checkHost(host);
    const { origin } = request.headers;
    if (origin !== undefined) access.checkOrigin(origin, host);
    await access.identify(authorizationOf(request));
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (!paths.has(url.pathname)) {
      throw makeError('route_not_found', { method: 'GET', path: url.pathname.slice(0, 200) });
    }
    const settings = dictationOf(url.searchParams);
    entry.drain.check();
    const { maxDictations } = entry.options;
    if (sockets.clients.size >= maxDictations) {
      const parameters = { queued: sockets.clients.size, retryAfterSeconds: 5 };
      throw makeError('queue_full', parameters, { retryAfterSeconds: 5 });
    }
    return settings;
  }

  return {
    close() {
      // They were told; whoever has not hung up by now does not get to keep the server.
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}

function authorizationOf(request: IncomingMessage): string | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const key = offered.find((each) => each.startsWith(keyProtocol))?.slice(keyProtocol.length);
  return request.headers.authorization ?? (key === undefined ? undefined : `Bearer ${key}`);
}

function run(entry: Entry, socket: WebSocket, dictation: Dictation, settings: ReturnType<typeof dictationOf>): void {
  const controller = new AbortController();
  const { signal } = controller;
  let idle: NodeJS.Timeout | undefined;
  let leave = (): void => {};
  const send = (event: DictationEvent): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > mostUnreadBytes) {
      socket.close(closeCodes.policy, 'the client does not read');
      return;
    }
    for (const body of realtimeEvents(event)) socket.send(JSON.stringify({ event_id: newId('event_'), ...body }));
  };
  const fail = (error: DuanyunError): void => {
    send({ type: 'error', error });
    socket.close(closeOf(error), error.code);
    controller.abort(error);
  };
  try {
    leave = admit(entry, controller);
  } catch (error) {
    fail(toDuanyunError(error));
    return;
  }
  const voice = dictation.watchVoice();
  const { dictationIdleMs } = entry.options;
  const stayAwake = (): void => {
    clearTimeout(idle);
    idle = setTimeout(() => {
      socket.close(closeCodes.policy, `no sound for ${dictationIdleMs / 1000} s`);
    }, dictationIdleMs);
  };
  const parts = { transcriber: dictation, voice, settings, id: newId('sess_'), newItemId: () => newId('item_') };
  const session = new DictationSession({ ...parts, emit: send, fail, signal });
  stayAwake();
  // Set by the server when it ends: whoever dictates is told.
  signal.addEventListener('abort', () => {
    const { code } = signal.reason as { code?: string };
    if (code === 'shutting_down') {
      send({ type: 'error', error: signal.reason as DuanyunError });
      socket.close(closeCodes.goingAway, code);
    }
  });
  socket.on('message', (data: RawData, isBinary: boolean) => {
    stayAwake();
    try {
      const bytes = bytesOf(data);
      if (isBinary && bytes.length % 2 !== 0) {
        throw makeError('invalid_request', { reason: 'A binary message must hold whole samples of PCM16.' });
      }
      const command = isBinary
        ? ({ type: 'append', pcm: bytes } as const)
        : parseDictationCommand(bytes.toString('utf8'));
      void session.take(command);
    } catch (error) {
      // A wrong event costs itself, not the dictation.
      send({ type: 'error', error: toDuanyunError(error) });
    }
  });
  // Of the protocol, such as a message that is too large: ws closes with its code.
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(idle);
    if (!signal.aborted) controller.abort(makeError('client_closed', {}));
    void voice.close();
    leave();
  });
}

function closeOf({ code }: DuanyunError): number {
  if (code === 'queue_full' || code === 'engine_overloaded') return closeCodes.overloaded;
  return code === 'shutting_down' ? closeCodes.goingAway : closeCodes.failed;
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

function refuse(socket: Duplex, error: DuanyunError): void {
  const body = JSON.stringify(errorBody(error));
  const retry = error.retryAfterSeconds === undefined ? '' : `retry-after: ${error.retryAfterSeconds}\r\n`;
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${error.status} Refused\r\ncontent-type: application/json\r\n${retry}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/**
 * Node hands over every request that offers an upgrade once one is taken; Java's client offers HTTP/2 with each. Such a
 * request is read again from its first byte, without the offer.
 */
function asPlainRequest(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const kept: string[] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2);
    if (!/^(?:upgrade|http2-settings|connection)$/i.test(name)) kept.push(`${name}: ${value}\r\n`);
  }
  const first = `${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}\r\n`;
  socket.unshift(Buffer.concat([Buffer.from(`${first}${kept.join('')}\r\n`, 'latin1'), head]));
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}
