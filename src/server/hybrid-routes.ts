import type { Hono } from 'hono';
import type { GenerationRequest } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import { toChatGeneration } from '../protocol/chat-request.ts';
import { chatSchema } from '../protocol/chat-schema.ts';
import { policyCheckSchema } from '../protocol/policy-check.ts';
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
  /** Newest first. */
  receipts(limit: number): object[];
  /** The policy that holds, as the file would say it, without the user's words. */
  policyText(): string;
  /** @throws `policy_invalid` with the line and a hint */
  checkPolicy(text: string): object;
  /** The very report that would be sent for today, and where to, where that is switched on. */
  statisticsPreview(): { report: object; url?: string };
};

/** Only where this server receives other servers' statistics. */
export type StatisticsControl = {
  add(report: StatisticsReport): void;
  totals(): Record<string, number | Record<string, number>>;
};

/** Receipts of one answer of the list. */
const defaultReceipts = 100;
const mostReceipts = 1000;
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

  app.get('/v1/policy', (c) => json(c, { text: hybrid.policyText() }));

  app.post('/v1/policy/check', async (c) => {
    const { text } = parseWire(policyCheckSchema, await readJson(c, entry.options));
    return json(c, { status: 'ok', policy: hybrid.checkPolicy(text) });
  });

  app.get('/v1/stats/preview', (c) => json(c, hybrid.statisticsPreview()));

  app.get('/v1/receipts', (c) => {
    const limit = Number(c.req.query('limit') ?? defaultReceipts);
    if (!Number.isInteger(limit) || limit < 1 || limit > mostReceipts) {
      throw makeError('invalid_request', { reason: `limit must be 1 to ${mostReceipts}` }, { param: 'limit' });
    }
    return json(c, { object: 'list', data: hybrid.receipts(limit) });
  });

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
