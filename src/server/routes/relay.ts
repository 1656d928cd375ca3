/**
 * The role `cloud`: requests are checked like everywhere, then they go to an upstream as they are, and the bytes of its
 * answer to the client as they come. Nothing is rendered twice.
 */
import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { DuanyunError } from '../../core/errors.ts';
import { makeError } from '../../core/errors.ts';
import type { GenerationRequest } from '../../core/chat.ts';
import { checkWishes } from '../../gateway/gateway-service.ts';
import type { Pass, RequestFacts } from '../../gateway/gateway.ts';
import type { Relay, RelayPath, WireBody } from '../../gateway/relay-service.ts';
import { errorBody } from '../../protocol/error-body.ts';
import { keepAliveFrame } from '../../protocol/sse.ts';
import { admit, type Entry, type EntryContext, finishRequest } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { factsOf, type GatewaySide, takePass } from '../gateway-side.ts';
import { baseHeaders } from '../respond.ts';

export type RelayRequest = {
  path: RelayPath;
  body: WireBody;
  facts: RequestFacts;
  /** Answers that must come to an end. */
  choices: number;
};

/**
 * Passes a checked request on, where this is a gateway and nothing in the answer has to be changed. `undefined`: the
 * usual way. @throws as `relayAnswer` does
 */
export async function relayWhereItCan(
  entry: Entry,
  c: EntryContext,
  path: RelayPath,
  body: unknown,
  requests: readonly GenerationRequest[],
): Promise<Response | undefined> {
  const side = entry.gateway;
  const outgoing = c.env?.outgoing;
  if (side === undefined || outgoing === undefined || !side.relay.canPass(body as WireBody)) return undefined;
  checkWishes(requests[0]?.route);
  const facts = factsOf(entry, requests);
  return relayAnswer(entry, side, c, outgoing, {
    path,
    body: body as WireBody,
    facts,
    choices: requests.length,
  });
}

/** Answers over the connection itself. @throws DuanyunError before the first byte of the answer */
export async function relayAnswer(
  entry: Entry,
  side: GatewaySide,
  c: EntryContext,
  outgoing: ServerResponse,
  { path, body, facts, choices }: RelayRequest,
): Promise<Response> {
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const onClose = (): void => controller.abort(makeError('client_closed', {}));
  outgoing.once('close', onClose);
  const stream = body['stream'] === true && path !== '/embeddings';
  const answer = new RelayedAnswer(entry, c, outgoing, () => {
    outgoing.off('close', onClose);
    leave();
  });
  if (stream) answer.keepAlive();
  let pass: Pass | undefined;
  try {
    pass = await takePass(entry, c, facts, controller.signal);
    const relay = await side.relay.open(path, body, facts.model, choices, controller.signal);
    if (stream) answer.stream(relay, pass, controller);
    else answer.whole(relay, pass);
  } catch (error) {
    const own = normalised(error, c.get('requestId'), controller.signal);
    pass?.cancel();
    pass?.release();
    if (!answer.hasBegun) {
      answer.abandon();
      throw own;
    }
    answer.fail(own);
  }
  return RESPONSE_ALREADY_SENT;
}

const maxJoinedBytes = 16 * 1024;

/** The client's side of one relayed answer. */
class RelayedAnswer {
  hasBegun = false;
  readonly #entry: Entry;
  readonly #c: EntryContext;
  readonly #outgoing: ServerResponse;
  readonly #leave: () => void;
  #silence: NodeJS.Timeout | undefined;
  #stall: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(entry: Entry, c: EntryContext, outgoing: ServerResponse, leave: () => void) {
    this.#entry = entry;
    this.#c = c;
    this.#outgoing = outgoing;
    this.#leave = leave;
  }

  /** Comments while nothing comes, so that no proxy on the way gives up. The first one also sends the headers. */
  keepAlive(): void {
    const { keepAliveMs } = this.#entry.options;
    this.#silence = setTimeout(() => {
      if (this.#isOver) return;
      this.#begin();
      if (!this.#outgoing.writableNeedDrain) this.#outgoing.write(keepAliveFrame);
      this.#silence?.refresh();
    }, keepAliveMs);
  }

  stream(relay: Relay, pass: Pass | undefined, controller: AbortController): void {
    const outgoing = this.#outgoing;
    const { exchange } = relay;
    const settle = (): void => {
      pass?.count(exchange.usage, exchange.deltas);
      pass?.release();
    };
    this.#begin();
    relay.attach({
      data: (bytes) => {
        this.#silence?.refresh();
        if (outgoing.write(bytes)) return true;
        this.#awaitDrain(controller, () => exchange.resume());
        return false;
      },
      end: () => {
        settle();
        this.#end(200);
      },
      fail: (error) => {
        settle();
        this.fail(error);
      },
    });
  }

  whole({ exchange }: Relay, pass: Pass | undefined): void {
    pass?.count(exchange.usage);
    pass?.release();
    const body = exchange.body ?? Buffer.alloc(0);
    const headers = { ...this.#headers(), 'content-type': exchange.mediaType, 'content-length': body.length };
    this.hasBegun = true;
    this.#outgoing.writeHead(200, headers);
    // A small text goes out in one piece with the headers; bytes would be a second one.
    if (body.length < maxJoinedBytes) this.#outgoing.end(body.toString('latin1'), 'latin1');
    else this.#outgoing.end(body);
    this.#finish(200);
  }

  /** After the first byte: an error that says so, and no `[DONE]`. */
  fail(error: DuanyunError): void {
    if (this.#isOver) return;
    if (error.code === 'client_closed') {
      this.#outgoing.destroy();
      this.#entry.metrics.count('duanyun_client_disconnects_total');
      this.#finish(error.status, error);
      return;
    }
    this.#entry.metrics.count('duanyun_streams_broken_total', { code: error.code });
    this.#outgoing.write(`data: ${JSON.stringify(errorBody(error))}\n\n`);
    this.#outgoing.end();
    this.#finish(200, error);
  }

  /** Somebody else answers. */
  abandon(): void {
    clearTimeout(this.#silence);
    this.#isOver = true;
    this.#leave();
  }

  #begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.#c.set('streaming', true);
    this.#outgoing.writeHead(200, {
      ...this.#headers(),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
  }

  #end(status: number): void {
    if (this.#isOver) return;
    this.#outgoing.end();
    this.#finish(status);
  }

  /** A client that does not read holds what the connection's buffers hold, and not for ever. */
  #awaitDrain(controller: AbortController, resume: () => void): void {
    this.#stall = setTimeout(() => {
      controller.abort(makeError('client_closed', {}, { detail: 'the client did not read' }));
    }, this.#entry.options.writeStallMs);
    this.#outgoing.once('drain', () => {
      clearTimeout(this.#stall);
      if (!this.#isOver) resume();
    });
  }

  #finish(status: number, error?: DuanyunError): void {
    this.#isOver = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#stall);
    this.#c.set('streaming', true);
    this.#leave();
    const pass = this.#c.get('pass');
    finishRequest(this.#entry, this.#c, status, error, {
      model: pass?.model,
      promptTokens: pass?.usage?.promptTokens,
      completionTokens: pass?.usage?.completionTokens,
    });
  }

  #headers(): Record<string, string> {
    return { ...baseHeaders(this.#c), 'x-duanyun-target': 'cloud', 'x-duanyun-reasons': 'gateway' };
  }
}
