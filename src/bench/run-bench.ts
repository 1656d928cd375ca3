/** One run: describes the targets, runs the suites one after the other, and keeps what was measured whatever happens. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadClient, type Target } from './client/load-client.ts';
import { checkTokens } from './client/count-tokens.ts';
import { measureOverhead } from './client/overhead.ts';
import { monotonicMs } from './client/shared-clock.ts';
import { describeTarget, type Place } from './environment/describe-target.ts';
import { findPowerMeter, type PowerSearch } from './environment/power.ts';
import { listenerPid } from './environment/process-tree.ts';
import { sample, watch, type Watch } from './environment/watcher.ts';
import { mean } from './metrics/statistics.ts';
import type { Limits } from './metrics/request-metrics.ts';
import { schemaVersion, type NoteRecord } from './record.ts';
import { overheadNotes, receiverNotes, tokenNotes } from './run-notes.ts';
import { ResultsFile, type Results } from './results-file.ts';
import { loadSuite } from './suites/load.ts';
import type { Material } from './suites/material.ts';
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
  material: Material;
  /** A running Duanyun’s device model, as a second opinion on token counts. */
  ours?: Target;
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
  const runStartMs = monotonicMs();
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
      picture: options.material.pictureFrom,
      recording: options.material.audioFrom,
    },
    targets: descriptions,
  });
  const client = new LoadClient({ runStartMs, timeoutMs: options.timeoutSeconds * 1000 });
  const write = (note: Omit<NoteRecord, 'type'>): void => file.write({ type: 'note', ...note });
  let isComplete = false;
  try {
    options.onProgress('measuring what the client itself adds');
    for (const note of overheadNotes(await measureOverhead(client.receiver, 64, signal))) write(note);
    const power = await findPowerMeter();
    const endMs = monotonicMs() + options.budgetSeconds * 1000;
    for (const [index, target] of options.targets.entries()) {
      if (signal.aborted) break;
      // What a fast target leaves over is for those after it.
      const budgetMs = (endMs - monotonicMs()) / (options.targets.length - index);
      const place = descriptions[index]?.place ?? 'elsewhere';
      await runTarget({ options, target, place, budgetMs, client, file, runStartMs, power }, signal);
    }
    for (const target of options.targets) {
      if (signal.aborted) break;
      const own = file.results.requests.filter(
        (record) => record.target === target.name && record.suite === 'scenarios',
      );
      for (const note of tokenNotes(target.name, await checkTokens(target, options.ours, own, signal))) write(note);
    }
    for (const note of receiverNotes(await client.receiver.describe())) write(note);
    isComplete = !signal.aborted;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    const elapsedMs = Math.round(monotonicMs() - runStartMs);
    const reason = isComplete ? {} : { reason: signal.aborted ? 'interrupted' : 'failed' };
    file.write({ type: 'end', complete: isComplete, elapsedMs, ...reason });
    file.close();
    await client.dispose();
  }
  return file.results;
}

type TargetRun = {
  options: BenchOptions;
  target: Target;
  place: Place;
  budgetMs: number;
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
  let leftMs = run.budgetMs;
  let sharesLeft = shares;
  for (const suite of chosen) {
    if (signal.aborted) break;
    options.onProgress(`${target.name}: ${suite.name}`);
    // What a suite leaves over is for those after it.
    const limitMs = (leftMs * (share[suite.name] ?? 1)) / sharesLeft;
    const startMs = monotonicMs();
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
      material: options.material,
      write: (line) => file.write(line),
    });
    clearTimeout(timer);
    leftMs -= monotonicMs() - startMs;
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
async function prepareWatch({ target, place, runStartMs, power, file }: TargetRun): Promise<Watch> {
  const tell = (kind: NoteRecord['kind'], text: string, value?: number): void =>
    file.write({
      type: 'note',
      target: target.name,
      suite: 'resources',
      kind,
      text,
      ...(value === undefined ? {} : { value }),
    });
  if (place === 'elsewhere' || place === 'behind-entry') {
    const where = place === 'elsewhere' ? 'the server runs on another machine' : 'the server stands behind the entry';
    tell('not-measured', `memory: ${where}`);
    tell('not-measured', `power: ${where}`);
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
