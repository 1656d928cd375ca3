import type { Hono } from 'hono';
import { ChatStreamEncoder, chatBody } from '../../protocol/chat-answer.ts';
import { toChatGeneration } from '../../protocol/chat-request.ts';
import { chatSchema } from '../../protocol/chat-schema.ts';
import { CompletionStreamEncoder, completionBody } from '../../protocol/completion-answer.ts';
import { completionSchema, toCompletionGeneration } from '../../protocol/completion-request.ts';
import type { AnswerContext, ParsedGeneration } from '../../protocol/generation.ts';
import { tokenListLimits } from '../../protocol/json-body.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import { responsesBody } from '../../protocol/responses-answer.ts';
import { toResponsesGeneration } from '../../protocol/responses-request.ts';
import { responsesSchema } from '../../protocol/responses-schema.ts';
import { ResponsesStreamEncoder } from '../../protocol/responses-stream.ts';
import { answerRequest } from '../answer-request.ts';
import { type Entry, type EntryEnv, newId } from '../entry.ts';
import { readJson } from '../read-body.ts';
import { relayWhereItCan } from './relay.ts';

export function addGenerationRoutes(app: Hono<EntryEnv>, entry: Entry): void {
  const newContext = (id: string, parsed: ParsedGeneration, choicesPerPrompt: number): AnswerContext => ({
    id,
    createdSeconds: Math.floor(entry.clock.wallTime() / 1000),
    requestedModel: parsed.requests[0]?.model ?? '',
    includeUsage: parsed.includeUsage,
    choiceCount: parsed.requests.length,
    choicesPerPrompt,
  });

  app.post('/v1/chat/completions', async (c) => {
    const body = await readJson(c, entry.options);
    const wire = parseWire(chatSchema, body);
    const id = newId('chatcmpl-');
    const parsed = toChatGeneration(wire, id);
    const relayed = await relayWhereItCan(entry, c, '/chat/completions', body, parsed.requests);
    if (relayed !== undefined) return relayed;
    const context = newContext(id, parsed, parsed.requests.length);
    return answerRequest(entry, c, parsed, {
      context,
      newEncoder: () => new ChatStreamEncoder(context),
      body: (collected) => chatBody(context, collected),
    });
  });

  app.post('/v1/completions', async (c) => {
    const body = await readJson(c, entry.options, tokenListLimits);
    const wire = parseWire(completionSchema, body);
    const id = newId('cmpl-');
    const parsed = toCompletionGeneration(wire, id);
    const relayed = await relayWhereItCan(entry, c, '/completions', body, parsed.requests);
    if (relayed !== undefined) return relayed;
    const context = newContext(id, parsed, parsed.choicesPerPrompt);
    return answerRequest(entry, c, parsed, {
      context,
      newEncoder: () => new CompletionStreamEncoder(context),
      body: (collected) => completionBody(context, collected),
    });
  });

  app.post('/v1/responses', async (c) => {
    const wire = parseWire(responsesSchema, await readJson(c, entry.options));
    const id = newId('resp_');
    const parsed = toResponsesGeneration(wire, id);
    const context = newContext(id, parsed, 1);
    return answerRequest(entry, c, parsed, {
      context,
      newEncoder: () => new ResponsesStreamEncoder(wire, context),
      body: (collected) => responsesBody(wire, context, collected),
    });
  });
}
