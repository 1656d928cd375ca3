import type { Hono } from 'hono';
import { embeddingBody, embeddingSchema, toEmbeddingRequest } from '../../protocol/embedding.ts';
import { tokenListLimits } from '../../protocol/json-body.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import { abortWithClient, receiptHeaders } from '../answer-request.ts';
import { admit, type Entry, type EntryEnv, newId } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { readJson } from '../read-body.ts';
import { json } from '../respond.ts';

export function addEmbeddingRoutes(app: Hono<EntryEnv>, entry: Entry): void {
  app.post('/v1/embeddings', async (c) => {
    const wire = parseWire(embeddingSchema, await readJson(c, entry.options, tokenListLimits));
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
