/**
 * What the gateway adds to a request, how many it passes, and whether it lasts.
 *
 *     npm run bench:gateway -- [--only overhead,throughput,soak,restart] [--runs 3] [--seconds 8] [--soak-minutes 10] [--json]
 *
 * Every figure comes from the real command before a scripted upstream, with the load client in a process of its own; bare
 * upstream and gateway alternate in each run. Targets: streaming, 50 and 500 connections, 0.5 / 2 / 5 ms more at p50 / p95 /
 * p99 than the bare upstream; non-streaming, 50 connections, 3 times the requests a second of @portkey-ai/gateway in the same
 * run; 500 streams for 10 minutes without an error and with at most 10 % more memory; a rolling restart without a failure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ClientResult, ClientTask } from './client.ts';
import { installPortkey, portkeyVersion } from './install-portkey.ts';
import {
  Client,
  cpuSeconds,
  GatewayProcess,
  pinning,
  residentMib,
  startPortkey,
  startUpstream,
  stopAll,
} from './processes.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'overhead,throughput,soak,restart' },
    runs: { type: 'string', default: '3' },
    /** Of each measurement. */
    seconds: { type: 'string', default: '8' },
    'soak-minutes': { type: 'string', default: '10' },
    port: { type: 'string', default: '18210' },
    json: { type: 'boolean', default: false },
  },
});
const parts = new Set(values.only.split(','));
const runs = Number(values.runs);
const seconds = Number(values.seconds);
const firstPort = Number(values.port);
const report: Record<string, unknown> = { pinning };

