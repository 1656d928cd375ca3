/** `duanyun bench`, the real command, against servers that behave and one that does not. No model is needed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPacedServer } from '../../src/bench/client/paced-server.ts';
import { readResults } from '../../src/bench/results-file.ts';
import { chromiumFlags, findChromium, noChromium } from '../support/find-chromium.ts';
import { environmentWith, projectRoot, runDuanyun } from './duanyun-process.ts';

let fast: Awaited<ReturnType<typeof startPacedServer>>;
let slow: Awaited<ReturnType<typeof startPacedServer>>;
beforeAll(async () => {
  fast = await startPacedServer({ firstMs: 20, gapMs: 2, tokens: 8 });
  slow = await startPacedServer({ firstMs: 60, gapMs: 6, tokens: 8 });
});
afterAll(async () => {
  await fast.dispose();
  await slow.dispose();
});

const browser = findChromium();
/** Of the first test; the browser opens it. */
let reportFile = '';

const folder = (): string => mkdtempSync(path.join(os.tmpdir(), 'duanyun-bench-'));

describe('duanyun bench', () => {
  it('writes a report of two targets that needs nothing else', async () => {
    const out = folder();
    const targets = ['--target', `one=${fast.url}`, '--target', `two=${slow.url}#other`];
    const run = await runDuanyun(['bench', '--quick', ...targets, '--out', out, '--fact', 'two.device=a <b>phone</b>']);
    expect(run.stderr).not.toContain('error');
    expect(run.code).toBe(0);
    const results = await readResults(path.join(out, 'requests.jsonl'));
    expect(results.end).toMatchObject({ complete: true });
    expect(new Set(results.requests.map(({ suite }) => suite))).toEqual(
      new Set(['scenarios', 'load', 'sustained', 'quality']),
    );
    reportFile = path.join(out, 'report.html');
    const html = readFileSync(reportFile, 'utf8');
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    expect(html).toContain('&lt;b&gt;phone');
    const markdown = readFileSync(path.join(out, 'report.md'), 'utf8');
    expect(markdown).toMatch(/\| Time to first token \(TTFT\), warm \| \d+ ms \[.*\| \d+ ms \[.*\| 0\.\d\d \[/);
    expect(markdown).toMatch(/Picture description, cold \| \d+ ms/);
    // Both answer as if there were none, and say so by their usage.
    expect(markdown).toMatch(
      /two, scenarios, picture-description: .* too few for a picture, which may have been ignored/,
    );
    expect(JSON.parse(readFileSync(path.join(out, 'requests.schema.json'), 'utf8'))).toHaveProperty('oneOf');
    // The slower server against the faster, by the same command that CI uses.
    const compare = await runDuanyun([
      'bench',
      'compare',
      path.join(out, 'requests.jsonl'),
      path.join(out, 'requests.jsonl'),
    ]);
    expect(compare.code).toBe(0);
    expect(compare.stdout).toContain('same');
  }, 120_000);

  it('opens in a browser from disk, with its charts drawn', ({ skip }) => {
    if (browser === undefined) return skip(noChromium);
    const flags = [...chromiumFlags, '--virtual-time-budget=5000'];
    const dom = execFileSync(browser, [...flags, '--dump-dom', `file://${reportFile}`], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 ** 2,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // Set by the last line of the page's script: nothing before it threw.
    expect(dom).toContain('data-ready="yes"');
    const charts = dom.match(/id="chart-\d+"/g) ?? [];
    expect(charts.length).toBeGreaterThan(5);
    // Each has a drawing, and the library loaded nothing.
    expect((dom.match(/<svg [^>]*xmlns/g) ?? []).length).toBeGreaterThanOrEqual(charts.length);
  }, 60_000);

  it('keeps what was measured after Ctrl-C and says that it is incomplete', async () => {
    const out = folder();
    const child = spawn(
      process.execPath,
      [path.join(projectRoot, 'bin', 'duanyun'), 'bench', '--target', `one=${slow.url}`, '--out', out],
      { env: environmentWith(), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const file = path.join(out, 'requests.jsonl');
    child.stderr.resume();
    while (!existsSync(file) || (readFileSync(file, 'utf8').match(/"type":"request"/g) ?? []).length < 5) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    const results = await readResults(file);
    expect(results.end).toMatchObject({ complete: false, reason: 'interrupted' });
    expect(results.requests.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(3);
    expect(readFileSync(path.join(out, 'report.md'), 'utf8')).toContain('INCOMPLETE');
  }, 60_000);

  it('names a target that is down', async () => {
    const run = await runDuanyun(['bench', '--target', 'x=http://127.0.0.1:1/v1', '--out', folder()]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('error [server_unreachable]');
  });

  it('shows two targets with different models loudly, and a missing usage', async () => {
    const server = createServer((incoming, outgoing) => {
      incoming.resume().on('end', () => {
        if (incoming.method === 'GET') {
          outgoing.end('{"data":[{"id":"big"}]}');
          return;
        }
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.end(
          `data: ${JSON.stringify({ model: 'big', choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
        );
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const out = folder();
    const big = `big=http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    await runDuanyun([
      'bench',
      '--quick',
      '--suites',
      'sustained',
      '--target',
      `one=${fast.url}`,
      '--target',
      big,
      '--out',
      out,
    ]);
    server.closeAllConnections();
    server.close();
    const markdown = readFileSync(path.join(out, 'report.md'), 'utf8');
    expect(markdown).toContain('DIFFERENT MODELS (one: paced; big: big)');
    expect(markdown).toContain('big: 5 answers came without usage');
  }, 60_000);
});

describe('a target that fails in the middle', () => {
  it('is shown as such: what it lacks, that it stopped answering, and that tokens were not what it said', async () => {
    let answers = 0;
    const server = createServer((incoming, outgoing) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
      incoming.on('end', () => {
        if (incoming.method === 'GET') {
          outgoing.end('{"data":[{"id":"m"}]}');
          return;
        }
        if (incoming.url === '/tokenize') {
          outgoing.end('{"count":1}');
          return;
        }
        if (body.includes('image_url')) {
          outgoing.writeHead(400).end('{"error":{"message":"no pictures here"}}');
          return;
        }
        if (body.includes('input_audio')) {
          outgoing.writeHead(500).end('{"error":{"message":"audio input is not supported"}}');
          return;
        }
        answers += 1;
        // The next connections find nobody.
        if (answers > 18) {
          server.close();
          server.closeAllConnections();
          return;
        }
        outgoing.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
        const delta = { model: 'm', choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'length' }] };
        const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 40 } };
        outgoing.end(`data: ${JSON.stringify(delta)}\n\ndata: ${JSON.stringify(usage)}\n\ndata: [DONE]\n\n`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const out = folder();
    const target = `ill=http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const run = await runDuanyun([
      'bench',
      '--quick',
      '--suites',
      'scenarios,quality',
      '--target',
      target,
      '--out',
      out,
    ]);
    server.close();
    expect(run.code).toBe(0);
    const markdown = readFileSync(path.join(out, 'report.md'), 'utf8');
    expect(markdown).toMatch(/Picture description, cold \| not supported/);
    expect(markdown).toMatch(/Spoken question .*, warm \| not supported/);
    expect(markdown).toContain('ill STOPPED ANSWERING');
    expect(markdown).toMatch(/ill: \d+ of \d+ requests did not end well \(broken 1, unreachable \d+\)/);
    // The page can be made again from what was kept, also when half of it is gone.
    const text = readFileSync(path.join(out, 'requests.jsonl'), 'utf8');
    const half = path.join(folder(), 'half.jsonl');
    writeFileSync(half, text.slice(0, text.length / 2));
    const again = await runDuanyun(['bench', 'report', half]);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('1 lines could not be read') as string });
    expect(readFileSync(path.join(path.dirname(half), 'report.md'), 'utf8')).toContain('INCOMPLETE');
  }, 120_000);
});

describe('duanyun advise', () => {
  it('answers with the choice, the reasons and the numbers', async () => {
    const run = await runDuanyun(['advise', '--users', '50', '--language', 'zh']);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^建议：云端\n/);
    expect(run.stdout).toContain('users 50 > edge.users 1.0 (reference document, not measured here)');
  });
});
