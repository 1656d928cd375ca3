import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { makeError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { noMetrics } from '../../core/metrics.ts';
import type { ManagedModule, ModuleEvents, ModuleName } from '../../core/modules.ts';
import { ModuleManager, type ModuleManagerOptions } from './module-manager.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const mebibyte = 1024 * 1024;

/** A module whose loads the test can hold back, fail and count. */
class FakeModule implements ManagedModule {
  readonly name: ModuleName;
  readonly size: number;
  readonly needs?: ModuleName;
  readonly staysLoaded: boolean;
  loads = 0;
  unloads = 0;
  isLoaded = false;
  aborted = 0;
  events: ModuleEvents | undefined;
  /** What the next load waits for. */
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;

  constructor(name: ModuleName, mebibytes: number, more: { needs?: ModuleName; staysLoaded?: boolean } = {}) {
    this.name = name;
    this.size = mebibytes * mebibyte;
    this.staysLoaded = more.staysLoaded ?? false;
    if (more.needs !== undefined) this.needs = more.needs;
  }

  model(): string {
    return `${this.name}-model`;
  }

  async requiredBytes(): Promise<number> {
    return this.size;
  }

  async load(signal: AbortSignal): Promise<void> {
    this.loads++;
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted++;
        reject(signal.reason as Error);
      });
      void this.gate.then(resolve);
    });
    if (this.failure !== undefined) throw this.failure;
    this.isLoaded = true;
  }

  async unload(): Promise<void> {
    this.unloads++;
    this.isLoaded = false;
  }

  residentBytes(): number {
    return this.isLoaded ? this.size : 0;
  }

  watch(events: ModuleEvents): void {
    this.events = events;
  }

  crash(): void {
    this.isLoaded = false;
    this.events?.lost('SIGKILL');
  }
}

function setUp(modules: FakeModule[], more: Partial<ModuleManagerOptions> = {}) {
  const time = { now: 0 };
  const slept: number[] = [];
  const manager = new ModuleManager({
    clock: { now: () => time.now, wallTime: () => 1_700_000_000_000 + time.now },
    log: silentLog,
    metrics: noMetrics,
    budgetBytes: 1000 * mebibyte,
    availableBytes: () => 100_000 * mebibyte,
    idleMs: 60_000,
    sleep: async (delayMs) => {
      slept.push(delayMs);
      time.now += delayMs;
    },
    ...more,
  });
  for (const module of modules) manager.register(module);
  const stateOf = (name: ModuleName) => manager.list().find((each) => each.name === name)?.state;
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { manager, time, slept, stateOf, settle };
}

