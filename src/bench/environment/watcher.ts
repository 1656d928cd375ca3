/** Samples a local server's memory and the machine's power and temperature while the suites run. */
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../client/shared-clock.ts';
import type { SampleRecord } from '../record.ts';
import { readText } from './machine.ts';
import type { PowerMeter } from './power.ts';
import { treeMemoryBytes } from './process-tree.ts';

const intervalMs = 1000;

export type Watch = { target: string; runStartMs: number; pid?: number; meter?: PowerMeter };

/** Once a second until aborted; resolves then. */
export async function watch(options: Watch, signal: AbortSignal, write: (sample: SampleRecord) => void): Promise<void> {
  while (!signal.aborted) {
    write(await sample(options));
    await sleep(intervalMs, undefined, { signal }).catch(() => {});
  }
}

export async function sample({ target, runStartMs, pid, meter }: Watch): Promise<SampleRecord> {
  const memoryBytes = pid === undefined ? undefined : await treeMemoryBytes(pid);
  const watts = await meter?.watts();
  const celsius = await hottestCelsius();
  return {
    type: 'sample',
    target,
    atMs: Math.round(monotonicMs() - runStartMs),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(watts === undefined ? {} : { watts }),
    ...(celsius === undefined ? {} : { celsius }),
  };
}

async function hottestCelsius(): Promise<number | undefined> {
  const base = '/sys/class/thermal';
  const zones = (await readdir(base).catch(() => [])).filter((name) => name.startsWith('thermal_zone'));
  const values = await Promise.all(
    zones.map(async (zone) => Number((await readText(`${base}/${zone}/temp`)) ?? Number.NaN)),
  );
  const known = values.filter((value) => Number.isFinite(value) && value > 0);
  return known.length === 0 ? undefined : Math.max(...known) / 1000;
}
