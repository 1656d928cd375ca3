/** From a model's name to an engine that answers: pull what is missing, check the header, plan, load. */
import path from 'node:path';
import type { Modality } from '../../core/backend.ts';
import type { Log } from '../../core/log.ts';
import type { InstalledModel, PullEvent } from '../../core/model-store.ts';
import type { PictureDecoder } from '../../core/perception.ts';
import type { Config } from '../../config/load-config.ts';
import type { EngineStatistics } from '../../engine/host/messages.ts';
import { ModelAdapters } from '../../models/adapters/model-adapters.ts';
import type { Application, Engine, Modules, Store } from '../application.ts';
import { countPhysicalCores } from './physical-cores.ts';
import { resolveOrPull } from '../resolve-or-pull.ts';
import { chooseDraftModel } from './draft-model.ts';
import { planEngine, type EnginePlan } from './plan-engine.ts';
import { planVision } from './plan-vision.ts';

export type BringUpHooks = {
  onPull(event: PullEvent): void;
  /** The weights are here; their memory is about to be taken. */
  onModel(model: InstalledModel, plan: EnginePlan): void;
  /** Called before the load, so that the caller can dispose of the engine whatever happens. */
  onEngine(engine: Engine): void;
  onStatistics: (statistics: EngineStatistics) => void;
};

export type BringUpParts = {
  application: Application;
  store: Store;
  config: Config;
  log: Log;
  signal: AbortSignal;
  modules: Modules;
  /** Reads picture files. Without it the device reads no pictures. */
  decoder?: PictureDecoder;
  hooks: BringUpHooks;
};

export type BroughtUp = { model: InstalledModel; plan: EnginePlan; engine: Engine };

/**
 * Throws what is in the way: `model_not_found`, `offline`, `download_failed`, `hash_mismatch`, `disk_full`,
 * `model_file_invalid`, `model_too_large` (before anything is loaded), `draft_mismatch`, `engine_unavailable`.
 */
export async function bringUp(parts: BringUpParts): Promise<BroughtUp> {
  const { application, store, config, log, signal, modules, hooks } = parts;
  const obtain = (name: string): Promise<InstalledModel> =>
    resolveOrPull(store, name, { signal, onPull: (event) => hooks.onPull(event) });
  const model = withProjector(await obtain(config.model), config.projector);
  const header = await application.readHeader(model.weightsPath);
  const vision =
    model.projectorPath === undefined ? undefined : planVision(await application.readHeader(model.projectorPath));
  const draft = await chooseDraftModel(model, {
    config,
    find: obtain,
    readHeader: (file) => application.readHeader(file),
    onNote: (note) => log.warn({ model: model.entry.id }, note),
  });
  const plan = planEngine({
    model,
    ...(draft === undefined ? {} : { draft }),
    header,
    config,
    availableBytes: Math.min(application.availableMemoryBytes(), budgetBytes(config)),
    physicalCores: countPhysicalCores(),
    catalogue: store.catalogue(),
  });
  for (const note of plan.notes) log.warn({ model: model.entry.id }, note);
  hooks.onModel(model, plan);
  const { neededBytes } = plan;
  const pictures =
    model.projectorPath === undefined || vision === undefined
      ? {}
      : { projectorPath: model.projectorPath, pixelsPerPictureToken: vision.pixelsPerToken };
  const engine = application.createEngine({ ...plan.engine, ...pictures }, config, {
    log,
    onStatistics: hooks.onStatistics,
    modules,
    neededBytes,
    adapters: new ModelAdapters(store.adapters, model, header),
    ...(vision === undefined ? {} : { visionNeededBytes: vision.neededBytes }),
    ...(parts.decoder === undefined ? {} : { decoder: parts.decoder }),
  });
  for (const module of engine.managedModules()) modules.register(module);
  hooks.onEngine(engine);
  await engine.start(signal);
  return { model, plan, engine };
}

/** A projector that the user names comes before the model's own. */
function withProjector(model: InstalledModel, projector: string): InstalledModel {
  if (projector === '') return model;
  const { entry } = model;
  const modalities: Modality[] = entry.modalities.includes('image') ? entry.modalities : [...entry.modalities, 'image'];
  return { ...model, projectorPath: path.resolve(projector), entry: { ...entry, modalities } };
}

function budgetBytes({ memoryBudget }: Config): number {
  return memoryBudget === 'auto' ? Number.POSITIVE_INFINITY : memoryBudget * 1024 * 1024;
}
