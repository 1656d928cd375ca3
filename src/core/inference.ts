import type { BackendHealth, ModelCapabilities, StreamOptions } from './backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from './chat.ts';
import type { ReceiptSummary, StreamEvent } from './events.ts';

export type ListedModel = {
  id: string;
  aliases: string[];
  ownedBy: string;
  /** Unix seconds. */
  created: number;
  capabilities: ModelCapabilities;
};

/** What is known of a request before its answer begins. */
export type WaitingRequest = {
  receipt: ReceiptSummary;
  /** What it waits for, for people: the device's model that still loads, and how far it is. */
  reason?: string;
};

/**
 * What the HTTP entry talks to: one thing that knows every model name and picks the backend. `hybrid` implements it.
 * `stream` and `embed` keep the promises of `Backend`; an unknown model is `model_not_found`, which names those there are.
 */
export interface InferenceService {
  models(): ListedModel[];
  stream(request: GenerationRequest, options: StreamOptions): AsyncIterable<StreamEvent>;
  embed(request: EmbeddingRequest, options: StreamOptions): Promise<EmbeddingResult>;
  health(): BackendHealth;
  /** Of a request that is running; a client that waits is told. */
  waiting?(requestId: string): WaitingRequest | undefined;
}
