/** An OpenAI-compatible server that plays scripts and records every byte that reaches it. For tests only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type CloudRequest = { path: string; body: Record<string, unknown>; headers: IncomingMessage['headers'] };
/** Answers one POST. */
export type Play = (request: CloudRequest, response: ServerResponse) => void | Promise<void>;

export class FakeCloud {
  play: Play = sayHello;
  models = ['cloud-1'];
  /** Status of `/health`. */
  healthStatus = 200;
  metricsText: string | undefined;
  /** Raw bodies of every request, oldest first. */
  readonly bodies: string[] = [];
  readonly requests: CloudRequest[] = [];
  /** TCP connections that were made, over the whole life. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  readonly #scheme: string;

  constructor(tls?: { key: string; cert: string }) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('clientError', () => {});
  }

  get url(): string {
    return `${this.#scheme}://localhost:${this.#port}/v1`;
  }

  /** All that was ever received, as one text. */
  get received(): string {
    return this.bodies.join('\n');
  }

  /** Again on the port it had before. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, 'localhost', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const path = request.url ?? '';
    if (request.method === 'GET') {
      this.#information(path, response);
      return;
    }
    this.bodies.push(text);
    const asked = { path, body: JSON.parse(text) as Record<string, unknown>, headers: request.headers };
    this.requests.push(asked);
    await this.play(asked, response);
  }

  #information(path: string, response: ServerResponse): void {
    if (path === '/health') response.writeHead(this.healthStatus).end();
    else if (path === '/v1/models') {
      const data = this.models.map((id) => ({ id, object: 'model', max_model_len: 4096 }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }));
    } else if (path === '/metrics' && this.metricsText !== undefined) response.writeHead(200).end(this.metricsText);
    else response.writeHead(404).end();
  }
}

export function startStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

export function sendDelta(response: ServerResponse, delta: object, finishReason: string | null = null): void {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  response.write(
    `data: ${JSON.stringify({ id: 'x', model: 'cloud-1', object: 'chat.completion.chunk', choices })}\n\n`,
  );
}

export function sendEnd(response: ServerResponse, completionTokens: number, finishReason = 'stop'): void {
  sendDelta(response, {}, finishReason);
  const usage = { prompt_tokens: 9, completion_tokens: completionTokens, total_tokens: 9 + completionTokens };
  response.write(`data: ${JSON.stringify({ model: 'cloud-1', choices: [], usage })}\n\n`);
  response.end('data: [DONE]\n\n');
}

/** A whole answer, word by word. */
export function say(text: string): Play {
  return ({ path }, response) => {
    if (path.endsWith('/embeddings')) {
      sendEmbeddings(response, 1);
      return;
    }
    startStream(response);
    sendDelta(response, { role: 'assistant', content: '' });
    const words = text.match(/\S+\s*/gu) ?? [];
    for (const word of words) sendDelta(response, { content: word });
    sendEnd(response, words.length);
  };
}

export const sayHello: Play = say('Hello from the cloud.');

export function sendEmbeddings(response: ServerResponse, count: number): void {
  const data = Array.from({ length: count }, (_, index) => ({ index, embedding: [3, 4] }));
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ model: 'cloud-1', data, usage: { prompt_tokens: 2 } }));
}

/** A stream where one was asked for, else one body that cost 10 and 5 tokens. */
export function sayAsAsked(text: string): Play {
  return (request, response) => {
    if (request.body['stream'] === true || request.path.endsWith('/embeddings')) return say(text)(request, response);
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'chatcmpl-upstream', object: 'chat.completion', model: 'cloud-1', choices, usage }));
  };
}

/** A status and nothing useful. */
export function refuseWith(status: number, headers: Record<string, string> = {}, body = '{}'): Play {
  return (_, response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

/** The text of the newest message that was asked. */
export function askedText({ body }: CloudRequest): string {
  const messages = body['messages'] as { content: string }[] | undefined;
  return messages?.at(-1)?.content ?? String(body['prompt']);
}
