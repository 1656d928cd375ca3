/** What the server's process and the engine's process say to each other, over Node's IPC with structured clone. */
import type { CachePolicy, EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../../core/chat.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { StreamEvent } from '../../core/events.ts';
import type { ModelEntry } from '../../core/catalogue.ts';
import type { DecodedPicture } from '../../core/perception.ts';
import type { EncoderStatistics } from '../modules/vision/picture-encoder.ts';
import type { CacheType } from '../native/context.ts';
import type { LoadMode } from '../native/model.ts';
import type { SessionNote, SessionStatistics } from '../sessions/sessions.ts';
import type { SessionStoreOptions } from '../sessions/session-store.ts';
import type { DraftModelOptions } from '../scheduler/native-draft-runner.ts';
import type { SchedulerStatistics } from '../scheduler/scheduler.ts';

export type EngineOptions = {
  entry: ModelEntry;
  weightsPath: string;
  /** Absent where the model reads no pictures. */
  projectorPath?: string;
  /** Width × height that stands for one token of a picture. Default 28 × 28. */
  pixelsPerPictureToken?: number;
  /** For encoded pictures, in bytes. Default 256 MiB. */
  pictureCacheBytes?: number;
  /** Tokens of prompt and answer of one request. */
  contextTokens: number;
  /** KV cells shared by all requests; at least `contextTokens`. */
  cells: number;
  /** Requests computed at once at most. */
  maxRunning: number;
  maxQueued: number;
  maxQueuedMs: number;
  maxCachedSequences: number;
  threads: number;
  gpuLayers: number;
  loadMode: LoadMode;
  keyCacheType: CacheType;
  valueCacheType: CacheType;
  flashAttention: 'auto' | 'on' | 'off';
  targetInterTokenMs: number | 'auto';
  /**
   * `auto`: guesses what an answer repeats, and checks several tokens in one step, where that pays. `draft`: a smaller model guesses
   * too, where `draft` names one. Default `off`.
   */
  speculation?: 'auto' | 'draft' | 'off';
  draft?: DraftModelOptions;
  /** How a request with a budget is made smaller, where it does not say itself; `none` refuses budgets. Default `attention`. */
  kvPolicy?: CachePolicy;
  /** Budget of every request, in tokens; a request may ask for a smaller one. Absent: none. */
  kvBudgetTokens?: number;
  /** Cells allocated at first; more when requests need them, back to this when they are gone. Default 2048. */
  firstCells?: number;
  /** Where conversations with a session are kept. Absent: nowhere, such requests are refused. */
  sessions?: SessionStoreOptions;
};

export type EngineInfo = {
  modelId: string;
  contextTokens: number;
  vocabularySize: number;
  parameters: number;
  weightsBytes: number;
  systemInfo: string;
  loadMs: number;
};

export type VisionOptions = {
  projectorPath: string;
  threads: number;
  /** For encoded pictures, in bytes. */
  cacheBytes: number;
};

export type VisionInfo = {
  /** By how much the process grew, in bytes. */
  grownBytes: number;
};

export type EngineStatistics = SchedulerStatistics &
  SessionStatistics & {
    residentBytes: number;
    /** Absent while the vision module is not loaded. */
    vision?: EncoderStatistics;
  };

/** An adapter that a request is computed with; its file was held against the model before. */
export type AdapterUse = { name: string; path: string; sha256: string };

/** An error as it crosses the process border. */
export type WireError = {
  code: ErrorCode;
  message: string;
  param?: string;
  detail?: string;
  retryAfterSeconds?: number;
};

export type ToEngine =
  | { type: 'load'; options: EngineOptions }
  /** `pictures` are those of the image parts, in order; the parts themselves come without bytes. */
  | { type: 'generate'; request: GenerationRequest; pictures?: DecodedPicture[]; adapter?: AdapterUse }
  | { type: 'load-vision'; options: VisionOptions }
  | { type: 'unload-vision' }
  | { type: 'cancel'; id: string }
  | { type: 'embed'; request: EmbeddingRequest }
  | { type: 'shutdown' };

export type FromEngine =
  | { type: 'ready'; info: EngineInfo }
  | { type: 'load-failed'; error: WireError }
  /** Everything that one step said, in order. */
  | { type: 'events'; items: { id: string; event: StreamEvent }[] }
  | { type: 'vision-loaded'; info: VisionInfo }
  | { type: 'vision-unloaded'; residentBytes: number }
  | { type: 'vision-failed'; error: WireError }
  /** Refused before anything was generated. */
  | { type: 'refused'; id: string; error: WireError }
  | { type: 'embedded'; id: string; result: EmbeddingResult }
  /** For the log. */
  | { type: 'session'; note: SessionNote }
  | { type: 'statistics'; statistics: EngineStatistics };
