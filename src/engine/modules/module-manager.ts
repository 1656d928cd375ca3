/**
 * The life of the modules: each is loaded by its first use, kept while it is used, and unloaded when it has been idle or
 * when another needs its memory, least recently used first. Nothing here touches native code.
 */
import type { Clock } from '../../core/clock.ts';
import { DuanyunError, makeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type {
  ManagedModule,
  ModuleAdministration,
  ModuleName,
  ModuleState,
  ModuleStatus,
  ModuleUse,
} from '../../core/modules.ts';
import { Turnstile } from '../scheduler/turnstile.ts';
import { fitting, type MemoryHolder } from './memory-plan.ts';
import { SharedLoad } from './shared-load.ts';

export type ModuleManagerOptions = {
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** For all modules together, in bytes; `auto`: whatever the machine has free. */
  budgetBytes: number | 'auto';
  /** What this process and its children may still take. */
  availableBytes: () => number;
  /** A module that has not been used for this long is unloaded. Milliseconds. */
  idleMs: number;
  /** Resolves after a time; the tests give their own. */
  sleep?: (delayMs: number, signal: AbortSignal) => Promise<void>;
};

/** Delay before the load after the 1st, 2nd … crash in a row, in milliseconds. */
const backOffMs = [0, 500, 2_000, 5_000, 15_000, 30_000];
/** A module that has been loaded this long starts the row anew. */
const stableMs = 60_000;
/** `idle` is shown after this share of the idle time. */
const idleShownShare = 0.25;
const sweepEveryMs = 1_000;
const unending = new AbortController().signal;

type Entry = {
  readonly module: ManagedModule;
  /** `ready` covers `idle`, which is a matter of time only. */
  state: Exclude<ModuleState, 'idle'>;
  activeUses: number;
  loads: number;
  loadMs: number | undefined;
  requiredBytes: number | undefined;
  /** What its load is going to take, once it has found room. */
  promisedBytes: number;
  reason: string | undefined;
  lastUsedAt: number | undefined;
  /** By the monotonic clock. */
  lastUsedMs: number;
  readyMs: number;
  /** Crashes in a row. */
  crashes: number;
  /** No load before this moment. */
  notBeforeMs: number;
  load: SharedLoad | undefined;
  /** An unloading that has been asked for: new uses wait for its end. */
  unloading: Promise<void> | undefined;
  /** Called when the last use ends. */
  onUnused: (() => void)[];
};

export class ModuleManager implements ModuleAdministration, ModuleUse {
  readonly #options: ModuleManagerOptions;
  readonly #entries = new Map<ModuleName, Entry>();
  /** Whoever looks for room does so alone. */
  readonly #placing = new Turnstile();
  readonly #disposal = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ModuleManagerOptions) {
    this.#options = options;
  }

  /** Throws for a name that is taken. */
  register(module: ManagedModule): void {
    if (this.#entries.has(module.name)) throw new Error(`module ${module.name} is registered already`);
    const entry: Entry = {
      module,
      state: 'cold',
      activeUses: 0,
      loads: 0,
      loadMs: undefined,
      requiredBytes: undefined,
      promisedBytes: 0,
      reason: undefined,
      lastUsedAt: undefined,
      lastUsedMs: 0,
      readyMs: 0,
      crashes: 0,
      notBeforeMs: 0,
      load: undefined,
      unloading: undefined,
      onUnused: [],
    };
    this.#entries.set(module.name, entry);
    module.watch?.({
      lost: (reason) => this.#onLost(entry, reason),
      restored: () => this.#onReady(entry),
    });
    this.#timer ??= setInterval(() => this.sweep(), sweepEveryMs).unref();
  }

  /** Unloads it when its running uses end, and forgets it, so that another one can take its name. */
  async unregister(name: ModuleName, signal: AbortSignal): Promise<void> {
    const entry = this.#find(name);
    await this.#unload(entry, signal, 'replaced');
    // Gone or going with its process: crashes of the old one are not those of the new one.
    if (this.#entries.get(name) === entry) this.#entries.delete(name);
  }

  has(name: string): boolean {
    return this.#entries.has(name as ModuleName);
  }

  list(): ModuleStatus[] {
    return [...this.#entries.values()].map((entry) => this.#status(entry));
  }

  async load(name: string, signal: AbortSignal): Promise<ModuleStatus> {
    const entry = this.#find(name);
    const release = await this.hold(entry.module.name, signal);
    release();
    return this.#status(entry);
  }

  async unload(name: string, signal: AbortSignal): Promise<ModuleStatus> {
    const entry = this.#find(name);
    await this.#unload(entry, signal, 'asked for');
    return this.#status(entry);
  }

  async use<Result>(name: ModuleName, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const release = await this.hold(name, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  async hold(name: ModuleName, signal: AbortSignal): Promise<() => void> {
    const entry = this.#find(name);
    const { needs } = entry.module;
    const releaseNeeded = needs === undefined ? () => {} : await this.hold(needs, signal);
    try {
      for (;;) {
        signal.throwIfAborted();
        this.#disposal.signal.throwIfAborted();
        if (entry.unloading !== undefined) await settled(entry.unloading, signal);
        else if (entry.state === 'ready') break;
        else await this.#sharedLoad(entry).wait(signal);
      }
    } catch (error) {
      releaseNeeded();
      throw error;
    }
    return this.#countUse(entry, releaseNeeded);
  }

  /** Unloads what has been idle for too long. Runs once a second; the tests call it. */
  sweep(): void {
    const now = this.#options.clock.now();
    for (const entry of this.#entries.values()) {
      if (entry.module.staysLoaded !== true && this.#isFree(entry) && now - entry.lastUsedMs >= this.#options.idleMs) {
        void this.#unload(entry, unending, 'idle').catch(() => {});
      }
    }
    this.#measure();
  }

  /** Ends loads, waits for no use, unloads everything. */
  async dispose(): Promise<void> {
    clearInterval(this.#timer);
    this.#disposal.abort(makeError('shutting_down', {}));
    for (const { load } of this.#entries.values()) await load?.cancel(this.#disposal.signal.reason);
    for (const entry of this.#dependentsFirst()) {
      if (entry.activeUses === 0) await entry.unloading?.catch(() => {});
      if (entry.state === 'ready') await entry.module.unload().catch(() => {});
      if (entry.state === 'ready') entry.state = 'unloaded';
    }
  }

  #find(name: string): Entry {
    const entry = this.#entries.get(name as ModuleName);
    if (entry !== undefined) return entry;
    const available = [...this.#entries.keys()].join(', ') || 'none yet';
    throw makeError('module_not_found', { module: name.slice(0, 100), available });
  }

  #status(entry: Entry): ModuleStatus {
    const { module, state, requiredBytes, loadMs, lastUsedAt, reason } = entry;
    const model = module.model();
    const progress = state === 'loading' ? module.progress?.() : undefined;
    return {
      name: module.name,
      state: this.#shownState(entry),
      ...(model === undefined ? {} : { model }),
      ...(requiredBytes === undefined ? {} : { requiredBytes }),
      residentBytes: state === 'ready' ? module.residentBytes() : 0,
      activeUses: entry.activeUses,
      loads: entry.loads,
      ...(loadMs === undefined ? {} : { loadMs }),
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      ...(progress === undefined ? {} : { progress }),
      ...(reason === undefined ? {} : { reason }),
    };
  }

  #shownState(entry: Entry): ModuleState {
    if (entry.state !== 'ready' || entry.activeUses > 0) return entry.state;
    const unusedMs = this.#options.clock.now() - entry.lastUsedMs;
    return unusedMs >= this.#options.idleMs * idleShownShare ? 'idle' : 'ready';
  }

  #countUse(entry: Entry, releaseNeeded: () => void): () => void {
    entry.activeUses++;
    this.#touch(entry);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      entry.activeUses--;
      this.#touch(entry);
      if (entry.activeUses === 0) for (const listener of entry.onUnused.splice(0)) listener();
      releaseNeeded();
    };
  }

  #touch(entry: Entry): void {
    entry.lastUsedAt = this.#options.clock.wallTime();
    entry.lastUsedMs = this.#options.clock.now();
  }

  #sharedLoad(entry: Entry): SharedLoad {
    if (entry.load !== undefined && !entry.load.isCancelled) return entry.load;
    const before = entry.load;
    const load = new SharedLoad(async (signal) => {
      // The one before may still be giving up.
      await before?.ended;
      await this.#load(entry, signal);
    });
    entry.load = load;
    void load.ended.finally(() => {
      if (entry.load === load) entry.load = undefined;
    });
    return load;
  }

  async #load(entry: Entry, signal: AbortSignal): Promise<void> {
    const { clock, log, metrics, sleep = defaultSleep } = this.#options;
    const { module } = entry;
    const before = entry.state;
    const fallback = before === 'ready' || before === 'loading' ? 'unloaded' : before;
    entry.state = 'loading';
    try {
      const delayMs = entry.notBeforeMs - clock.now();
      if (delayMs > 0) await sleep(delayMs, signal);
      await this.#makeRoom(entry, signal);
      const startedMs = clock.now();
      await module.load(signal);
      entry.loadMs = clock.now() - startedMs;
      entry.loads++;
      this.#onReady(entry);
      metrics.count('duanyun_module_loads_total', { module: module.name });
      metrics.observe('duanyun_module_load_seconds', entry.loadMs / 1000, { module: module.name });
      log.info({ module: module.name, model: module.model(), loadMs: Math.round(entry.loadMs) }, 'module loaded');
    } catch (error) {
      if (signal.aborted) {
        entry.state = fallback;
        throw error;
      }
      entry.state = 'failed';
      entry.reason = error instanceof Error ? error.message : String(error);
      metrics.count('duanyun_module_load_failures_total', { module: module.name });
      log.warn({ module: module.name, code: error instanceof DuanyunError ? error.code : 'internal' }, 'module failed');
      throw error;
    } finally {
      entry.promisedBytes = 0;
      this.#measure();
    }
  }

  /** Unloads what must go for this module. Throws `module_does_not_fit` before anything is unloaded in vain. */
  async #makeRoom(entry: Entry, signal: AbortSignal): Promise<void> {
    const release = await this.#placing.enter();
    try {
      signal.throwIfAborted();
      const neededBytes = await entry.module.requiredBytes();
      entry.requiredBytes = neededBytes;
      const free = this.#freeBytes();
      const plan = fitting(neededBytes, free, this.#movable(entry));
      if (!plan.fits) throw doesNotFit(entry.module.name, neededBytes, plan.reachableBytes, this.#options.budgetBytes);
      // All at once: each is unused now, and from here on new uses of it wait.
      const why = `room for ${entry.module.name}`;
      await Promise.all(plan.unload.map((holder) => this.#unload(this.#find(holder.name), signal, why)));
      entry.promisedBytes = neededBytes;
    } finally {
      release();
    }
  }

  /** What may still be taken, what loads in progress will take already taken off. */
  #freeBytes(): number {
    const { budgetBytes, availableBytes } = this.#options;
    let held = 0;
    let promised = 0;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'ready') held += entry.module.residentBytes();
      if (entry.state === 'loading') promised += entry.promisedBytes;
    }
    const byMachine = availableBytes() - promised;
    return budgetBytes === 'auto' ? byMachine : Math.min(byMachine, budgetBytes - held - promised);
  }

  /** Unused modules, in the order in which they may go: least recently used first, those that should stay last. */
  #movable(wanting: Entry): MemoryHolder[] {
    return this.#dependentsFirst()
      .filter((entry) => entry !== wanting && entry.module.name !== wanting.module.needs && this.#isFree(entry))
      .toSorted(
        (left, right) =>
          Number(left.module.staysLoaded === true) - Number(right.module.staysLoaded === true) ||
          left.lastUsedMs - right.lastUsedMs,
      )
      .map(({ module }) => ({ name: module.name, residentBytes: module.residentBytes() }));
  }

  #isFree(entry: Entry): boolean {
    return (
      entry.state === 'ready' &&
      entry.activeUses === 0 &&
      entry.unloading === undefined &&
      this.#dependents(entry).every(({ activeUses, state }) => activeUses === 0 && state !== 'loading')
    );
  }

  #dependents(entry: Entry): Entry[] {
    return [...this.#entries.values()].filter(({ module }) => module.needs === entry.module.name);
  }

  #dependentsFirst(): Entry[] {
    const entries = [...this.#entries.values()];
    return entries.toSorted((left, right) => this.#dependents(left).length - this.#dependents(right).length);
  }

  async #unload(entry: Entry, signal: AbortSignal, why: string): Promise<void> {
    signal.throwIfAborted();
    if (entry.unloading === undefined) {
      entry.unloading = this.#drainAndUnload(entry, why).finally(() => {
        entry.unloading = undefined;
      });
      // Whoever asked may have left before it fails.
      entry.unloading.catch(() => {});
    }
    await settled(entry.unloading, signal);
  }

  /** Goes on when whoever asked has left: it was asked for. */
  async #drainAndUnload(entry: Entry, why: string): Promise<void> {
    await entry.load?.ended;
    if (entry.activeUses > 0) {
      await new Promise<void>((resolve) => {
        entry.onUnused.push(resolve);
      });
    }
    // A use of a dependent is a use of this module, so none of them is in use.
    for (const dependent of this.#dependents(entry)) {
      if (dependent.state === 'ready') await this.#unload(dependent, unending, `${entry.module.name} goes`);
    }
    if (entry.state === 'ready' || entry.state === 'failed') {
      entry.reason = undefined;
      try {
        await entry.module.unload();
      } catch (error) {
        entry.state = 'failed';
        entry.reason = error instanceof Error ? error.message : String(error);
        throw error;
      }
      this.#options.log.info({ module: entry.module.name, why }, 'module unloaded');
      this.#options.metrics.count('duanyun_module_unloads_total', { module: entry.module.name });
    }
    if (entry.state !== 'cold') entry.state = 'unloaded';
    this.#measure();
  }

  #onReady(entry: Entry): void {
    entry.state = 'ready';
    entry.reason = undefined;
    entry.readyMs = this.#options.clock.now();
    this.#touch(entry);
  }

  #onLost(entry: Entry, reason: string): void {
    const { clock, log, metrics } = this.#options;
    if (entry.state === 'ready') {
      const now = clock.now();
      if (now - entry.readyMs > stableMs) entry.crashes = 0;
      entry.notBeforeMs = now + (backOffMs[Math.min(entry.crashes, backOffMs.length - 1)] ?? 0);
      entry.crashes++;
      entry.state = 'failed';
      metrics.count('duanyun_module_crashes_total', { module: entry.module.name });
    }
    if (entry.state === 'failed') entry.reason = reason;
    log.warn({ module: entry.module.name, reason }, 'module lost');
    for (const dependent of this.#dependents(entry)) {
      // They lived in the same process.
      if (dependent.state === 'ready') dependent.state = 'unloaded';
    }
    this.#measure();
  }

  #measure(): void {
    const { metrics } = this.#options;
    for (const { module, state, activeUses } of this.#entries.values()) {
      metrics.gauge('duanyun_module_loaded', state === 'ready' ? 1 : 0, { module: module.name });
      metrics.gauge('duanyun_module_active_uses', activeUses, { module: module.name });
      metrics.gauge('duanyun_module_resident_bytes', state === 'ready' ? module.residentBytes() : 0, {
        module: module.name,
      });
    }
  }
}

const mebibyte = 1024 * 1024;

function doesNotFit(
  module: ModuleName,
  neededBytes: number,
  reachableBytes: number,
  budgetBytes: number | 'auto',
): DuanyunError {
  const budget = budgetBytes === 'auto' ? '' : ` or raise --memory-budget (${Math.floor(budgetBytes / mebibyte)} MiB)`;
  return makeError('module_does_not_fit', {
    module,
    neededMiB: Math.ceil(neededBytes / mebibyte),
    availableMiB: Math.max(0, Math.floor(reachableBytes / mebibyte)),
    advice: `Free some memory${budget}, or use a smaller model.`,
  });
}

/** The end of another's work, or the caller's own abort; how that work ended is not the caller's business. */
async function settled(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function defaultSleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
