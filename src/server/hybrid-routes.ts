import type { Hono } from 'hono';
import type { GenerationRequest } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import { toChatGeneration } from '../protocol/chat-request.ts';
import { chatSchema } from '../protocol/chat-schema.ts';
import { parseWire } from '../protocol/parse-wire.ts';
import { statisticsReportSchema, type StatisticsReport } from '../protocol/statistics-report.ts';
import { type Entry, type EntryEnv, newId } from './entry.ts';
import { checkOperator } from './gateway-side.ts';
import { readJson } from './read-body.ts';
import { baseHeaders, json } from './respond.ts';

/** What the hybrid side offers beside answers. */
export type HybridControl = {
  explain(request: GenerationRequest): Promise<object>;
  /** What decisions are made from now: the policy without the user's words, and the state of both sides. */
  situation(): object;
  receipt(id: string): object | undefined;
};

/** Only where this server receives other servers' statistics. */
export type StatisticsControl = {
  add(report: StatisticsReport): void;
  totals(): Record<string, number | Record<string, number>>;
};

/** A day's report is a few kilobytes. */
const maxReportBytes = 256 * 1024;

export function addHybridRoutes(app: Hono<EntryEnv>, entry: Entry, hybrid: HybridControl): void {
  app.post('/v1/route', async (c) => {
    const wire = parseWire(chatSchema, await readJson(c, entry.options));
    const [request] = toChatGeneration(wire, newId('route-')).requests;
    if (request === undefined) throw makeError('invalid_request', { reason: 'There is nothing to explain.' });
    return json(c, await hybrid.explain(request));
  });

  app.get('/v1/route', (c) => json(c, hybrid.situation()));

  app.get('/v1/receipts/:id', (c) => {
    const receipt = hybrid.receipt(c.req.param('id'));
    if (receipt === undefined) throw makeError('not_found', { what: 'The receipt' });
    return json(c, receipt);
  });
}

export function addStatisticsRoutes(app: Hono<EntryEnv>, entry: Entry, statistics: StatisticsControl): void {
  app.post('/v1/stats', async (c) => {
    const body = await readJson(c, { ...entry.options, maxBodyBytes: maxReportBytes });
    statistics.add(parseWire(statisticsReportSchema, body));
    return json(c, { status: 'accepted' });
  });
  app.get('/v1/stats', (c) => {
    if (entry.gateway !== undefined) checkOperator(c);
    const totals = statistics.totals();
    if (c.req.header('accept')?.includes('text/html') !== true) return json(c, totals);
    return new Response(totalsPage(totals), {
      headers: { ...baseHeaders(c), 'content-type': 'text/html; charset=utf-8' },
    });
  });
}

/** All words come from the closed lists of the schema, so nothing needs to be escaped. */
function totalsPage(totals: Record<string, number | Record<string, number>>): string {
  const tables = Object.entries(totals).map(([name, value]) => {
    if (typeof value === 'number') return `<p>${name}: ${value}</p>`;
    const rows = Object.entries(value).map(([word, count]) => `<tr><td>${word}</td><td>${count}</td></tr>`);
    return `<h2>${name}</h2><table>${rows.join('')}</table>`;
  });
  return `<!doctype html><meta charset="utf-8"><title>Duanyun statistics</title><h1>Anonymous statistics</h1>${tables.join('')}`;
}
