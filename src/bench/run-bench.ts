/** One run: describes the targets, runs the suites one after the other, and keeps what was measured whatever happens. */
import { setMaxListeners } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadClient, type Target } from './client/load-client.ts';
import { measureOverhead } from './client/overhead.ts';
import { describeTarget } from './environment/describe-target.ts';
import { findPowerMeter, type PowerSearch } from './environment/power.ts';
import { listenerPid } from './environment/process-tree.ts';
import { sample, watch, type Watch } from './environment/watcher.ts';
import { mean } from './metrics/statistics.ts';
import type { Limits } from './metrics/request-metrics.ts';
import { schemaVersion, type NoteRecord } from './record.ts';
import { ResultsFile, type Results } from './results-file.ts';
import { loadSuite } from './suites/load.ts';
import { qualitySuite } from './suites/quality.ts';
import { scenarioSuite } from './suites/scenarios.ts';
import type { Suite } from './suites/suite.ts';
import { sustainedSuite } from './suites/sustained.ts';

export const suites: readonly Suite[] = [scenarioSuite, loadSuite, sustainedSuite, qualitySuite];

export type BenchOptions = {
  targets: Target[];
  /** Facts for the environment table that the user states, by target. */
  facts: Record<string, Record<string, string>>;
  suites: readonly string[];
  quick: boolean;
  limits: Limits;
  seed: number;
  /** For all targets and suites together; each gets its share. */
  budgetSeconds: number;
  timeoutSeconds: number;
  pictureUrl?: string;
  audioBase64?: string;
  version: string;
  revision?: string;
  /** Path of `requests.jsonl`. */
  file: string;
  onProgress(text: string): void;
};

/** How the time of a target is shared out among the suites that run. */
const share: Record<string, number> = { scenarios: 4, load: 4, sustained: 2, quality: 3 };
const idleSamples = 3;

