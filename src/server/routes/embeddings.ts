import type { ServerResponse } from 'node:http';
import type { Hono } from 'hono';
import type { EmbeddingRequest } from '../../core/chat.ts';
import { checkWishes } from '../../gateway/gateway-service.ts';
import type { WireBody } from '../../gateway/relay-service.ts';
import { embeddingBody, embeddingSchema, toEmbeddingRequest } from '../../protocol/embedding.ts';
import { tokenListLimits } from '../../protocol/json-body.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import { abortWithClient, receiptHeaders } from '../answer-request.ts';
import { admit, type Entry, type EntryContext, type EntryEnv, newId } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { type GatewaySide, textTokens } from '../gateway-side.ts';
import { readJson } from '../read-body.ts';
import { json } from '../respond.ts';
import { relayAnswer } from './relay.ts';

export function addEmbeddingRoutes(app: Hono<EntryEnv>, entry: Entry): void {
  app.post('/v1/embeddings', async (c) => {
    const body = await readJson(c, entry.options, tokenListLimits);
    const wire = parseWire(embeddingSchema, body);
    if (entry.gateway !== undefined && c.env?.outgoing !== undefined) {
      return relayEmbedding(entry, entry.gateway, c, body as WireBody, toEmbeddingRequest(wire, newId('embd-')));
    }
    const controller = new AbortController();
    const leave = admit(entry, controller);
    const unlink = abortWithClient(c, controller);
    try {
      const request = toEmbeddingRequest(wire, newId('embd-'));
      const result = await entry.service.embed(request, { signal: controller.signal });
      entry.metrics.count(
        'duanyun_prompt_tokens_total',
        { model: result.model, target: result.receipt?.target ?? 'device' },
        result.promptTokens,
      );
      return json(c, embeddingBody(result, wire), receiptHeaders(result.receipt));
    } catch (error) {
      throw normalised(error, c.get('requestId'), controller.signal);
    } finally {
      unlink();
      leave();
    }
  });
}

/** In the role `cloud`. */
async function relayEmbedding(
  entry: Entry,
  side: GatewaySide,
  c: EntryContext,
  body: WireBody,
  request: EmbeddingRequest,
): Promise<Response> {
  checkWishes(request.route);
  let promptTokens = 0;
  for (const input of request.inputs) promptTokens += typeof input === 'string' ? textTokens(input) : input.length;
  const facts = { model: side.relay.modelOf(request.model), promptTokens, maxTokens: undefined, priority: 0 };
  const outgoing = c.env.outgoing as ServerResponse;
  return relayAnswer(entry, side, c, outgoing, { path: '/embeddings', body, facts, choices: 1 });
}
