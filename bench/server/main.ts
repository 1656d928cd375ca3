/**
 * What the entry adds to a request: 50 kept connections, paced so that the machine is not saturated, against our server
 * on a scripted backend and against a bare `node:http` server that writes the same answer. Both live in one process, the
 * client in this one. Ours and the bare one alternate within each run, so that both meet the same noise.
 *
 *     npm run bench:server -- [--connections 50] [--requests 1000] [--rate 400] [--runs 5] [--json]
 *
 * Prints the 50th and 99th percentile of the time from sending a request to the last byte of its answer, for both, and
 * their difference; the median of the runs, with the lowest and the highest. Target: p50 ≤ 1 ms, p99 ≤ 10 ms.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '50' },
    /** For each server, each form and each run. */
    requests: { type: 'string', default: '1000' },
    /** Requests a second over all connections. */
    rate: { type: 'string', default: '400' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const connections = Number(values.connections);
const requests = Number(values.requests);
const rate = Number(values.rate);
const runs = Number(values.runs);

type Target = 'ours' | 'bare';
type Form = 'streamed' | 'whole';
type Summary = { p50: number; p99: number };

const body = (form: Form): string =>
  JSON.stringify({
    model: 'scripted-1',
    messages: [
      { role: 'system', content: 'You are a helpful assistant. '.repeat(20) },
      { role: 'user', content: 'Tell me something about rivers. '.repeat(10) },
    ],
    temperature: 0.7,
    max_tokens: 64,
    stream: form === 'streamed',
  });
const bodies: Record<Form, string> = { streamed: body('streamed'), whole: body('whole') };

/** Milliseconds from sending to the last byte. */
function ask(url: string, agent: Agent, payload: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const startedMs = performance.now();
    const sent = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.on('data', () => {});
      response.on('end', () => resolve(performance.now() - startedMs));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Every connection sends at its own steady pace, out of step with the others; each sends to both servers in turn. */
async function run(urls: Record<Target, string>, form: Form, count: number): Promise<Record<Target, number[]>> {
  const times: Record<Target, number[]> = { ours: [], bare: [] };
  const intervalMs = (connections / rate) * 1000;
  const rounds = Math.ceil(count / connections);
  const worker = async (index: number): Promise<void> => {
    const agents: Record<Target, Agent> = {
      ours: new Agent({ keepAlive: true, maxSockets: 1 }),
      bare: new Agent({ keepAlive: true, maxSockets: 1 }),
    };
    const startedMs = performance.now() + (intervalMs * index) / connections;
    for (let round = 0; round < rounds * 2; round += 1) {
      const target: Target = (round + index) % 2 === 0 ? 'ours' : 'bare';
      await sleep(Math.max(0, startedMs + round * intervalMs - performance.now()));
      const elapsedMs = await ask(urls[target], agents[target], bodies[form]);
      // The first two rounds open the connections.
      if (round >= 2) times[target].push(elapsedMs);
    }
    agents.ours.destroy();
    agents.bare.destroy();
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
  return times;
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function summarise(times: number[]): Summary {
  const sorted = times.toSorted((left, right) => left - right);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

function spread(figures: number[]): { median: number; low: number; high: number } {
  const sorted = figures.toSorted((left, right) => left - right);
  return { median: percentile(sorted, 0.5), low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN };
}

// The server stands beside this file in the same language: .ts where Node runs it, .js where it was compiled.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const serverFile = fileURLToPath(new URL(`../../test/support/overhead-server.${extension}`, import.meta.url));
const child = spawn(process.execPath, [...process.execArgv, serverFile], { stdio: ['pipe', 'pipe', 'inherit'] });
const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
const urls = JSON.parse(line) as Record<Target, string>;

const forms: Form[] = ['streamed', 'whole'];
const results: Record<Form, Record<Target, Summary>[]> = { streamed: [], whole: [] };
try {
  for (const form of forms) await run(urls, form, connections * 10); // Warm both up.
  for (let index = 0; index < runs; index += 1) {
    for (const form of forms) {
      const times = await run(urls, form, requests);
      results[form].push({ ours: summarise(times.ours), bare: summarise(times.bare) });
    }
  }
} finally {
  child.stdin.end();
}

const report = forms.map((form) => {
  const of = (pick: (result: Record<Target, Summary>) => number) => spread(results[form].map(pick));
  return {
    form,
    ours: { p50: of((result) => result.ours.p50), p99: of((result) => result.ours.p99) },
    bare: { p50: of((result) => result.bare.p50), p99: of((result) => result.bare.p99) },
    difference: {
      p50: of((result) => result.ours.p50 - result.bare.p50),
      p99: of((result) => result.ours.p99 - result.bare.p99),
    },
  };
});
if (values.json) {
  console.log(JSON.stringify({ connections, requests, rate, runs, report }, undefined, 2));
} else {
  console.log(
    `${connections} connections, ${rate} requests/s, ${requests} requests each, median of ${runs} runs (low–high), ms`,
  );
  for (const { form, ours, bare, difference } of report) {
    for (const [name, figures] of Object.entries({ ours, bare, difference })) {
      const shown = ({ median, low, high }: ReturnType<typeof spread>) =>
        `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
      console.log(`${form.padEnd(9)} ${name.padEnd(11)} p50 ${shown(figures.p50)}   p99 ${shown(figures.p99)}`);
    }
  }
}
