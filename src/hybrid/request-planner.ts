/**
 * What is decided of a request before it runs: what pictures and sound say (perception), what the detectors find, and
 * where it may go. Nothing leaves the device here.
 */
import type { CloudSnapshot } from '../cloud/cloud-snapshot.ts';
import type { Backend, Modality } from '../core/backend.ts';
import type { EmbeddingRequest, GenerationRequest } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import { decide } from '../routing/decide.ts';
import type { Policy } from '../routing/policy.ts';
import type { RequestFacts } from '../routing/request-signals.ts';
import type { RouteChoice, RouteDecision, RouteRefusal, RouteState } from '../routing/types.ts';
import { readableModalities } from './as-text.ts';
import type { DeviceObserver } from './device-observer.ts';
import type { Examined, Examiner } from './examiner.ts';
import type { ModelNames, ResolvedName } from './model-names.ts';
import { hasAddress, type Perceived, type Perception, readTextsOf } from './perception.ts';
import type { Spending } from './spending.ts';

/** `CloudBackend`, as far as routing needs it. */
export type CloudSide = Backend & { snapshot(): CloudSnapshot };

export type Plan = {
  perceived: Perceived;
  examined: Examined;
  policy: Policy;
  decision: RouteDecision | RouteRefusal;
  decisionMs: number;
};

export type PlannerParts = {
  device: Backend;
  cloud?: CloudSide;
  policy: { current(): Policy };
  perception?: Perception;
  names: ModelNames;
  examiner: Examiner;
  observer: DeviceObserver;
  spending: Spending;
  clock: Clock;
};

export class RequestPlanner {
  readonly #parts: PlannerParts;
  /** Only until the cloud was looked at once. */
  #firstProbe: Promise<void> | undefined;
  /** The choices of one request (n > 1) share content and plan. */
  readonly #plans = new WeakMap<object, { request: GenerationRequest; plan: Promise<Plan> }>();

  constructor(parts: PlannerParts) {
    this.#parts = parts;
  }

  /** Requests wait for `probe`. */
  waitFor(probe: Promise<void>): void {
    const look = async (): Promise<void> => {
      await probe;
      this.#firstProbe = undefined;
    };
    this.#firstProbe = look();
  }

  /** The plan of a generation, made once for the choices of one request. */
  async sharedPlan(request: GenerationRequest, signal: AbortSignal): Promise<Plan> {
    const known = this.#plans.get(request.input);
    const isSibling =
      known !== undefined &&
      known.request.model === request.model &&
      known.request.stop === request.stop &&
      known.request.responseFormat === request.responseFormat &&
      known.request.route === request.route;
    if (isSibling) return known.plan;
    const plan = this.plan(request, this.#parts.names.resolve(request.model), signal);
    this.#plans.set(request.input, { request, plan });
    return plan;
  }

  /** @param subject what is asked for, where `request` only stands for it */
  async plan(
    request: GenerationRequest,
    name: ResolvedName,
    signal: AbortSignal,
    subject?: EmbeddingRequest,
  ): Promise<Plan> {
    const policy = this.#parts.policy.current();
    const facts = {
      wishes: request.route ?? {},
      ...(name.forced === undefined ? {} : { forced: name.forced }),
      isEmbedding: subject !== undefined,
      hasTools: request.input.kind === 'chat' && request.input.tools.length > 0,
    };
    await this.#firstProbe;
    const perceived = await this.#perceive(request, name, policy, facts, signal);
    const startedMs = this.#parts.clock.now();
    const { readTexts, uncheckedReason } = readTextsOf(perceived, policy.privacy.pictures_without_text);
    const read = {
      readTexts,
      ...(uncheckedReason === undefined ? {} : { uncheckedReason }),
      readable: readableModalities(perceived),
    };
    const examined = await this.#parts.examiner.examine(
      perceived.request,
      policy,
      { ...facts, ...read },
      subject ?? perceived.request,
    );
    const decision = decide(examined.signals, policy, this.state(name));
    return { perceived, examined, policy, decision, decisionMs: this.#parts.clock.now() - startedMs };
  }

  async #perceive(
    request: GenerationRequest,
    { forced, deviceModel }: ResolvedName,
    policy: Policy,
    facts: Omit<RequestFacts, 'tainted'>,
    signal: AbortSignal,
  ): Promise<Perceived> {
    const { cloud, perception } = this.#parts;
    if (perception === undefined) return { request, pictures: [], recordings: [], unread: [] };
    const only = [policy.preference, request.route?.preference].includes('only_on_device');
    const staysHere = cloud === undefined || forced === 'device' || only || request.route?.privacy !== undefined;
    const device = this.modalitiesOf({
      target: 'device',
      ...(deviceModel === undefined ? {} : { model: deviceModel }),
    });
    // What its text says decides whether a stranger may be told of it.
    let isPrivate = staysHere && cloud !== undefined;
    if (!isPrivate && hasAddress(request)) {
      isPrivate = await this.#parts.examiner.isPrivateWithout(request, policy, facts);
    }
    return perception.perceive(request, {
      signal,
      readPictures: !staysHere || !device.includes('image'),
      mayFetch() {
        if (!isPrivate) return;
        const reason = 'the request is private, and fetching would tell another server of it; send it as a data: URL';
        throw makeError('image_url_refused', { reason });
      },
    });
  }

  state({ deviceModel, cloudModel }: ResolvedName): RouteState {
    const device = this.#parts.observer.state();
    const named = this.#parts.device.capabilities().find(({ id }) => id === deviceModel);
    const snapshot = this.#parts.cloud?.snapshot();
    return {
      device: named === undefined ? device : { ...device, model: named },
      cloud: {
        configured: snapshot !== undefined,
        reachable: snapshot?.reachable ?? false,
        models: (snapshot?.models ?? []).filter(({ id }) => cloudModel === undefined || id === cloudModel),
      },
      spentToday: this.#parts.spending.today,
    };
  }

  modalitiesOf({ target, model }: RouteChoice): readonly Modality[] {
    const { cloud, device } = this.#parts;
    const models = target === 'device' || cloud === undefined ? device.capabilities() : cloud.snapshot().models;
    const named = models.find(({ id }) => id === model) ?? models[0];
    return named?.modalities ?? ['text'];
  }
}
