/** The pool as the one thing behind the entry: role `cloud`. No device, no routing, nothing to detect. */
import type { Backend, BackendHealth, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest, RouteWishes } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import type { ReceiptSummary, StreamEvent } from '../core/events.ts';
import type { InferenceService, ListedModel } from '../core/inference.ts';
import type { EgressGate } from '../cloud/egress-gate.ts';

/** `CloudBackend`, as far as this file needs it. */
export type AnsweringCloud = Pick<Backend, 'capabilities' | 'stream' | 'embed'> & { answers(): BackendHealth };

export type GatewayServiceOptions = {
  cloud: AnsweringCloud;
  /** The same one that the cloud was made with. */
  gate: EgressGate;
  /** Unix seconds shown as the models' date. */
  createdSeconds: number;
};

/** Names that mean "whatever is served here", unless an upstream has a model of that very name. */
const anyModel = ['auto', 'cloud', 'autoglm-phone-9b'];

/**
 * A request that is here has left its device already, so there is nothing to protect by looking at it. What the client
 * itself says still holds: `"privacy": "private"` and `only_on_device` are refused, since no device is here.
 */
export class GatewayService implements InferenceService {
  readonly #options: GatewayServiceOptions;

  constructor(options: GatewayServiceOptions) {
    this.#options = options;
  }

  models(): ListedModel[] {
    const models = this.#options.cloud.capabilities();
    const ids = new Set(models.map(({ id }) => id));
    return models.map((capabilities, index) => ({
      id: capabilities.id,
      aliases: index === 0 ? anyModel.filter((name) => !ids.has(name)) : [],
      ownedBy: 'duanyun',
      created: this.#options.createdSeconds,
      capabilities,
    }));
  }

  health(): BackendHealth {
    return this.#options.cloud.answers();
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    checkWishes(request.route);
    const outgoing = { ...request, model: this.modelOf(request.model) };
    await this.open(outgoing);
    for await (const event of this.#options.cloud.stream(outgoing, { signal })) {
      yield event.type === 'response-start' ? { ...event, receipt } : event;
    }
  }

  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    checkWishes(request.route);
    const outgoing = { ...request, model: this.modelOf(request.model) };
    await this.open(outgoing);
    return { ...(await this.#options.cloud.embed(outgoing, { signal })), receipt };
  }

  /** Lets an object out through the gate. */
  async open(subject: object): Promise<void> {
    await this.#options.gate.judge(subject, () => ({ private: false, reasons: ['gateway'] }));
  }

  /**
   * The upstream's own name of what a client calls `name`.
   *
   * @throws `model_not_found`, `cloud_unavailable` while no upstream has said what it serves
   */
  modelOf(name: string): string {
    const models = this.#options.cloud.capabilities();
    const wanted = name.toLowerCase();
    const found =
      models.find(({ id }) => id === name) ??
      models.find(({ id }) => id.toLowerCase() === wanted) ??
      (anyModel.includes(wanted) ? models[0] : undefined);
    if (found !== undefined) return found.id;
    if (models.length === 0) throw makeError('cloud_unavailable', { reason: 'no upstream has said what it serves' });
    const available = models.map(({ id }) => id).join(', ');
    throw makeError('model_not_found', { model: name.slice(0, 100), available }, { param: 'model' });
  }
}

/** @throws `route_refused` for what a client wants kept on a device */
export function checkWishes(wishes: RouteWishes | undefined): void {
  if (wishes?.privacy !== 'private' && wishes?.preference !== 'only_on_device') return;
  throw makeError('route_refused', { reason: 'it asks to stay on a device, and this is a gateway without one' });
}

/** Shown in the headers; a gateway keeps no receipts. */
const receipt: ReceiptSummary = { id: 'none', target: 'cloud', reasons: ['gateway'] };