const percentile = (list: readonly number[], share: number): number => {
  const sorted = list.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
const spread = (list: readonly number[], digits = 2): string =>
  `${percentile(list, 0.5).toFixed(digits)} (${Math.min(...list).toFixed(digits)} to ${Math.max(...list).toFixed(digits)})`;
const say = (line: string): void => {
  if (!values.json) console.log(line);
};
/** Until code that runs often is compiled. */
const warmUpSeconds = 8;
const shares = [0.5, 0.95, 0.99];

const streamTokens = 40;
/** 50 streams of 20 words a second, 500 of ten: what people read, and what one core can be asked for. */
const loads = [
  { connections: 50, paceMs: 50 },
  { connections: 500, paceMs: 100 },
];

function task(url: string, headers: Record<string, string>, more: Partial<ClientTask>): ClientTask {
  return {
    urls: [url],
    healthUrls: [],
    headers,
    connections: 50,
    seconds,
    stream: true,
    tokens: streamTokens,
    spreadMs: 0,
    ...more,
  };
}

function check(result: ClientResult, what: string): void {
  if (result.errors === 0) return;
  process.exitCode = 1;
  console.error(`${what}: ${result.errors} of ${result.requests} failed: ${result.firstErrors.join(' | ')}`);
}

async function overhead(upstreamUrl: string, client: Client): Promise<void> {
  say(`\nStreaming: what the gateway adds, in ms; median of ${runs} runs (lowest to highest)\n`);
  say('| connections | what | p50 | p95 | p99 | CPU of the gateway per event |');
  say('|---|---|---|---|---|---|');
  const rows: object[] = [];
  for (const { connections, paceMs } of loads) {
    const bareUrl = `${upstreamUrl}/${paceMs}/v1`;
    const spreadMs = (streamTokens + 1) * paceMs;
    const gateway = await GatewayProcess.start(bareUrl, firstPort);
    const gatewayUrl = `${gateway.url}/v1`;
    // Both paths are compiled and connected before anything counts.
    for (const url of [bareUrl, gatewayUrl])
      await client.run(task(url, gateway.headers, { connections, spreadMs, seconds: warmUpSeconds }));
    const added: Record<'eventMs' | 'firstMs', number[][]> = { eventMs: [], firstMs: [] };
    const cpu: number[] = [];
    for (let run = 0; run < runs; run++) {
      const bare = await client.run(task(bareUrl, {}, { connections, spreadMs }));
      const before = cpuSeconds(gateway.pid);
      const ours = await client.run(task(gatewayUrl, gateway.headers, { connections, spreadMs }));
      cpu.push(((cpuSeconds(gateway.pid) - before) / ours.eventMs.length) * 1e6);
      check(bare, 'bare upstream');
      check(ours, 'gateway');
      for (const kind of ['eventMs', 'firstMs'] as const) {
        added[kind].push(shares.map((share) => percentile(ours[kind], share) - percentile(bare[kind], share)));
      }
    }
    for (const [kind, name] of [
      ['eventMs', 'each event'],
      ['firstMs', 'first event'],
    ] as const) {
      const columns = shares.map((_, index) => added[kind].map((row) => row[index] ?? Number.NaN));
      rows.push({ connections, what: name, p50: columns[0], p95: columns[1], p99: columns[2] });
      const perEvent = kind === 'eventMs' ? `${spread(cpu, 0)} µs` : '';
      say(`| ${connections} | ${name} | ${columns.map((column) => spread(column)).join(' | ')} | ${perEvent} |`);
    }
    await gateway.stop();
  }
  report['overhead'] = rows;
}

async function throughput(upstreamUrl: string, client: Client): Promise<void> {
  const bareUrl = `${upstreamUrl}/v1`;
  const gateway = await GatewayProcess.start(bareUrl, firstPort);
  const installed = await installPortkey();
  const targets: Record<string, ClientTask> = {
    'bare upstream': task(bareUrl, {}, { stream: false }),
    duanyun: task(`${gateway.url}/v1`, gateway.headers, { stream: false }),
  };
  if ('reason' in installed) say(`\n@portkey-ai/gateway is not here: ${installed.reason}`);
  else {
    const url = await startPortkey(installed.entryFile, firstPort + 1);
    const headers = { authorization: 'Bearer x', 'x-portkey-provider': 'openai', 'x-portkey-custom-host': bareUrl };
    targets[`@portkey-ai/gateway ${portkeyVersion}`] = task(`${url}/v1`, headers, { stream: false });
  }
  const rates: Record<string, number[]> = {};
  const times: Record<string, number[]> = {};
  for (const each of Object.values(targets)) await client.run({ ...each, seconds: warmUpSeconds });
  for (let run = 0; run < runs; run++) {
    for (const [name, each] of Object.entries(targets)) {
      const result = await client.run(each);
      check(result, name);
      (rates[name] ??= []).push((result.requests - result.errors) / result.seconds);
      (times[name] ??= []).push(percentile(result.firstMs, 0.5));
    }
  }
  say(`\nNot streaming, small body, 50 connections; median of ${runs} runs (lowest to highest)\n`);
  say('| server | requests a second | p50, ms |');
  say('|---|---|---|');
  for (const name of Object.keys(targets))
    say(`| ${name} | ${spread(rates[name] ?? [], 0)} | ${spread(times[name] ?? [], 1)} |`);
  const other = Object.keys(targets)[2];
  if (other !== undefined) {
    const ratios = (rates['duanyun'] ?? []).map((rate, index) => rate / (rates[other]?.[index] ?? Number.NaN));
    say(`\nduanyun passes ${spread(ratios)} times as many.`);
    report['ratio'] = ratios;
  }
  report['throughput'] = rates;
  await gateway.stop();
}

async function soak(upstreamUrl: string, client: Client): Promise<void> {
  const minutes = Number(values['soak-minutes']);
  const gateway = await GatewayProcess.start(`${upstreamUrl}/100/v1`, firstPort);
  const memory: number[] = [];
  const timer = setInterval(() => memory.push(residentMib(gateway.pid)), 1000);
  const more = { connections: 500, seconds: minutes * 60, tokens: 60, spreadMs: 6100 };
  const result = await client.run(task(`${gateway.url}/v1`, gateway.headers, more));
  clearInterval(timer);
  check(result, 'soak');
  // The first tenth is the heap's growth to its working size.
  const tenth = Math.max(1, Math.floor(memory.length / 10));
  const early = percentile(memory.slice(tenth, 2 * tenth), 0.5);
  const late = percentile(memory.slice(-tenth), 0.5);
  const growth = ((late / early - 1) * 100).toFixed(1);
  say(`\n500 streams for ${minutes} minutes: ${result.requests} requests, ${result.errors} errors;`);
  say(`memory ${early.toFixed(0)} MiB early, ${late.toFixed(0)} MiB late: ${growth} % more.`);
  report['soak'] = { minutes, requests: result.requests, errors: result.errors, early, late };
  await gateway.stop();
}

async function restart(upstreamUrl: string, client: Client): Promise<void> {
  const upstream = `${upstreamUrl}/20/v1`;
  const gateways = [
    await GatewayProcess.start(upstream, firstPort),
    await GatewayProcess.start(upstream, firstPort + 1),
  ];
  const urls = gateways.map(({ url }) => `${url}/v1`);
  const healthUrls = gateways.map(({ url }) => `${url}/health`);
  let rounds = 0;
  const roll = async (): Promise<void> => {
    await sleep(1500);
    for (const gateway of gateways) {
      await gateway.stop();
      await gateway.startAgain();
      await sleep(500);
      rounds++;
    }
  };
  const load = { urls, healthUrls, connections: 50, tokens: 30, spreadMs: 620, seconds: Math.max(20, seconds) };
  const [first] = gateways;
  const [result] = await Promise.all([client.run(task('', first?.headers ?? {}, load)), roll()]);
  check(result, 'rolling restart');
  say(
    `\nRolling restart of two gateways under 50 streams: ${rounds} restarts, ${result.requests} requests, ${result.errors} failed.`,
  );
  report['restart'] = { rounds, requests: result.requests, errors: result.errors };
  for (const gateway of gateways) await gateway.stop();
}

try {
  const upstreamUrl = await startUpstream();
  const client = new Client();
  say(`Pinning: ${pinning}.`);
  if (parts.has('overhead')) await overhead(upstreamUrl, client);
  if (parts.has('throughput')) await throughput(upstreamUrl, client);
  if (parts.has('soak')) await soak(upstreamUrl, client);
  if (parts.has('restart')) await restart(upstreamUrl, client);
  if (values.json) console.log(JSON.stringify(report, undefined, 2));
} finally {
  stopAll();
}
process.exit();
