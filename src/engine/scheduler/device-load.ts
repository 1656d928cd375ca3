/** Reads what this machine tells about its load: other processes, memory, temperature, battery. Linux files where there. */
import { readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { availableMemoryBytes } from '../../models/available-memory.ts';
import type { DeviceLoad } from './controller.ts';

type CpuTimes = { busyMs: number; totalMs: number; ownMs: number };

export class DeviceLoadProbe {
  #last: CpuTimes;

  constructor() {
    this.#last = readCpuTimes();
  }

  /** The load since the last call. */
  sample(): DeviceLoad {
    const now = readCpuTimes();
    const totalMs = now.totalMs - this.#last.totalMs;
    const otherMs = now.busyMs - this.#last.busyMs - (now.ownMs - this.#last.ownMs);
    this.#last = now;
    const temperatureCelsius = readTemperature();
    const battery = readBattery();
    return {
      ...(totalMs > 0 ? { otherCpuShare: Math.max(0, Math.min(1, otherMs / totalMs)) } : {}),
      availableMemoryBytes: availableMemoryBytes(),
      ...(temperatureCelsius === undefined ? {} : { temperatureCelsius }),
      ...(battery === undefined ? {} : { battery }),
    };
  }
}

function readCpuTimes(): CpuTimes {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of os.cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  const own = process.cpuUsage();
  return { busyMs, totalMs, ownMs: (own.user + own.system) / 1000 };
}

/** The hottest thermal zone, in °C; `undefined` where the platform tells none. */
function readTemperature(root = '/sys/class/thermal'): number | undefined {
  const readings = listFolder(root)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => Number(readText(path.join(root, name, 'temp')) ?? Number.NaN) / 1000)
    .filter((celsius) => celsius > 0 && celsius < 150);
  return readings.length === 0 ? undefined : Math.max(...readings);
}

function readBattery(root = '/sys/class/power_supply'): DeviceLoad['battery'] {
  for (const name of listFolder(root)) {
    const folder = path.join(root, name);
    if (readText(path.join(folder, 'type'))?.trim() !== 'Battery') continue;
    const capacity = Number(readText(path.join(folder, 'capacity')) ?? Number.NaN);
    if (Number.isNaN(capacity)) continue;
    const status = readText(path.join(folder, 'status'))?.trim();
    return { level: capacity / 100, charging: status !== 'Discharging' };
  }
  return undefined;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The platform has no such folder, so it tells nothing.
    return [];
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
