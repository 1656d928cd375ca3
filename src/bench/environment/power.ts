/** Watts of this machine, from the first source that gives any; otherwise why there is none. Never 0 for "unknown". */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readText } from './machine.ts';

export type PowerMeter = { source: string; watts(): Promise<number | undefined> };
export type PowerSearch = { meter: PowerMeter } | { reason: string };
const run = promisify(execFile);

/** @param system for tests: where files are read and commands run */
export async function findPowerMeter(system: PowerSystem = hostSystem): Promise<PowerSearch> {
  const reasons: string[] = [];
  for (const find of [raplMeter, nvidiaMeter, batteryMeter, macMeter]) {
    const found = await find(system);
    if ('meter' in found) return found;
    reasons.push(found.reason);
  }
  return { reason: reasons.join('; ') };
}

export type PowerSystem = {
  read(path: string): Promise<string | undefined>;
  list(path: string): Promise<string[]>;
  run(file: string, args: string[]): Promise<string | undefined>;
  nowMs(): number;
};

const hostSystem: PowerSystem = {
  read: readText,
  list: (path) => readdir(path).catch(() => []),
  run: (file, args) =>
    run(file, args).then(
      ({ stdout }) => stdout,
      () => undefined,
    ),
  nowMs: () => performance.now(),
};

/** Intel and AMD packages: `energy_uj` counts microjoules and wraps at `max_energy_range_uj` (Linux power capping framework). */
async function raplMeter(system: PowerSystem): Promise<PowerSearch> {
  const base = '/sys/class/powercap';
  const zones = (await system.list(base)).filter((name) => /^intel-rapl:\d+$/.test(name));
  if (zones.length === 0) return { reason: 'RAPL: no power zones (often hidden in virtual machines)' };
  const read = async (): Promise<number[]> =>
    Promise.all(zones.map(async (zone) => Number((await system.read(`${base}/${zone}/energy_uj`)) ?? Number.NaN)));
  let last = { atMs: system.nowMs(), energies: await read() };
  if (last.energies.some(Number.isNaN)) return { reason: 'RAPL: energy_uj can be read by root only' };
  const ranges = await Promise.all(
    zones.map(async (zone) => Number((await system.read(`${base}/${zone}/max_energy_range_uj`)) ?? 0)),
  );
  return {
    meter: {
      source: 'RAPL, processor packages',
      async watts() {
        const now = { atMs: system.nowMs(), energies: await read() };
        const seconds = (now.atMs - last.atMs) / 1000;
        const microjoules = now.energies.reduce((sum, energy, index) => {
          const used = energy - (last.energies[index] ?? energy);
          return sum + (used < 0 ? used + (ranges[index] ?? 0) : used);
        }, 0);
        last = now;
        return seconds > 0 ? microjoules / 1e6 / seconds : undefined;
      },
    },
  };
}

async function nvidiaMeter(system: PowerSystem): Promise<PowerSearch> {
  const watts = async (): Promise<number | undefined> => {
    const text = await system.run('nvidia-smi', ['--query-gpu=power.draw', '--format=csv,noheader,nounits']);
    const values = (text ?? '').split('\n').map(Number.parseFloat).filter(Number.isFinite);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  };
  if ((await watts()) === undefined) return { reason: 'NVML: nvidia-smi gives no figures' };
  return { meter: { source: 'NVML, all GPUs', watts } };
}

/** Laptops and Android: microamperes × microvolts while the battery discharges. */
async function batteryMeter(system: PowerSystem): Promise<PowerSearch> {
  const base = '/sys/class/power_supply';
  for (const name of (await system.list(base)).filter((each) => /^(BAT\d*|battery|bms)$/i.test(each))) {
    const watts = async (): Promise<number | undefined> => {
      if ((await system.read(`${base}/${name}/status`))?.trim() !== 'Discharging') return undefined;
      const number = async (file: string): Promise<number> =>
        Math.abs(Number((await system.read(`${base}/${name}/${file}`)) ?? Number.NaN));
      const power = (await number('power_now')) / 1e6;
      if (Number.isFinite(power)) return power;
      const product = ((await number('current_now')) * (await number('voltage_now'))) / 1e12;
      return Number.isFinite(product) ? product : undefined;
    };
    if ((await watts()) === undefined) return { reason: 'battery: charging, or it shows no current' };
    return { meter: { source: 'battery discharge, the whole device', watts } };
  }
  return { reason: 'battery: none' };
}

/** macOS: the battery's own meter needs no root, unlike `powermetrics`. */
async function macMeter(system: PowerSystem): Promise<PowerSearch> {
  const watts = async (): Promise<number | undefined> => {
    const text = (await system.run('ioreg', ['-rn', 'AppleSmartBattery'])) ?? '';
    if (!text.includes('"ExternalConnected" = No')) return undefined;
    const field = (name: string): bigint => BigInt(new RegExp(`"${name}" = (\\d+)`).exec(text)?.[1] ?? '0');
    // Milliamperes, signed, that ioreg prints unsigned; millivolts.
    const product = (Math.abs(Number(BigInt.asIntN(64, field('Amperage')))) * Number(field('Voltage'))) / 1e6;
    return product > 0 ? product : undefined;
  };
  if ((await watts()) === undefined) return { reason: 'macOS: no battery that discharges' };
  return { meter: { source: 'battery discharge, the whole device', watts } };
}