function gate(): { promise: Promise<void>; open(): void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe('a module', () => {
  it('is cold, loads at its first use, is ready, idle, unloaded, and loads again', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager, time, stateOf, settle } = setUp([speech]);
    expect(manager.list()).toEqual([
      { name: 'speech', state: 'cold', model: 'speech-model', residentBytes: 0, activeUses: 0, loads: 0 },
    ]);
    const opening = gate();
    speech.gate = opening.promise;
    const using = manager.use('speech', never, async () => stateOf('speech'));
    await settle();
    expect(stateOf('speech')).toBe('loading');
    opening.open();
    expect(await using).toBe('ready');
    expect(manager.list()[0]).toMatchObject({ state: 'ready', loads: 1, residentBytes: 100 * mebibyte });
    time.now = 20_000;
    expect(stateOf('speech')).toBe('idle');
    time.now = 60_000;
    manager.sweep();
    await settle();
    expect(manager.list()[0]).toMatchObject({ state: 'unloaded', residentBytes: 0, activeUses: 0 });
    await manager.use('speech', never, async () => {});
    expect(manager.list()[0]).toMatchObject({ state: 'ready', loads: 2 });
  });

  it('is loaded once for any number of uses at once', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager } = setUp([speech]);
    await Promise.all(Array.from({ length: 20 }, () => manager.use('speech', never, async () => {})));
    expect(speech.loads).toBe(1);
  });

  it('is not unloaded while it is used, however long that takes', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager, time, stateOf, settle } = setUp([speech]);
    const release = await manager.hold('speech', never);
    time.now = 1_000_000;
    manager.sweep();
    await settle();
    expect(stateOf('speech')).toBe('ready');
    const unloading = manager.unload('speech', never);
    await settle();
    expect(speech.unloads).toBe(0);
    release();
    release();
    expect(await unloading).toMatchObject({ state: 'unloaded', activeUses: 0 });
  });

  it('that stays loaded is unloaded by hand only, and comes back', async () => {
    const language = new FakeModule('language', 100, { staysLoaded: true });
    const { manager, time, stateOf, settle } = setUp([language]);
    await manager.load('language', never);
    time.now = 1_000_000;
    manager.sweep();
    await settle();
    expect(stateOf('language')).toBe('idle');
    expect(await manager.unload('language', never)).toMatchObject({ state: 'unloaded' });
    expect(await manager.load('language', never)).toMatchObject({ state: 'ready', loads: 2 });
  });

  it('whose load fails says why, and the next use tries again', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager } = setUp([speech]);
    speech.failure = makeError('model_file_invalid', { file: 'x', reason: 'it is damaged' });
    await expect(manager.load('speech', never)).rejects.toMatchObject({ code: 'model_file_invalid' });
    expect(manager.list()[0]).toMatchObject({ state: 'failed', reason: expect.stringContaining('damaged') as string });
    speech.failure = undefined;
    const status = await manager.load('speech', never);
    expect(status).toMatchObject({ state: 'ready' });
    expect(status).not.toHaveProperty('reason');
  });

  it('stops loading when the last of those who wait has left, and not before', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager, stateOf, settle } = setUp([speech]);
    speech.gate = new Promise(() => {});
    const [first, second] = [new AbortController(), new AbortController()];
    const loads = [first, second].map((controller) => manager.load('speech', controller.signal));
    await settle();
    first.abort(new Error('first left'));
    await expect(loads[0]).rejects.toThrow('first left');
    expect(speech.aborted).toBe(0);
    second.abort(new Error('second left'));
    await expect(loads[1]).rejects.toThrow('second left');
    await settle();
    expect(speech.aborted).toBe(1);
    expect(stateOf('speech')).toBe('cold');
    speech.gate = Promise.resolve();
    expect(await manager.load('speech', never)).toMatchObject({ state: 'ready', loads: 1 });
  });

  it('that crashes is loaded by the next use, later after each crash in a row', async () => {
    const speech = new FakeModule('speech', 100);
    const { manager, time, slept, stateOf } = setUp([speech]);
    for (let crash = 0; crash < 4; crash++) {
      await manager.load('speech', never);
      speech.crash();
      expect(stateOf('speech')).toBe('failed');
    }
    await manager.load('speech', never);
    expect(slept).toEqual([500, 2_000, 5_000]);
    time.now += 120_000;
    speech.crash();
    await manager.load('speech', never);
    expect(slept).toHaveLength(3);
  });

  it('has a name that is known', async () => {
    const { manager } = setUp([new FakeModule('speech', 1)]);
    await expect(manager.load('smell', never)).rejects.toMatchObject({
      code: 'module_not_found',
      message: 'There is no module smell. There are: speech.',
    });
  });
});

