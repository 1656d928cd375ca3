/** A real worker process under the module manager; the child's side runs the built code, which `npm test` builds first. */
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { noMetrics } from '../../core/metrics.ts';
import { ModuleManager } from './module-manager.ts';
import { WorkerModule } from './worker-module.ts';

type Load = { fail?: true; hang?: true; die?: true; megabytes?: number };
type Info = { pid: number; ballastBytes: number };

const soon = () => AbortSignal.timeout(10_000);
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

let manager: ModuleManager | undefined;
afterEach(() => manager?.dispose());

function create(load: Load = {}, mostSilentMs?: number) {
  const speech = new WorkerModule<Load, Info, string, string, string>({
    name: 'speech',
    script: fileURLToPath(new URL('../host/fake-worker.mjs', import.meta.url)),
    environment: {},
    log: silentLog,
    model: () => 'fake',
    requiredBytes: async () => 1_000,
    loadOptions: async () => load,
    ...(mostSilentMs === undefined ? {} : { mostSilentMs }),
  });
  const made = new ModuleManager({
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    budgetBytes: 'auto',
    availableBytes: () => 1_000_000,
    idleMs: 60_000,
  });
  made.register(speech);
  manager = made;
  return { speech, modules: made, state: () => made.list()[0] };
}

describe('a module in a worker process', () => {
  it('starts its process at the first call, and gives all memory back by ending it', async () => {
    const { speech, modules, state } = create({ megabytes: 64 });
    expect(speech.pid).toBeUndefined();
    expect(await speech.call(modules, 'hello', { signal: soon() })).toBe('hello!');
    const pid = speech.pid as number;
    expect(speech.info).toEqual({ pid, ballastBytes: 64 * 1024 * 1024 });
    expect(state()?.residentBytes).toBeGreaterThan(64 * 1024 * 1024);
    await modules.unload('speech', soon());
    expect(alive(pid)).toBe(false);
    expect(state()).toMatchObject({ state: 'unloaded', residentBytes: 0 });
    expect(await speech.call(modules, 'again', { signal: soon() })).toBe('again!');
    expect(speech.pid).not.toBe(pid);
  });

  it('reads ranges of a file that stays with the caller', async () => {
    const { speech, modules } = create();
    const file = Uint8Array.from([1, 2, 3, 4, 5, 6]).subarray(1);
    const answer = await speech.call(modules, 'read', { signal: soon(), file });
    expect(JSON.parse(answer)).toEqual({
      sizeBytes: 5,
      ranges: [
        [2, 3, 4],
        [5, 6],
      ],
    });
    expect(JSON.parse(await speech.call(modules, 'read', { signal: soon(), file: new Uint8Array(2) }))).toMatchObject({
      sizeBytes: 2,
    });
    const controller = new AbortController();
    const late = speech.call(modules, 'read late', { signal: controller.signal, file });
    setTimeout(() => controller.abort(new Error('left')), 50);
    await expect(late).rejects.toThrow('left');
    expect(await speech.call(modules, 'hello', { signal: soon() })).toBe('hello!');
  });

  it('passes on progress and failures, and goes on after them', async () => {
    const { speech, modules } = create();
    const controller = new AbortController();
    const progress: string[] = [];
    const call = speech.call(modules, 'wait', {
      signal: controller.signal,
      onProgress: (each) => {
        progress.push(each);
        controller.abort(new Error('left'));
      },
    });
    await expect(call).rejects.toThrow('left');
    expect(progress).toEqual(['waiting']);
    await expect(speech.call(modules, 'fail', { signal: soon() })).rejects.toMatchObject({ code: 'internal' });
    expect(await speech.call(modules, 'x', { signal: soon() })).toBe('x!');
  });

  it('that is killed fails what runs, says so, and the next call starts it again', async () => {
    const { speech, modules, state } = create();
    const running = speech.call(modules, 'wait', { signal: soon() });
    const waiting = expect(running).rejects.toMatchObject({ code: 'module_crashed', retryable: true });
    await expect(speech.call(modules, 'crash', { signal: soon() })).rejects.toMatchObject({ code: 'module_crashed' });
    await waiting;
    expect(state()).toMatchObject({ state: 'failed', reason: 'its process ended (SIGKILL)' });
    expect(await speech.call(modules, 'x', { signal: soon() })).toBe('x!');
    expect(state()).toMatchObject({ state: 'ready', loads: 2 });
  });

  it('that says nothing for too long while it has work is ended, and the next call starts it again', async () => {
    const { speech, modules, state } = create({}, 300);
    await expect(speech.call(modules, 'wait', { signal: soon() })).rejects.toMatchObject({ code: 'module_crashed' });
    expect(state()).toMatchObject({ state: 'failed' });
    expect(await speech.call(modules, 'x', { signal: soon() })).toBe('x!');
    const pid = speech.pid;
    // Without work it may be as silent as it likes.
    await new Promise((resolve) => {
      setTimeout(resolve, 600);
    });
    expect(speech.pid).toBe(pid);
  });

  it.each([
    [{ fail: true }, 'internal'],
    [{ die: true }, 'module_crashed'],
  ] as const)('that cannot load leaves no process behind: %o', async (load, code) => {
    const { speech, modules, state } = create(load);
    await expect(speech.call(modules, 'x', { signal: soon() })).rejects.toMatchObject({ code });
    expect(state()?.state).toBe('failed');
    expect(speech.pid).toBeUndefined();
  });

  it('whose load nobody waits for any more is ended', async () => {
    const { speech, modules, state } = create({ hang: true });
    const controller = new AbortController();
    const call = speech.call(modules, 'x', { signal: controller.signal });
    await expect.poll(() => speech.pid).toBeDefined();
    const pid = speech.pid as number;
    controller.abort(new Error('left'));
    await expect(call).rejects.toThrow('left');
    await expect.poll(() => alive(pid)).toBe(false);
    await expect.poll(() => state()?.state).toBe('cold');
  });
});
