import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from './chat.ts';
import type { StreamEvent } from './events.ts';

export type Modality = 'text' | 'image' | 'audio';

export type ModelCapabilities = {
  id: string;
  /** Tokens of prompt and answer together. */
  contextTokens: number;
  modalities: Modality[];
  tools: boolean;
  reasoning: boolean;
  embeddings: boolean;
  /** What lies on this machine for it; absent for a model elsewhere. */
  weights?: {
    files: { name: string; sizeBytes?: number | undefined }[];
    /** How long the last load took; absent before the first. */
    loadMs?: number;
  };
};

export type BackendHealth =
  | { status: 'ready' }
  /** `progress` 0–1 where known. */
  | { status: 'loading'; reason: string; progress?: number }
  | { status: 'unavailable'; reason: string };

export type StreamOptions = { signal: AbortSignal };

/**
 * Anything that can answer: the on-device engine, a cloud upstream, the scripted one of the tests. All pass
 * `test/contract/backend-contract.ts`.
 *
 * `stream` never throws for a request that fails while it runs: it yields an `error` event and ends. It throws a
 * `DuanyunError` from the first `next()` when the request is refused before anything was done, so that the caller can
 * still answer with an HTTP status or try elsewhere. Aborting the signal ends the iteration and frees what it held
 * within a second; the iteration then throws the signal's reason.
 */
export interface Backend {
  readonly id: string;
  capabilities(): ModelCapabilities[];
  stream(request: GenerationRequest, options: StreamOptions): AsyncIterable<StreamEvent>;
  /** Throws `unsupported_feature` where the backend has no embeddings. */
  embed(request: EmbeddingRequest, options: StreamOptions): Promise<EmbeddingResult>;
  health(): BackendHealth;
  dispose(): Promise<void>;
}