describe('the memory budget', () => {
  it('makes room by unloading the least recently used first, and no more than needed', async () => {
    const [speech, ocr, language] = [
      new FakeModule('speech', 400),
      new FakeModule('ocr', 300),
      new FakeModule('language', 500),
    ];
    const { manager, time, stateOf } = setUp([speech, ocr, language]);
    await manager.load('speech', never);
    time.now = 10;
    await manager.load('ocr', never);
    time.now = 20;
    await manager.load('language', never);
    expect([stateOf('speech'), stateOf('ocr'), stateOf('language')]).toEqual(['unloaded', 'ready', 'ready']);
  });

  it('spares what should stay loaded as long as another can go', async () => {
    const [language, ocr, speech] = [
      new FakeModule('language', 400, { staysLoaded: true }),
      new FakeModule('ocr', 300),
      new FakeModule('speech', 500),
    ];
    const { manager, time, stateOf } = setUp([language, ocr, speech]);
    await manager.load('language', never);
    time.now = 10;
    await manager.load('ocr', never);
    await manager.load('speech', never);
    expect([stateOf('language'), stateOf('ocr')]).toEqual(['ready', 'unloaded']);
  });

  it('refuses with numbers what does not fit beside what is in use, and unloads nothing for it', async () => {
    const [language, ocr, speech] = [
      new FakeModule('language', 700),
      new FakeModule('ocr', 100),
      new FakeModule('speech', 500),
    ];
    const { manager, stateOf } = setUp([language, ocr, speech]);
    await manager.load('ocr', never);
    const release = await manager.hold('language', never);
    await expect(manager.load('speech', never)).rejects.toMatchObject({
      code: 'module_does_not_fit',
      status: 507,
      message: expect.stringMatching(/speech module needs about 500 MiB .* 300 MiB .*--memory-budget \(1000 MiB\)/),
    });
    expect(speech.loads).toBe(0);
    expect([stateOf('language'), stateOf('ocr'), stateOf('speech')]).toEqual(['ready', 'ready', 'failed']);
    release();
    expect(await manager.load('speech', never)).toMatchObject({ state: 'ready' });
  });

  it('without a number is what the machine has free, what is being loaded taken off', async () => {
    const [language, speech] = [new FakeModule('language', 400), new FakeModule('speech', 400)];
    const { manager, settle } = setUp([language, speech], {
      budgetBytes: 'auto',
      availableBytes: () => 600 * mebibyte,
    });
    const opening = gate();
    language.gate = opening.promise;
    const first = manager.load('language', never);
    await settle();
    await expect(manager.load('speech', never)).rejects.toMatchObject({ code: 'module_does_not_fit' });
    opening.open();
    await first;
  });
});

describe('a module that needs another', () => {
  const pair = () => [new FakeModule('language', 400), new FakeModule('vision', 100, { needs: 'language' })] as const;

  it('loads it first, counts as a use of it, and goes with it', async () => {
    const [language, vision] = pair();
    const { manager, time, stateOf, settle } = setUp([language, vision]);
    const release = await manager.hold('vision', never);
    expect(manager.list().map(({ activeUses }) => activeUses)).toEqual([1, 1]);
    const unloading = manager.unload('language', never);
    await settle();
    expect(language.unloads).toBe(0);
    release();
    await unloading;
    expect([language.unloads, vision.unloads]).toEqual([1, 1]);
    expect([stateOf('language'), stateOf('vision')]).toEqual(['unloaded', 'unloaded']);
    time.now = 10;
    await manager.load('vision', never);
    expect(language.isLoaded).toBe(true);
  });

  it('is lost with it', async () => {
    const [language, vision] = pair();
    const { manager, stateOf } = setUp([language, vision]);
    await manager.load('vision', never);
    vision.isLoaded = false;
    language.crash();
    expect([stateOf('language'), stateOf('vision')]).toEqual(['failed', 'unloaded']);
    language.isLoaded = true;
    language.events?.restored();
    expect(stateOf('language')).toBe('ready');
    await manager.load('vision', never);
    expect([language.loads, vision.loads]).toEqual([1, 2]);
  });
});

it('a disposed manager ends loads and unloads what is loaded', async () => {
  const [speech, ocr] = [new FakeModule('speech', 100), new FakeModule('ocr', 100)];
  const { manager, settle } = setUp([speech, ocr]);
  await manager.load('ocr', never);
  speech.gate = new Promise(() => {});
  const loading = manager.load('speech', never);
  const refused = expect(loading).rejects.toMatchObject({ code: 'shutting_down' });
  await settle();
  await manager.dispose();
  await refused;
  expect([ocr.unloads, speech.aborted]).toEqual([1, 1]);
  await expect(manager.load('ocr', never)).rejects.toMatchObject({ code: 'shutting_down' });
});
