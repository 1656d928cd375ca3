import type { Hono } from 'hono';
import type { BenchmarkDifference, BenchmarkRun, BenchmarkRuns, ReportForm } from '../../core/benchmark.ts';
import { benchmarkSchema, compareSchema } from '../../protocol/benchmark.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import type { Entry, EntryEnv } from '../entry.ts';
import { readJson } from '../read-body.ts';
import { baseHeaders, json } from '../respond.ts';

/** Starts `duanyun bench` against this server, watches it, and hands out what it wrote. */
export function addBenchmarkRoutes(app: Hono<EntryEnv>, entry: Entry, runs: BenchmarkRuns): void {
  app.get('/v1/benchmarks', async (c) => json(c, { object: 'list', data: (await runs.list()).map(runBody) }));

  app.post('/v1/benchmarks', async (c) => {
    const wishes = parseWire(benchmarkSchema, await readJson(c, entry.options));
    return json(c, runBody(await runs.start(wishes)));
  });

  app.post('/v1/benchmarks/stop', async (c) => {
    await runs.stop();
    return json(c, { status: 'stopped' });
  });

  app.post('/v1/benchmarks/compare', async (c) => {
    const { first, second } = parseWire(compareSchema, await readJson(c, entry.options));
    return json(c, { object: 'list', data: (await runs.compare(first, second)).map(differenceBody) });
  });

  app.get('/v1/benchmarks/:id/report', async (c) => {
    const asked = c.req.query('form') ?? 'html';
    const language = c.req.query('language') === 'zh' ? 'zh' : 'en';
    const form: ReportForm = asked === 'markdown' ? `markdown-${language}` : 'html';
    const bytes = await runs.report(c.req.param('id'), form);
    const markdown = form !== 'html';
    return new Response(bytes, {
      headers: {
        ...baseHeaders(c),
        'content-type': markdown ? 'text/markdown; charset=utf-8' : 'text/html; charset=utf-8',
        'x-content-type-options': 'nosniff',
        // The report brings its own scripts for its charts; they may draw and nothing else.
        'content-security-policy':
          "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:",
        ...(markdown ? {} : { 'content-disposition': `attachment; filename="duanyun-${c.req.param('id')}.html"` }),
      },
    });
  });
}

function runBody({ startedAt, elapsedMs, hasReport, ...run }: BenchmarkRun): object {
  return { ...run, started_at: startedAt, elapsed_ms: elapsedMs, has_report: hasReport };
}

function differenceBody({ isShare, ...difference }: BenchmarkDifference): object {
  return { ...difference, is_share: isShare };
}
