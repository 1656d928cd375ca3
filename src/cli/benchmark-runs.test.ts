import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { OwnBenchmarkRuns } from './benchmark-runs.ts';

/** Stands in for the command: says what it was told, and writes a report when it is left or interrupted. */
const script = `
const fs = require('node:fs');
const out = process.argv[process.argv.indexOf('--out') + 1];
console.error('arguments ' + process.argv.slice(1).join(' '));
const report = () => { fs.mkdirSync(out, { recursive: true }); fs.writeFileSync(out + '/report.html', 'the report'); };
process.on('SIGINT', () => { report(); process.exit(130); });
if (process.argv.includes('load')) setInterval(() => {}, 1000);
else if (process.argv.includes('quality')) { console.error('duanyun: no server'); process.exit(1); }
else { report(); process.exit(0); }
`;
const wishes = { quick: true, suites: ['scenarios'], targets: ['edge'] } as const;
let folder: string;
let runs: OwnBenchmarkRuns;
const open = (): OwnBenchmarkRuns =>
  new OwnBenchmarkRuns({
    folder,
    port: () => 4321,
    keyFile: '',
    clock: systemClock,
    log: silentLog,
    command: [process.execPath, path.join(folder, 'command.cjs')],
  });
const newest = async () => (await runs.list())[0];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'duanyun-benchmarks-'));
  writeFileSync(path.join(folder, 'command.cjs'), script);
  runs = open();
});
afterEach(async () => {
  await runs.dispose();
  rmSync(folder, { recursive: true, force: true });
});

it('runs one, and keeps its report over a restart of the server', async () => {
  const { id } = await runs.start(wishes);
  await expect.poll(async () => (await newest())?.state, { timeout: 30_000 }).toBe('done');
  runs = open();
  expect(await newest()).toMatchObject({ id, state: 'done', hasReport: true });
  expect(new TextDecoder().decode(await runs.report(id, 'html'))).toBe('the report');
  await expect(runs.report('../../etc', 'html')).rejects.toMatchObject({ code: 'not_found' });
  await expect(runs.compare(id, '20000101-000000')).rejects.toMatchObject({ code: 'not_found' });
});

it('refuses a second one at once; stopping writes what was measured', async () => {
  const { id } = await runs.start({ ...wishes, suites: ['load'] });
  await expect(runs.start(wishes)).rejects.toMatchObject({ code: 'conflict' });
  await expect.poll(async () => (await newest())?.message, { timeout: 30_000 }).toContain('--port 4321 --suites load');
  await runs.stop();
  expect(await newest()).toMatchObject({ id, state: 'interrupted', hasReport: true });
});

it('says why one failed, and that one is over whose server ended', async () => {
  await runs.start({ ...wishes, suites: ['quality'] });
  await expect.poll(async () => (await newest())?.state, { timeout: 30_000 }).toBe('failed');
  expect(await newest()).toMatchObject({ message: 'duanyun: no server', hasReport: false });
  const orphan = path.join(folder, '20270101-000000');
  mkdirSync(orphan);
  writeFileSync(path.join(orphan, 'run.json'), JSON.stringify({ id: '20270101-000000', state: 'running' }));
  expect(await newest()).toMatchObject({ id: '20270101-000000', state: 'interrupted' });
});
