/** The projector as the module manager sees it: a part of the engine process that comes and goes by itself. */
import { makeError } from '../../core/errors.ts';
import type { ManagedModule } from '../../core/modules.ts';
import type { EngineProcess } from '../host/engine-process.ts';

export type VisionModuleOptions = {
  /** Id of the language model it belongs to. */
  modelId: string;
  /** Absent where the model has none on this machine. */
  projectorPath: string | undefined;
  /** Estimated before the load, in bytes. */
  neededBytes: number;
  threads: number;
  /** For encoded pictures, in bytes. */
  cacheBytes: number;
};

export class VisionProcessModule implements ManagedModule {
  readonly name = 'vision';
  readonly needs = 'language';
  readonly #process: EngineProcess;
  readonly #options: VisionModuleOptions;
  #residentBytes = 0;

  constructor(process: EngineProcess, options: VisionModuleOptions) {
    this.#process = process;
    this.#options = options;
  }

  model(): string | undefined {
    return this.#options.projectorPath === undefined ? undefined : this.#options.modelId;
  }

  async requiredBytes(): Promise<number> {
    this.#path();
    return this.#options.neededBytes;
  }

  async load(signal: AbortSignal): Promise<void> {
    const { threads, cacheBytes } = this.#options;
    const { grownBytes } = await this.#process.loadVision({ projectorPath: this.#path(), threads, cacheBytes });
    this.#residentBytes = grownBytes;
    // A native load cannot be stopped half-way; what nobody waits for any more goes again.
    if (!signal.aborted) return;
    await this.unload();
    throw signal.reason;
  }

  async unload(): Promise<void> {
    await this.#process.unloadVision();
    this.#residentBytes = 0;
  }

  residentBytes(): number {
    return this.#residentBytes;
  }

  #path(): string {
    const { modelId, projectorPath } = this.#options;
    if (projectorPath !== undefined) return projectorPath;
    const reason = `${modelId} has no projector here; run a model that reads pictures, such as --model qwen3-vl-2b, or give one with --projector`;
    throw makeError('module_not_installed', { module: 'vision', reason });
  }
}