/** Resolves after Ctrl-C too, with an `end` that says so. Rejects only where the file cannot be written. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<Results> {
  const runStartMs = performance.now();
  const descriptions = await Promise.all(
    options.targets.map((target) => describeTarget(target, options.facts[target.name] ?? {}, signal)),
  );
  const file = new ResultsFile(options.file, {
    type: 'run',
    schema: schemaVersion,
    startedAt: new Date().toISOString(),
    version: options.version,
    ...(options.revision === undefined ? {} : { revision: options.revision }),
    options: {
      suites: options.suites,
      quick: options.quick,
      limits: options.limits,
      seed: options.seed,
      budgetSeconds: options.budgetSeconds,
      timeoutSeconds: options.timeoutSeconds,
    },
    targets: descriptions,
  });
  const client = new LoadClient({ runStartMs, timeoutMs: options.timeoutSeconds * 1000 });
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  const general = (text: string, value: number): void =>
    file.write({ type: 'note', suite: 'client', kind: 'figure', text, value });
  try {
    options.onProgress('measuring what the client itself adds');
    const overhead = await measureOverhead(64, signal);
    general('client overhead at 64 connections, p50, ms a token', overhead.p50Ms);
    general('client overhead at 64 connections, p99, ms a token', overhead.p99Ms);
    loopDelay.enable();
    const power = await findPowerMeter();
    for (const [index, target] of options.targets.entries()) {
      if (signal.aborted) break;
      const isLocal = descriptions[index]?.local === true;
      await runTarget({ options, target, isLocal, client, file, runStartMs, power }, signal);
    }
    loopDelay.disable();
    general(
      'event loop of the client, p99 lateness in ms during the run',
      Math.max(0, loopDelay.percentile(99) / 1e6 - 1),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    const elapsedMs = Math.round(performance.now() - runStartMs);
    const reason = signal.aborted ? { reason: 'interrupted' } : {};
    file.write({ type: 'end', complete: !signal.aborted, elapsedMs, ...reason });
    file.close();
    await client.dispose();
  }
  return file.results;
}

type TargetRun = {
  options: BenchOptions;
  target: Target;
  isLocal: boolean;
  client: LoadClient;
  file: ResultsFile;
  runStartMs: number;
  power: PowerSearch;
};

async function runTarget(run: TargetRun, signal: AbortSignal): Promise<void> {
  const { options, target, client, file } = run;
  const chosen = suites.filter(({ name }) => options.suites.includes(name));
  const shares = chosen.reduce((sum, { name }) => sum + (share[name] ?? 1), 0);
  const watched = await prepareWatch(run);
  const stopWatch = new AbortController();
  const watching = watch(watched, AbortSignal.any([signal, stopWatch.signal]), (line) => file.write(line));
  let leftMs = (options.budgetSeconds * 1000) / options.targets.length;
  let sharesLeft = shares;
  for (const suite of chosen) {
    if (signal.aborted) break;
    options.onProgress(`${target.name}: ${suite.name}`);
    // What a suite leaves over is for those after it.
    const limitMs = (leftMs * (share[suite.name] ?? 1)) / sharesLeft;
    const startMs = performance.now();
    const timeIsUp = new AbortController();
    const timer = setTimeout(() => timeIsUp.abort(), limitMs);
    const suiteSignal = AbortSignal.any([signal, timeIsUp.signal]);
    // Every request that waits for its time listens.
    setMaxListeners(0, suiteSignal);
    await suite.run({
      target,
      client,
      signal: suiteSignal,
      quick: options.quick,
      limits: options.limits,
      seed: options.seed,
      ...(options.pictureUrl === undefined ? {} : { pictureUrl: options.pictureUrl }),
      ...(options.audioBase64 === undefined ? {} : { audioBase64: options.audioBase64 }),
      write: (line) => file.write(line),
    });
    clearTimeout(timer);
    leftMs -= performance.now() - startMs;
    sharesLeft -= share[suite.name] ?? 1;
    if (timeIsUp.signal.aborted) {
      file.write({
        type: 'note',
        target: target.name,
        suite: suite.name,
        kind: 'cut',
        text: `the time budget of ${Math.round(limitMs / 1000)} s for this suite was used up`,
      });
    }
  }
  stopWatch.abort();
  await watching;
}

/** Finds what can be watched, notes what cannot, and takes the figures at rest. */
async function prepareWatch({ target, isLocal, runStartMs, power, file }: TargetRun): Promise<Watch> {
  const tell = (kind: NoteRecord['kind'], text: string, value?: number): void =>
    file.write({
      type: 'note',
      target: target.name,
      suite: 'resources',
      kind,
      text,
      ...(value === undefined ? {} : { value }),
    });
  if (!isLocal) {
    tell('not-measured', 'memory: the server runs on another machine');
    tell('not-measured', 'power: the server runs on another machine');
    return { target: target.name, runStartMs };
  }
  const url = new URL(target.url);
  const pid = await listenerPid(Number(url.port || (url.protocol === 'https:' ? 443 : 80)));
  if (pid === undefined) {
    tell('not-measured', 'memory: no process of this user listens on the port, or the platform does not show it');
  }
  if ('reason' in power) tell('not-measured', `power: ${power.reason}`);
  const watched = {
    target: target.name,
    runStartMs,
    ...(pid === undefined ? {} : { pid }),
    ...('meter' in power ? { meter: power.meter } : {}),
  };
  const rest = await sample(watched);
  if (rest.memoryBytes !== undefined) tell('figure', 'memory at rest', rest.memoryBytes);
  if ('meter' in power) {
    tell('figure', `power is read from ${power.meter.source}`);
    const idle: number[] = [];
    for (let count = 0; count < idleSamples; count++) {
      await sleep(1000);
      idle.push((await power.meter.watts()) ?? Number.NaN);
    }
    const watts = mean(idle.filter(Number.isFinite));
    if (watts !== undefined) tell('figure', 'power idle', watts);
  }
  return watched;
}
