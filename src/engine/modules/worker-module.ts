/** A module whose native code lives in a worker process of its own: unloading it ends the process. */
import type { Log } from '../../core/log.ts';
import type { ManagedModule, ModuleEvents, ModuleName, ModuleUse } from '../../core/modules.ts';
import { WorkerProcess, type CallOptions } from '../host/worker-process.ts';

export type WorkerModuleOptions<Options> = {
  name: ModuleName;
  /** Path of the built script that calls `serveWorker`. */
  script: string;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** What would be loaded; `undefined` where nothing is installed. */
  model(): string | undefined;
  /** Estimated before the load. Throws `module_not_installed`, which says what to pull. */
  requiredBytes(): Promise<number>;
  /** What the service's `load` gets. Throws `module_not_installed`. */
  loadOptions(): Promise<Options>;
  /**
   * A worker that has calls and says nothing for so long is stuck in native code: it is killed, and its calls fail with
   * `module_crashed`. Default: it may take any time.
   */
  mostSilentMs?: number;
};

export class WorkerModule<Options, Info, Request, Result, Progress = never> implements ManagedModule {
  readonly name: ModuleName;
  readonly #options: WorkerModuleOptions<Options>;
  readonly #worker: WorkerProcess<Options, Info, Request, Result, Progress>;
  #events: ModuleEvents | undefined;
  #running = 0;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: WorkerModuleOptions<Options>) {
    const { name, script, environment, log } = options;
    this.name = name;
    this.#options = options;
    this.#worker = new WorkerProcess({
      name,
      script,
      environment,
      log,
      onLost: (reason) => this.#events?.lost(reason),
    });
  }

  /** Process id while one runs. */
  get pid(): number | undefined {
    return this.#worker.pid;
  }

  /** What the service's `load` returned, while it is loaded. */
  get info(): Info | undefined {
    return this.#worker.info;
  }

  watch(events: ModuleEvents): void {
    this.#events = events;
  }

  model(): string | undefined {
    return this.#options.model();
  }

  requiredBytes(): Promise<number> {
    return this.#options.requiredBytes();
  }

  async load(signal: AbortSignal): Promise<void> {
    await this.#worker.start(await this.#options.loadOptions(), signal);
  }

  unload(): Promise<void> {
    return this.#worker.stop();
  }

  residentBytes(): number {
    return this.#worker.residentBytes;
  }

  /** Loads it where needed and keeps it meanwhile. Throws what `ModuleUse.use` and the service throw. */
  call(modules: ModuleUse, request: Request, options: CallOptions<Progress>): Promise<Result> {
    return modules.use(this.name, options.signal, () => this.#watched(request, options));
  }

  async #watched(request: Request, options: CallOptions<Progress>): Promise<Result> {
    // Asking is no sign of life: only the first call starts the clock.
    if (this.#running++ === 0) this.#heardFrom();
    try {
      return await this.#worker.call(request, {
        ...options,
        onProgress: (progress) => {
          this.#heardFrom();
          options.onProgress?.(progress);
        },
      });
    } finally {
      this.#running--;
      this.#heardFrom();
    }
  }

  #heardFrom(): void {
    const { mostSilentMs, name, log } = this.#options;
    clearTimeout(this.#silence);
    if (mostSilentMs === undefined || this.#running === 0) return;
    this.#silence = setTimeout(() => {
      log.error({ module: name, mostSilentMs }, 'worker process says nothing, and is ended');
      this.#worker.kill();
    }, mostSilentMs);
    this.#silence.unref();
  }
}
