/** Stands in for a backend that is still being fetched or loaded, so that the entry can listen from the first moment. */
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';

/** Weights may come for minutes; a client should not ask each second. */
const retryAfterSeconds = 10;

export class LateBackend implements Backend {
  readonly id: string;
  #health: BackendHealth = { status: 'loading', reason: 'starting' };
  #backend: Backend | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** What `/health` says until the backend is here. */
  report(health: Exclude<BackendHealth, { status: 'ready' }>): void {
    this.#health = health;
  }

  /** From now on this is that backend, and `dispose` disposes of it. */
  attach(backend: Backend): void {
    this.#backend = backend;
  }

  /** Its answers that run go on; new requests are told `health`. The caller disposes of what was attached. */
  detach(health: Exclude<BackendHealth, { status: 'ready' }>): void {
    this.#backend = undefined;
    this.#health = health;
  }

  capabilities(): ModelCapabilities[] {
    return this.#backend?.capabilities() ?? [];
  }

  health(): BackendHealth {
    return this.#backend?.health() ?? this.#health;
  }

  async *stream(request: GenerationRequest, options: StreamOptions): AsyncGenerator<StreamEvent> {
    yield* this.#ready().stream(request, options);
  }

  async embed(request: EmbeddingRequest, options: StreamOptions): Promise<EmbeddingResult> {
    return this.#ready().embed(request, options);
  }

  async dispose(): Promise<void> {
    await this.#backend?.dispose();
  }

  #ready(): Backend {
    if (this.#backend !== undefined) return this.#backend;
    const reason = this.#health.status === 'ready' ? 'starting' : this.#health.reason;
    throw makeError('engine_unavailable', { reason }, { retryAfterSeconds });
  }
}
