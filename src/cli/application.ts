/** What the commands need of the rest. `main.ts` hands in the concrete pieces. */
import type { DeviceAdapters } from '../core/adapters.ts';
import type { Backend } from '../core/backend.ts';
import type { Log } from '../core/log.ts';
import type { InferenceService } from '../core/inference.ts';
import type { Metrics } from '../core/metrics.ts';
import type { MinutesMaker } from '../core/minutes.ts';
import type { InstalledModel, ModelAdministration } from '../core/model-store.ts';
import type { ManagedModule, ModuleAdministration, ModuleName, ModuleUse } from '../core/modules.ts';
import type {
  PictureDecoder,
  PictureFetcher,
  PictureGuard,
  PictureReader,
  SpeakerReader,
  Transcriber,
  VoiceWatcher,
} from '../core/perception.ts';
import type { Config } from '../config/load-config.ts';
import type { EngineInfo, EngineOptions, EngineStatistics } from '../engine/host/messages.ts';
import type { FinetuneOptions, FinetuneResult } from '../engine/finetune/finetune.ts';
import type { OptimizeOptions, OptimizeResult } from '../engine/optimize/optimizer.ts';
import type { AdapterStore } from '../models/adapters/adapter-store.ts';
import type { GgufHeader } from '../models/gguf.ts';
import type { TunedFiles } from '../models/tuned-files.ts';
import type { RunningServer } from '../server/start.ts';
import type { AppParts } from '../server/options.ts';

export type Store = ModelAdministration & {
  /** Throws `model_not_found` for a model that is not on this machine; fetches nothing. */
  resolve(name: string): Promise<InstalledModel>;
  /** Files that were optimised for this device. */
  readonly tunedFiles: TunedFiles;
  /** LoRA adapters. */
  readonly adapters: AdapterStore;
  dispose(): Promise<void>;
};

export type Engine = Backend & {
  start(signal: AbortSignal): Promise<void>;
  readonly info: EngineInfo | undefined;
  readonly pid: number | undefined;
  managedModules(): ManagedModule[];
};

export type Modules = ModuleAdministration &
  ModuleUse & {
    register(module: ManagedModule): void;
    unregister(name: ModuleName, signal: AbortSignal): Promise<void>;
    dispose(): Promise<void>;
  };

/** What takes pictures in. */
export type Pictures = {
  decoder: PictureDecoder & PictureGuard;
  reader: PictureReader;
  /** Only where the operator allows addresses. */
  fetcher?: PictureFetcher;
  dispose(): Promise<void>;
};

export type Speech = Transcriber &
  VoiceWatcher &
  SpeakerReader & { managedModules(): ManagedModule[]; readonly pid: number | undefined };

export type Telemetry = {
  log: Log;
  metrics: Metrics;
  renderMetrics: () => Promise<{ contentType: string; text: string }>;
};

/** Asks an address and returns its status. Throws a readable error where it does not answer. */
export type HttpProbe = (url: string, signal: AbortSignal) => Promise<number>;

export type Application = {
  version: string;
  openTelemetry(config: Config): Telemetry;
  openStore(config: Config, log: Log): Store;
  /** The package indexes that pip is configured to use. */
  packageIndexes(config: Config): string[];
  /** With the proxies and certificates of the store. */
  openHttpProbe(config: Config): { probe: HttpProbe; dispose(): Promise<void> };
  readHeader(path: string): Promise<GgufHeader>;
  /** Not started yet. */
  createEngine(
    options: EngineOptions,
    config: Config,
    parts: {
      log: Log;
      onStatistics: (statistics: EngineStatistics) => void;
      modules: ModuleUse;
      /** Estimate of all that the language model takes, in bytes. */
      neededBytes: number;
      /** The same for its projector. */
      visionNeededBytes?: number;
      decoder?: PictureDecoder;
      /** What requests may lay over the model. */
      adapters?: DeviceAdapters;
    },
  ): Engine;
  /** Registers the module `ocr`. */
  createPictures(config: Config, parts: { log: Log; modules: Modules }): Pictures;
  createModules(config: Config, telemetry: Pick<Telemetry, 'log' | 'metrics'>): Modules;
  /** Hearing on the device; nothing is loaded yet. */
  createSpeech(config: Config, parts: { log: Log; modules: ModuleUse; store: Pick<Store, 'installed'> }): Speech;
  /** Requantises and measures in a process of its own. */
  optimize(options: Omit<OptimizeOptions, 'environment'>, config: Config): Promise<OptimizeResult>;
  /** Trains an adapter in a process of its own. */
  finetune(options: Omit<FinetuneOptions, 'environment'>, config: Config): Promise<FinetuneResult>;
  /** Minutes of meetings, by what this server answers with. */
  createMinutes(
    config: Config,
    parts: { log: Log; service: InferenceService; transcriber: Transcriber; speakers: SpeakerReader },
  ): MinutesMaker;
  availableMemoryBytes(): number;
  startServer(parts: AppParts): Promise<RunningServer>;
};
