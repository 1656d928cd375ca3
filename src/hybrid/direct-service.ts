/** The inference service of a server that has the device only: every name means the device. */
import { randomUUID } from 'node:crypto';
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import type { InferenceService, ListedModel } from '../core/inference.ts';

export type DirectServiceOptions = {
  device: Backend;
  /** Other names of a model, from its catalogue entry. */
  aliasesOf(modelId: string): readonly string[];
  /** Unix seconds shown as the models' date. */
  createdSeconds: number;
};

/** The hybrid entry and the name that clients of the reference document send. */
const hybridName = 'auto';
const hybridAlias = 'autoglm-phone-9b';
const deviceName = 'edge';

export class DirectService implements InferenceService {
  readonly #options: DirectServiceOptions;

  constructor(options: DirectServiceOptions) {
    this.#options = options;
  }

  models(): ListedModel[] {
    const own = this.#options.device.capabilities();
    const first = own[0];
    if (first === undefined) return [];
    const listed = own.map((model) => this.#list(model.id, this.#options.aliasesOf(model.id), model));
    return [this.#list(hybridName, [hybridAlias], first), this.#list(deviceName, [], first), ...listed];
  }

  async *stream(request: GenerationRequest, options: StreamOptions): AsyncGenerator<StreamEvent> {
    const model = this.#deviceModel(request.model);
    const receipt = { id: `rcpt_${randomUUID()}`, target: 'device', reasons: ['only-device-configured'] };
    for await (const event of this.#options.device.stream({ ...request, model }, options)) {
      yield event.type === 'response-start' ? { ...event, receipt } : event;
    }
  }

  async embed(request: EmbeddingRequest, options: StreamOptions): Promise<EmbeddingResult> {
    return this.#options.device.embed({ ...request, model: this.#deviceModel(request.model) }, options);
  }

  health(): BackendHealth {
    return this.#options.device.health();
  }

  /** The device's own id for a name. Throws `model_not_found`; `engine_unavailable` while no model is there yet. */
  #deviceModel(name: string): string {
    const own = this.#options.device.capabilities();
    const wanted = name.toLowerCase();
    const named = own.find(({ id }) => id === wanted || this.#options.aliasesOf(id).includes(wanted));
    if (named !== undefined) return named.id;
    const first = own[0];
    if (first === undefined) {
      const health = this.health();
      const reason = health.status === 'ready' ? 'it has no model' : health.reason;
      throw makeError('engine_unavailable', { reason }, { retryAfterSeconds: 10 });
    }
    if ([hybridName, hybridAlias, deviceName].includes(wanted)) return first.id;
    const available = this.models().flatMap(({ id, aliases }) => [id].concat(aliases));
    const model = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    throw makeError('model_not_found', { model, available: available.join(', ') }, { param: 'model' });
  }

  /** An alias that is the id of a model of the device belongs to that model. */
  #list(id: string, aliases: readonly string[], capabilities: ModelCapabilities): ListedModel {
    const ids = new Set(this.#options.device.capabilities().map((model) => model.id));
    return {
      id,
      aliases: aliases.filter((alias) => !ids.has(alias)),
      ownedBy: 'duanyun',
      created: this.#options.createdSeconds,
      capabilities: { ...capabilities, id },
    };
  }
}
