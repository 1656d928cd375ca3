/** The language model as the module manager sees it: its engine process, started and ended as a whole. */
import type { ManagedModule, ModuleEvents } from '../../core/modules.ts';
import type { EngineProcess } from '../host/engine-process.ts';

export type LanguageProcessOptions = {
  modelId: string;
  /** Estimated before the load, in bytes. */
  neededBytes: number;
  staysLoaded: boolean;
};

export class LanguageProcessModule implements ManagedModule {
  readonly name = 'language';
  readonly staysLoaded: boolean;
  readonly #process: EngineProcess;
  readonly #options: LanguageProcessOptions;
  #events: ModuleEvents | undefined;

  constructor(process: EngineProcess, options: LanguageProcessOptions) {
    this.#process = process;
    this.#options = options;
    this.staysLoaded = options.staysLoaded;
  }

  watch(events: ModuleEvents): void {
    this.#events = events;
  }

  /** The process restarts by itself after a crash. */
  report(change: { kind: 'lost'; reason: string } | { kind: 'restored' }): void {
    if (change.kind === 'lost') this.#events?.lost(change.reason);
    else this.#events?.restored();
  }

  model(): string {
    return this.#options.modelId;
  }

  async requiredBytes(): Promise<number> {
    return this.#process.pid === undefined ? this.#options.neededBytes : 0;
  }

  async load(signal: AbortSignal): Promise<void> {
    try {
      await this.#process.start(signal);
    } catch (error) {
      // A load that nobody waits for any more must not go on; one that failed keeps its reason.
      if (signal.aborted) await this.#process.stop();
      throw error;
    }
  }

  unload(): Promise<void> {
    return this.#process.stop();
  }

  residentBytes(): number {
    return this.#process.residentBytes || this.#options.neededBytes;
  }
}
