import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { placeOf, withoutSecrets } from './describe-target.ts';
import { withoutSecretsAndFolders } from './local-server.ts';
import { instructionSets, mountOf } from './machine.ts';
import { findPowerMeter, type PowerSystem } from './power.ts';
import { listenerPid, treeMemoryBytes } from './process-tree.ts';

const nothing: PowerSystem = {
  read: async () => undefined,
  list: async () => [],
  run: async () => undefined,
  nowMs: () => 0,
};

describe('power', () => {
  it('says why there is none instead of 0', async () => {
    const found = await findPowerMeter(nothing);
    expect(found).toHaveProperty('reason');
    expect(JSON.stringify(found)).toMatch(/RAPL.*NVML.*battery/);
  });

  it('reads RAPL over a wrap of its counter', async () => {
    let nowMs = 0;
    let energy = 900_000;
    const found = await findPowerMeter({
      ...nothing,
      list: async (path) => (path.endsWith('powercap') ? ['intel-rapl', 'intel-rapl:0', 'intel-rapl:0:0'] : []),
      read: async (path) => (path.endsWith('energy_uj') && !path.includes('max') ? String(energy) : '1000000'),
      nowMs: () => nowMs,
    });
    nowMs = 2000;
    energy = 100_000;
    expect('meter' in found && (await found.meter.watts())).toBeCloseTo(0.1);
  });

  it('says that RAPL needs root', async () => {
    const found = await findPowerMeter({ ...nothing, list: async () => ['intel-rapl:0'] });
    expect(found).toMatchObject({ reason: expect.stringContaining('root') as string });
  });

  it('adds up the GPUs, and reads a battery that discharges', async () => {
    const gpus = await findPowerMeter({
      ...nothing,
      run: async (file) => (file === 'nvidia-smi' ? '70.5\n29.5\n' : undefined),
    });
    expect('meter' in gpus && (await gpus.meter.watts())).toBe(100);
    const files: Record<string, string> = { status: 'Discharging\n', current_now: '-500000', voltage_now: '4000000' };
    const battery = await findPowerMeter({
      ...nothing,
      list: async (path) => (path.endsWith('power_supply') ? ['battery'] : []),
      read: async (path) => files[path.split('/').at(-1) ?? ''],
    });
    expect('meter' in battery && (await battery.meter.watts())).toBeCloseTo(2);
  });
});

it('lists instruction sets, or says that it cannot', () => {
  expect(instructionSets('flags\t\t: fpu sse4_2 avx2 nx avx512f\n').value).toBe('sse4_2 avx2 avx512f');
  expect(instructionSets(undefined)).toMatchObject({ value: 'unavailable' });
});

it('keeps keys in addresses out of the report', () => {
  expect(withoutSecrets('https://me:secret@host/v1?key=abc')).toBe('https://host/v1');
});

it.runIf(process.platform === 'linux')('finds the process that listens on a port, and its memory', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const pid = await listenerPid((server.address() as AddressInfo).port);
  server.close();
  expect(pid).toBe(process.pid);
  expect(await treeMemoryBytes(process.pid)).toBeGreaterThan(20 * 1024 ** 2);
});

describe('a server on this machine', () => {
  it('shows how it was started, without secrets and folders', () => {
    const line = [
      '/opt/venv/bin/vllm',
      'serve',
      '/models/glm',
      '--api-key',
      'sk-1',
      '--hf-token=hf_2',
      '--dtype',
      'bf16',
    ];
    expect(withoutSecretsAndFolders(line)).toBe('vllm serve glm --api-key ••• --hf-token=••• --dtype bf16');
  });
  it('is not taken for the place where `cloud` answers', () => {
    expect(placeOf('Duanyun', 'cloud', true)).toBe('behind-entry');
    expect(placeOf('Duanyun', 'auto', true)).toBe('decided');
    expect(placeOf('Duanyun', 'edge', true)).toBe('here');
    expect(placeOf('vLLM or alike', 'cloud', true)).toBe('here');
    expect(placeOf('Duanyun', 'edge', false)).toBe('elsewhere');
  });
  it('finds the mount that holds a folder', () => {
    const table =
      '22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n23 22 259:2 / /data rw - xfs /dev/nvme0n1p2 rw\n24 22 0:5 / /dat rw - tmpfs none rw';
    expect(mountOf('/data/x', table)).toMatchObject({ device: '259:2', fileSystem: 'xfs' });
    expect(mountOf('/database', table)).toMatchObject({ device: '8:1' });
  });
});
