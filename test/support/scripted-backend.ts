/**
 * A backend that plays scripts instead of running a model: for tests of the wire and of the contract only. It keeps every
 * promise of `Backend`, so what holds for it must hold for the real ones.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, BackendHealth, Modality, ModelCapabilities, StreamOptions } from '../../src/core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../../src/core/chat.ts';
import { makeError } from '../../src/core/errors.ts';
import type { StreamEvent } from '../../src/core/events.ts';
import type { InferenceService, ListedModel } from '../../src/core/inference.ts';

export type ScriptStep =
  | { step: 'event'; event: StreamEvent }
  | { step: 'wait'; ms: number }
  /** Waits until the request is aborted. */
  | { step: 'hang' }
  | { step: 'throw'; error: unknown };

export type Script = (request: GenerationRequest) => Iterable<ScriptStep>;

export type ScriptedBackendOptions = {
  id?: string;
  models?: string[];
  script?: Script;
  health?: BackendHealth;
  /** Default: all. */
  modalities?: Modality[];
  embeddings?: boolean;
  embeddingLength?: number;
};

export class ScriptedBackend implements Backend, InferenceService {
  readonly id: string;
  /** Every request that reached the backend, oldest first. */
  readonly requests: GenerationRequest[] = [];
  /** Ids of the generations that were aborted while they ran, with the reason they were given. */
  readonly aborted = new Map<string, unknown>();
  /** Generations running now. */
  active = 0;
  script: Script;
  currentHealth: BackendHealth;
  #models: string[];
  #modalities: Modality[];
  #embeddings: boolean;
  #embeddingLength: number;
  #disposed = false;

  constructor(options: ScriptedBackendOptions = {}) {
    this.id = options.id ?? 'scripted';
    this.#models = options.models ?? ['scripted-1'];
    this.script = options.script ?? ((request) => answer(`You said: ${lastText(request)}`));
    this.currentHealth = options.health ?? { status: 'ready' };
    this.#modalities = options.modalities ?? ['text', 'image', 'audio'];
    this.#embeddings = options.embeddings ?? true;
    this.#embeddingLength = options.embeddingLength ?? 8;
  }

  capabilities(): ModelCapabilities[] {
    return this.#models.map((id) => ({
      id,
      contextTokens: 4096,
      modalities: this.#modalities,
      tools: true,
      reasoning: true,
      embeddings: this.#embeddings,
    }));
  }

  models(): ListedModel[] {
    return this.capabilities().map((capabilities) => ({
      id: capabilities.id,
      aliases: [],
      ownedBy: 'test',
      created: 1_700_000_000,
      capabilities,
    }));
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    this.#refuse(request.model);
    signal.throwIfAborted();
    this.requests.push(request);
    this.active += 1;
    try {
      for (const step of this.script(request)) {
        signal.throwIfAborted();
        switch (step.step) {
          case 'event':
            yield fillModel(step.event, request.model, this.id);
            break;
          case 'wait':
            await sleep(step.ms, undefined, { signal });
            break;
          case 'hang':
            await untilAborted(signal);
            break;
          case 'throw':
            throw step.error;
        }
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      // Also where the caller ends the iteration while it stands at a yield.
      if (signal.aborted) this.aborted.set(request.id, signal.reason);
      this.active -= 1;
    }
  }

  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    this.#refuse(request.model);
    if (!this.#embeddings) {
      throw makeError('unsupported_feature', { model: request.model, feature: 'embeddings', advice: '' });
    }
    signal.throwIfAborted();
    await Promise.resolve();
    const vectors = request.inputs.map((input) => unitVector(JSON.stringify(input), this.#embeddingLength));
    return { model: request.model, vectors, promptTokens: request.inputs.length * 3 };
  }

  health(): BackendHealth {
    return this.currentHealth;
  }

  dispose(): Promise<void> {
    this.#disposed = true;
    return Promise.resolve();
  }

  #refuse(model: string): void {
    if (this.#disposed) throw makeError('engine_unavailable', { reason: 'disposed' });
    if (this.#models.includes(model) || model === 'auto') return;
    throw makeError('model_not_found', { model, available: this.#models.join(', ') }, { param: 'model' });
  }
}

export type AnswerOptions = {
  reasoning?: string;
  /** Wait before the first delta. */
  firstDelayMs?: number;
  /** Wait between deltas. */
  delayMs?: number;
  raw?: string;
  length?: boolean;
  receipt?: { id: string; target: string; reasons: string[] };
};

/** A whole, well-formed answer that gives `text` word by word. */
export function* answer(text: string, options: AnswerOptions = {}): Generator<ScriptStep> {
  yield start(options.receipt);
  if (options.firstDelayMs !== undefined) yield { step: 'wait', ms: options.firstDelayMs };
  if (options.reasoning !== undefined) yield event({ type: 'reasoning-delta', text: options.reasoning });
  const words = text.match(/\S+\s*|\s+/gu) ?? [];
  for (const word of words) {
    if (options.delayMs !== undefined) yield { step: 'wait', ms: options.delayMs };
    yield event({ type: 'text-delta', text: word });
  }
  yield usage(words.length + (options.reasoning === undefined ? 0 : 1), options.reasoning === undefined ? 0 : 1);
  yield options.length === true ? finish('length') : finish('stop');
}

export function event(value: StreamEvent): ScriptStep {
  return { step: 'event', event: value };
}

/** The model and the backend of an empty `response-start` are filled in by the backend that plays it. */
export function start(receipt?: AnswerOptions['receipt']): ScriptStep {
  return event({ type: 'response-start', model: '', backend: '', ...(receipt === undefined ? {} : { receipt }) });
}

export function usage(completionTokens: number, reasoningTokens = 0): ScriptStep {
  return event({
    type: 'usage',
    usage: { promptTokens: 7, cachedTokens: 3, completionTokens, reasoningTokens },
    timings: { queuedMs: 1, prefillMs: 20, decodeMs: 40 },
  });
}

export function finish(unified: 'stop' | 'length' | 'tool-calls' | 'content-filter'): ScriptStep {
  return event({ type: 'finish', reason: { unified, raw: unified } });
}

/** The text of the last message, or the prompt. */
export function lastText(request: GenerationRequest): string {
  if (request.input.kind === 'completion') {
    return typeof request.input.prompt === 'string' ? request.input.prompt : request.input.prompt.join(' ');
  }
  const parts = request.input.messages.at(-1)?.content ?? [];
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function fillModel(value: StreamEvent, model: string, backend: string): StreamEvent {
  if (value.type !== 'response-start' || value.model !== '') return value;
  return { ...value, model: model === 'auto' ? 'scripted-1' : model, backend };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function unitVector(seed: string, length: number): Float32Array {
  const digest = createHash('sha256').update(seed).digest();
  const vector = Float32Array.from({ length }, (_, index) => (digest[index % digest.length] ?? 0) - 127.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
