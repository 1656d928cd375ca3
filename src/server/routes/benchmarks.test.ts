import { afterEach, expect, it } from 'vitest';
import { appParts, postJson } from '../../../test/support/app-client.ts';
import { ScriptedBackend } from '../../../test/support/scripted-backend.ts';
import type { BenchmarkRun, BenchmarkRuns } from '../../core/benchmark.ts';
import { makeError } from '../../core/errors.ts';
import { createApp } from '../app.ts';

const run: BenchmarkRun = {
  id: '20261127-120000',
  startedAt: '2026-11-27T12:00:00.000Z',
  quick: true,
  suites: ['scenarios'],
  targets: ['edge'],
  state: 'done',
  message: '',
  elapsedMs: 1,
  hasReport: true,
};
let started: unknown[] = [];
const runs: BenchmarkRuns = {
  list: () => Promise.resolve([run]),
  start: (wishes) => {
    started.push(wishes);
    return Promise.resolve(run);
  },
  stop: () => Promise.resolve(),
  report: (id) =>
    id === run.id
      ? Promise.resolve(new TextEncoder().encode('<script>1</script>'))
      : Promise.reject(makeError('not_found', { what: 'The report' })),
  compare: () => Promise.resolve([]),
};
const { hono } = createApp(appParts(new ScriptedBackend(), { benchmarks: runs }));
afterEach(() => {
  started = [];
});

it('starts what was asked for, and names the field that is wrong', async () => {
  expect((await postJson(hono, '/v1/benchmarks', { suites: ['load'] })).status).toBe(200);
  expect(started).toEqual([{ quick: true, suites: ['load'], targets: ['edge'] }]);
  for (const body of [{ suites: [] }, { suites: ['rm -rf'] }, { targets: ['http://elsewhere'] }]) {
    const response = await postJson(hono, '/v1/benchmarks', body);
    expect(response.status).toBe(400);
  }
  expect(started).toHaveLength(1);
});

it('hands out a report that can touch nothing of this server', async () => {
  const response = await hono.request(`http://localhost/v1/benchmarks/${run.id}/report`);
  expect(response.headers.get('content-security-policy')).toMatch(/^sandbox .*default-src 'none'/);
  expect(response.headers.get('content-disposition')).toContain('attachment');
  expect((await hono.request('http://localhost/v1/benchmarks/nowhere/report')).status).toBe(404);
});
