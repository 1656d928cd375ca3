/** The model that answers on the device, from the start of the server on, and another one in its place. */
import { makeError } from '../../core/errors.ts';
import type { DeviceModelSwitch } from '../../core/model-store.ts';
import type { LateBackend } from '../../hybrid/late-backend.ts';
import { bringUp, type BringUpHooks, type BringUpParts, type BroughtUp } from './bring-up.ts';
import { countPhysicalCores } from './physical-cores.ts';
import { chooseDraftModel } from './draft-model.ts';
import { planEngine } from './plan-engine.ts';

export type DeviceModelParts = Omit<BringUpParts, 'hooks'> & {
  device: LateBackend;
  hooks: Omit<BringUpHooks, 'onEngine'>;
};

export class DeviceModel implements DeviceModelSwitch {
  readonly #parts: DeviceModelParts;
  #name: string;
  #brought: BroughtUp | undefined;
  #isChanging = false;
  #changing: Promise<void> = Promise.resolve();
  #pid = (): number | undefined => undefined;

  constructor(parts: DeviceModelParts) {
    this.#parts = parts;
    this.#name = parts.config.model;
  }

  get enginePid(): number | undefined {
    return this.#pid();
  }

  current(): string | undefined {
    return this.#brought?.model.entry.id;
  }

  /** The model of the configuration. Throws as `bringUp` does. */
  start(): Promise<BroughtUp> {
    return this.#bringUp(this.#name);
  }

  async switchTo(name: string, signal: AbortSignal): Promise<void> {
    const before = this.#brought;
    if (this.#isChanging || before === undefined) {
      throw makeError('conflict', { reason: 'A model is being brought up: wait until it answers.' });
    }
    await this.#check(name, before);
    signal.throwIfAborted();
    if (this.#isChanging) throw makeError('conflict', { reason: 'Another model is being brought up.' });
    this.#isChanging = true;
    // Goes on when whoever asked has left: half a change would leave nothing that answers.
    const change = this.#change(name, before).finally(() => {
      this.#isChanging = false;
    });
    this.#changing = change.catch(() => {});
    await change;
  }

  /** Resolves when no change is in progress. */
  settled(): Promise<void> {
    return this.#changing;
  }

  /** Refuses what cannot work while the one before still answers. */
  async #check(name: string, before: BroughtUp): Promise<void> {
    const { store, application, config } = this.#parts;
    const model = await store.resolve(name);
    if (
      !model.entry.files.some(({ role }) => role === 'weights') ||
      !/\.gguf$/i.test(model.entry.files[0]?.name ?? '')
    ) {
      throw makeError('invalid_request', { reason: `${name} is no model that answers.` }, { param: 'model' });
    }
    const draft = await chooseDraftModel(model, {
      config,
      find: (id) => store.resolve(id),
      readHeader: (file) => application.readHeader(file),
      onNote: () => {},
    });
    planEngine({
      model,
      ...(draft === undefined ? {} : { draft }),
      header: await application.readHeader(model.weightsPath),
      config,
      // What the one before takes is free by then.
      availableBytes: application.availableMemoryBytes() + before.plan.neededBytes,
      physicalCores: countPhysicalCores(),
      catalogue: store.catalogue(),
    });
  }

  async #change(name: string, before: BroughtUp): Promise<void> {
    const { device, log } = this.#parts;
    device.detach({ status: 'loading', reason: `changing to ${name}` });
    this.#brought = undefined;
    await this.#letGo(before);
    try {
      await this.#bringUp(name);
      this.#name = name;
    } catch (error) {
      log.error({ model: name, detail: String(error) }, 'the other model could not start: back to the one before');
      if (!this.#parts.signal.aborted) await this.#bringUp(this.#name);
      throw error;
    }
  }

  async #letGo({ engine }: BroughtUp): Promise<void> {
    const { modules, signal } = this.#parts;
    // Those that need another one are the last that it names.
    for (const module of engine.managedModules().toReversed()) await modules.unregister(module.name, signal);
    await engine.dispose();
  }

  async #bringUp(name: string): Promise<BroughtUp> {
    const { device, hooks, ...parts } = this.#parts;
    let engine: BroughtUp['engine'] | undefined;
    try {
      const brought = await bringUp({
        ...parts,
        config: { ...parts.config, model: name },
        hooks: {
          ...hooks,
          onEngine: (started) => {
            engine = started;
            device.attach(started);
            this.#pid = () => started.pid;
          },
        },
      });
      this.#brought = brought;
      return brought;
    } catch (error) {
      // At the start of the server the failed engine stays, with its reason; a change tries the one before.
      if (this.#isChanging && engine !== undefined) {
        device.detach({ status: 'loading', reason: 'changing back' });
        for (const module of engine.managedModules().toReversed()) {
          await parts.modules.unregister(module.name, parts.signal).catch(() => {});
        }
        await engine.dispose();
      }
      throw error;
    }
  }
}
