/**
 * One entry over device and cloud: examine → decide → run → receipt, for chat, completions and embeddings. What decides
 * is in `routing`, what guards the way out is in `cloud/egress-gate.ts`; this file puts them in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudSnapshot } from '../cloud/cloud-snapshot.ts';
import type { EgressVerdicts } from '../cloud/egress-verdicts.ts';
import type { Backend, BackendHealth, Modality, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { type DuanyunError, makeError, toDuanyunError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import type { InferenceService, ListedModel, WaitingRequest } from '../core/inference.ts';
import { silentLog, type Log } from '../core/log.ts';
import { type Metrics, noMetrics } from '../core/metrics.ts';
import { decide, refusalError } from '../routing/decide.ts';
import type { Policy } from '../routing/policy.ts';
import type { RouteChoice, RouteDecision, RouteRefusal, RouteSignals, RouteState } from '../routing/types.ts';
import { computeSignals } from '../signals/signals.ts';
import { AnswerRecord } from './answer-record.ts';
import { ConversationTaint } from './conversation-taint.ts';
import { type DeviceConditions, DeviceObserver } from './device-observer.ts';
import { type Examined, Examiner, messagesOf } from './examiner.ts';
import { ModelNames, type ResolvedName } from './model-names.ts';
import { type Receipt, ReceiptStore } from './receipts.ts';
import { restoreStream } from './redact-request.ts';
import { modalityError } from './modality-error.ts';
import { readBy, readableModalities, readCounts, withReadings } from './as-text.ts';
import { hasAddress, type Perceived, type Perception, readTextsOf } from './perception.ts';
import { type ComputeSignals, embeddingAsRequest, type RequestFacts } from '../routing/request-signals.ts';
import { Spending } from './spending.ts';

/** `CloudBackend`, as far as this file needs it. */
export type CloudSide = Backend & { snapshot(): CloudSnapshot };

export type HybridOptions = {
  device: Backend;
  /** Without it every request runs on the device. */
  cloud?: CloudSide;
  /** The same one that the cloud was made with. */
  gate: EgressVerdicts;
  policy: { current(): Policy };
  aliasesOf(modelId: string): readonly string[];
  /** Why an adapter that is on this machine cannot be used with the model that runs. Default: never. */
  adapterFault?: (name: string) => Error | undefined;
  createdSeconds: number;
  /** Default: memory only. */
  receipts?: ReceiptStore;
  taint?: ConversationTaint;
  /** Reads pictures and hears speech. Without it they stay unread, hence private. */
  perception?: Perception;
  /** Default `computeSignals`. `null`: no detector, so that everything is private. */
  compute?: ComputeSignals | null;
  conditions?: () => DeviceConditions;
  /** Each receipt once it is complete. */
  onReceipt?(receipt: Receipt): void;
  clock?: Clock;
  log?: Log;
  metrics?: Metrics;
};

/** Plain data, without anything of any request. */
export type RouteSituation = {
  policy: Policy;
  /** The policy names words of the user's own, which `policy` here leaves out. */
  hasWords: boolean;
  state: RouteState;
};

export type Explanation = {
  signals: RouteSignals;
  decision: RouteDecision | RouteRefusal;
  detectors: Record<string, string>;
  /** Milliseconds that signals, judgement and decision took. */
  decisionMs: number;
};

type Plan = {
  perceived: Perceived;
  examined: Examined;
  policy: Policy;
  decision: RouteDecision | RouteRefusal;
  decisionMs: number;
};
type Run = { request: GenerationRequest; plan: Plan; decision: RouteDecision; receipt: Receipt; signal: AbortSignal };

/** A request that has to stay waits this long for a device that loads. */
const loadWaitMs = 60_000;
const loadLookMs = 100;
/** A cloud that says nothing does not hold up the first requests for longer. */
const firstProbeLimitMs = 1000;

export class HybridService implements InferenceService {
  readonly receipts: ReceiptStore;
  readonly #options: HybridOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #names: ModelNames;
  readonly #examiner: Examiner;
  readonly #compute: ComputeSignals | undefined;
  readonly #observer: DeviceObserver;
  readonly #taint: ConversationTaint;
  readonly #spending: Spending;
  /** Receipts of requests that run, by the request's id. */
  readonly #open = new Map<string, Receipt>();
  /** Only until the cloud was looked at once. */
  #firstProbe: Promise<void> | undefined;
  /** The choices of one request (n > 1) share content and plan. */
  readonly #plans = new WeakMap<object, { request: GenerationRequest; plan: Promise<Plan> }>();

  constructor(options: HybridOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? noMetrics;
    this.receipts = options.receipts ?? new ReceiptStore({ log: this.#log });
    this.#taint = options.taint ?? new ConversationTaint();
    this.#names = new ModelNames(options);
    this.#observer = new DeviceObserver(options.device, options.conditions);
    this.#spending = new Spending(this.#clock);
    const compute = options.compute === null ? undefined : (options.compute ?? computeSignals);
    this.#compute = compute;
    this.#examiner = new Examiner({ gate: options.gate, taint: this.#taint, compute });
  }

  models(): ListedModel[] {
    return this.#names.list();
  }

  /** Lets the detectors load and be compiled, which takes them past their budget on a slow device. Never throws. */
  warmUp(): void {
    try {
      const text = '您好，请问 1 + 1 = ? My phone is 000. '.repeat(8);
      for (let times = 0; times < 5; times++) {
        this.#compute?.(embeddingAsRequest({ id: 'warm-up', model: 'auto', inputs: [text, text] }), {});
      }
    } catch (error) {
      this.#log.error({ detail: String(error) }, 'the detectors do not work: every request counts as private');
    }
  }

  /** Ready when at least one side can answer what the policy lets it answer. */
  health(): BackendHealth {
    const device = this.#options.device.health();
    if (device.status === 'ready' || this.#options.cloud === undefined) return device;
    if (this.#options.policy.current().preference === 'only_on_device') return device;
    return this.#options.cloud.health().status === 'ready' ? { status: 'ready' } : device;
  }

  /** Requests that come before the cloud was first looked at wait for that, so that the first one can go there. */
  expectCloud(firstProbe: Promise<void>): void {
    const look = async (): Promise<void> => {
      await Promise.race([firstProbe, sleep(firstProbeLimitMs, undefined, { ref: false })]);
      this.#firstProbe = undefined;
    };
    this.#firstProbe = look();
  }

  waiting(requestId: string): WaitingRequest | undefined {
    const receipt = this.#open.get(requestId);
    if (receipt === undefined) return undefined;
    const health = this.#options.device.health();
    const isLoading = receipt.target === 'device' && health.status === 'loading';
    return { receipt: summaryOf(receipt), ...(isLoading ? { reason: health.reason } : {}) };
  }

  /** Signals, candidates, reasons and scores, without running anything and without a receipt. */
  async explain(request: GenerationRequest, options?: StreamOptions): Promise<Explanation> {
    const signal = options?.signal ?? new AbortController().signal;
    const plan = await this.#plan(request, this.#names.resolve(request.model), signal);
    const { examined, decision, decisionMs } = plan;
    return { signals: examined.signals, decision, detectors: examined.detectors, decisionMs };
  }

  /** What a decision would be made from now, for a page that decides alike. The user's own words stay here: they are secret. */
  situation(): RouteSituation {
    const policy = this.#options.policy.current();
    return {
      policy: { ...policy, privacy: { ...policy.privacy, words: [] } },
      hasWords: policy.privacy.words.length > 0,
      state: this.#state(this.#names.resolve('auto')),
    };
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    signal.throwIfAborted();
    const plan = await this.#sharedPlan(request, signal);
    const receipt = this.#openReceipt(request, plan, request.input.kind);
    const { decision } = plan;
    this.#remember(request, plan, undefined);
    if (decision.kind === 'refusal') throw this.#refused(receipt, decision, plan);
    const record = new AnswerRecord();
    try {
      for await (const event of this.#answer({ request, plan, decision, receipt, signal })) {
        record.add(event);
        if (event.type === 'usage') receipt.usage = event.usage;
        if (event.type === 'error') receipt.errorCode = event.code;
        if (event.type === 'finish') receipt.state = 'answered';
        yield event;
      }
    } catch (error) {
      if (!signal.aborted) receipt.errorCode = toDuanyunError(error).code;
      throw error;
    } finally {
      this.#remember(request, plan, record);
      this.#closeReceipt(receipt, plan, signal);
    }
  }

  /** Vectors of different models do not compare, so an embedding never changes sides: the device, unless the cloud was named. */
  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    signal.throwIfAborted();
    const name = this.#names.resolve(request.model);
    const probe = embeddingAsRequest(request);
    const plan = await this.#plan(probe, { ...name, forced: name.forced ?? 'device' }, signal, request);
    const receipt = this.#openReceipt(probe, plan, 'embedding');
    const { decision } = plan;
    this.#remember(probe, plan, undefined);
    if (decision.kind === 'refusal') throw this.#refused(receipt, decision, plan);
    const model = this.#modelOf(decision);
    const outgoing = { ...request, model };
    this.#beginAttempt(receipt, decision);
    try {
      const result = await this.#embedAt(decision, outgoing, plan, signal);
      receipt.state = 'answered';
      receipt.model = result.model;
      receipt.usage = { promptTokens: result.promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
      return { ...result, receipt: summaryOf(receipt) };
    } catch (error) {
      if (!signal.aborted) receipt.errorCode = toDuanyunError(error).code;
      throw error;
    } finally {
      receipt.bytesLeft = this.#options.gate.bytesSent(outgoing);
      this.#closeReceipt(receipt, plan, signal);
    }
  }

  /**
   * The target, then its fallbacks, as long as nothing of an answer has gone to the client. What a target says before its
   * first delta is held back while another could still take over.
   */
  async *#answer(run: Run): AsyncGenerator<StreamEvent> {
    const { decision, plan, receipt, signal } = run;
    let next: RouteChoice | undefined = decision;
    let others: readonly RouteChoice[] = decision.fallbacks;
    while (next !== undefined) {
      const choice: RouteChoice = next;
      const isLast = others.length === 0;
      const attempt = this.#beginAttempt(receipt, choice);
      let start: StreamEvent | undefined;
      let hasBegun = false;
      let failure: DuanyunError | undefined;
      try {
        for await (const event of this.#runAt(choice, run)) {
          if (event.type === 'response-start') {
            receipt.model = event.model;
            const read = readBy(plan.perceived, this.#modalitiesOf(choice));
            start = { ...event, receipt: summaryOf(receipt), ...(read === undefined ? {} : { read }) };
            if (!isLast) continue;
          } else if (event.type === 'error' && !hasBegun && !isLast) {
            failure = makeError('stream_broken', {}, { detail: event.message });
            attempt.outcome = event.code;
            break;
          }
          if (start !== undefined) yield start;
          start = undefined;
          if (event.type === 'response-start') continue;
          if (!hasBegun) receipt.timings.firstTokenMs ??= this.#since(receipt);
          hasBegun = true;
          attempt.outcome = event.type === 'error' ? event.code : 'answered';
          yield event;
        }
        if (failure === undefined) return;
      } catch (error) {
        if (signal.aborted) throw error;
        failure = toDuanyunError(error);
        attempt.outcome = failure.code;
        if (isLast || hasBegun || !canMoveOn(failure)) throw error;
      }
      this.#log.warn({ requestId: run.request.id, from: choice.target, code: attempt.outcome }, 'moving on');
      this.#metrics.count('duanyun_fallbacks_total', { from: choice.target, code: attempt.outcome });
      receipt.reasons.push(`${choice.target}-failed:${attempt.outcome}`);
      [next, ...others] = this.#stillThere(others);
      if (next === undefined) throw failure;
    }
  }

  /** Further models of a server that was just found away would only cost the client its time. */
  #stillThere(choices: readonly RouteChoice[]): RouteChoice[] {
    const models = this.#options.cloud?.snapshot().models ?? [];
    return choices.filter(
      ({ target, model }) => target === 'device' || models.find(({ id }) => id === model)?.breaker !== 'open',
    );
  }

  async *#runAt(choice: RouteChoice, run: Run): AsyncGenerator<StreamEvent> {
    const { plan, request, receipt, signal } = run;
    const { cloud, device, gate } = this.#options;
    if (choice.target === 'device' || cloud === undefined) {
      await this.#awaitDevice(signal);
      const model = this.#modelOf(choice);
      const readable = withReadings(this.#seenBy(run), this.#modalitiesOf({ ...choice, model }));
      yield* this.#observer.watch(device.stream({ ...readable, model }, { signal }));
      return;
    }
    const { redacted, outgoing: judged } = plan.examined;
    const content = redacted?.request ?? (await this.#forCloud(choice, run));
    const outgoing: GenerationRequest = {
      ...content,
      id: request.id,
      sampling: request.sampling,
      model: this.#modelOf(choice),
    };
    gate.inherit(outgoing, judged);
    const before = receipt.bytesLeft;
    try {
      const events = cloud.stream(outgoing, { signal });
      for await (const event of redacted === undefined ? events : restoreStream(events, redacted.values)) {
        receipt.bytesLeft = before + gate.bytesSent(outgoing);
        yield event;
      }
    } finally {
      receipt.bytesLeft = before + gate.bytesSent(outgoing);
    }
  }

  /** The perceived request of this very generation: n > 1 share what was read. */
  #seenBy({ plan, request }: Run): Perceived {
    const { id, sampling } = request;
    return { ...plan.perceived, request: { ...plan.perceived.request, id, sampling } };
  }

  /** Text in place of what the cloud's model cannot take, and pictures without their metadata. */
  async #forCloud(choice: RouteChoice, run: Run): Promise<GenerationRequest> {
    const { perception } = this.#options;
    const readable = withReadings(this.#seenBy(run), this.#modalitiesOf(choice));
    return perception === undefined ? readable : perception.withoutMetadata(readable, run.signal);
  }

  #modalitiesOf({ target, model }: RouteChoice): readonly Modality[] {
    const { cloud, device } = this.#options;
    const models = target === 'device' || cloud === undefined ? device.capabilities() : cloud.snapshot().models;
    const named = models.find(({ id }) => id === model) ?? models[0];
    return named?.modalities ?? ['text'];
  }

  async #embedAt(
    choice: RouteChoice,
    outgoing: EmbeddingRequest,
    plan: Plan,
    signal: AbortSignal,
  ): Promise<EmbeddingResult> {
    const { cloud, device, gate } = this.#options;
    if (choice.target === 'device' || cloud === undefined) {
      await this.#awaitDevice(signal);
      // Only now is it certain which model the device runs.
      return device.embed({ ...outgoing, model: this.#modelOf(choice) }, { signal });
    }
    gate.inherit(outgoing, plan.examined.outgoing);
    return cloud.embed(outgoing, { signal });
  }

  async #sharedPlan(request: GenerationRequest, signal: AbortSignal): Promise<Plan> {
    const known = this.#plans.get(request.input);
    const isSibling =
      known !== undefined &&
      known.request.model === request.model &&
      known.request.stop === request.stop &&
      known.request.responseFormat === request.responseFormat &&
      known.request.route === request.route;
    if (isSibling) return known.plan;
    const plan = this.#plan(request, this.#names.resolve(request.model), signal);
    this.#plans.set(request.input, { request, plan });
    return plan;
  }

  async #plan(
    request: GenerationRequest,
    name: ResolvedName,
    signal: AbortSignal,
    subject?: EmbeddingRequest,
  ): Promise<Plan> {
    const policy = this.#options.policy.current();
    const facts = {
      wishes: request.route ?? {},
      ...(name.forced === undefined ? {} : { forced: name.forced }),
      isEmbedding: subject !== undefined,
      hasTools: request.input.kind === 'chat' && request.input.tools.length > 0,
    };
    await this.#firstProbe;
    const perceived = await this.#perceive(request, name, policy, facts, signal);
    const startedMs = this.#clock.now();
    const { readTexts, uncheckedReason } = readTextsOf(perceived, policy.privacy.pictures_without_text);
    const read = {
      readTexts,
      ...(uncheckedReason === undefined ? {} : { uncheckedReason }),
      readable: readableModalities(perceived),
    };
    const examined = await this.#examiner.examine(
      perceived.request,
      policy,
      { ...facts, ...read },
      subject ?? perceived.request,
    );
    const decision = decide(examined.signals, policy, this.#state(name));
    return { perceived, examined, policy, decision, decisionMs: this.#clock.now() - startedMs };
  }

  async #perceive(
    request: GenerationRequest,
    { forced, deviceModel }: ResolvedName,
    policy: Policy,
    facts: Omit<RequestFacts, 'tainted'>,
    signal: AbortSignal,
  ): Promise<Perceived> {
    const { cloud, perception } = this.#options;
    if (perception === undefined) return { request, pictures: [], recordings: [], unread: [] };
    const only = [policy.preference, request.route?.preference].includes('only_on_device');
    const staysHere = cloud === undefined || forced === 'device' || only || request.route?.privacy !== undefined;
    const device = this.#modalitiesOf({
      target: 'device',
      ...(deviceModel === undefined ? {} : { model: deviceModel }),
    });
    // What its text says decides whether a stranger may be told of it.
    let isPrivate = staysHere && cloud !== undefined;
    if (!isPrivate && hasAddress(request)) {
      isPrivate = await this.#examiner.isPrivateWithout(request, policy, facts);
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

  #state({ deviceModel, cloudModel }: ResolvedName): RouteState {
    const device = this.#observer.state();
    const named = this.#options.device.capabilities().find(({ id }) => id === deviceModel);
    const snapshot = this.#options.cloud?.snapshot();
    return {
      device: named === undefined ? device : { ...device, model: named },
      cloud: {
        configured: snapshot !== undefined,
        reachable: snapshot?.reachable ?? false,
        models: (snapshot?.models ?? []).filter(({ id }) => cloudModel === undefined || id === cloudModel),
      },
      spentToday: this.#spending.today,
    };
  }

  /** The device may have named its model only after the decision was made. */
  #modelOf({ target, model }: RouteChoice): string {
    if (target === 'cloud') return model ?? '';
    return model ?? this.#options.device.capabilities()[0]?.id ?? 'auto';
  }

  /** Waits while the device loads. What is in the way after that, the device says itself. */
  async #awaitDevice(signal: AbortSignal): Promise<void> {
    // Weights that are still being fetched may take an hour: that is said at once.
    if (this.#options.device.capabilities().length === 0) return;
    for (let waitedMs = 0; waitedMs < loadWaitMs; waitedMs += loadLookMs) {
      if (this.#options.device.health().status !== 'loading') return;
      try {
        await sleep(loadLookMs, undefined, { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    }
  }

  /** Marks the conversation of a private request; again when its answer is known, which is private too. */
  #remember(request: GenerationRequest, { examined }: Plan, record: AnswerRecord | undefined): void {
    const { privateFrom, signals } = examined;
    if (privateFrom < 0) return;
    const messages = messagesOf(request);
    const answer = record?.message();
    if (record !== undefined && answer === undefined) return;
    const isUnfindable = signals.privacy.declared || !signals.privacy.complete;
    this.#taint.remember(answer === undefined ? messages : [...messages, answer], privateFrom, isUnfindable);
  }

  #openReceipt(request: GenerationRequest, plan: Plan, kind: Receipt['kind']): Receipt {
    const { decision, examined, policy, decisionMs } = plan;
    this.#metrics.observe('duanyun_decision_seconds', decisionMs / 1000);
    const receipt = this.receipts.open({
      requestId: request.id,
      createdAt: new Date(this.#clock.wallTime()).toISOString(),
      kind,
      state: 'running',
      requestedModel: request.model.slice(0, 100),
      reasons: [...decision.reasons],
      preference: decision.preference,
      privacy: decision.privacy,
      task: examined.signals.task,
      complexity: Math.round(examined.signals.complexity * 1000) / 1000,
      policyVersion: policy.id,
      detectors: examined.detectors,
      ...readCounts(plan.perceived),
      redactedValues: decision.privacy === 'redact' ? (examined.redacted?.values.size ?? 0) : 0,
      attempts: [],
      bytesLeft: 0,
      timings: { decisionMs },
      cost: 0,
      currency: policy.prices.currency,
    });
    this.#open.set(request.id, receipt);
    return receipt;
  }

  #beginAttempt(receipt: Receipt, choice: RouteChoice): Receipt['attempts'][number] {
    const { target, model } = choice;
    const attempt: Receipt['attempts'][number] = {
      target,
      ...(model === undefined ? {} : { model }),
      outcome: 'running',
    };
    receipt.attempts.push(attempt);
    receipt.target = target;
    return attempt;
  }

  #refused(receipt: Receipt, refusal: RouteRefusal, plan: Plan): DuanyunError {
    const error = modalityError(refusal, plan.perceived) ?? refusalError(refusal);
    receipt.state = 'refused';
    receipt.errorCode = error.code;
    this.#finishReceipt(receipt);
    return error;
  }

  #closeReceipt(receipt: Receipt, plan: Plan, signal: AbortSignal): void {
    const attempt = receipt.attempts.at(-1);
    if (receipt.state === 'running') {
      receipt.state = receipt.errorCode === undefined || signal.aborted ? 'cancelled' : 'failed';
    }
    if (attempt !== undefined && (attempt.outcome === 'running' || receipt.state === 'cancelled')) {
      attempt.outcome = receipt.state === 'answered' ? 'answered' : (receipt.errorCode ?? 'cancelled');
    }
    if (receipt.target === 'cloud' && receipt.usage !== undefined) {
      receipt.cost = this.#spending.add(receipt.usage, attempt?.model ?? '', plan.policy);
    }
    receipt.timings.totalMs = this.#since(receipt);
    this.#finishReceipt(receipt);
  }

  #finishReceipt(receipt: Receipt): void {
    this.#open.delete(receipt.requestId);
    const { target = 'none', privacy, state } = receipt;
    this.#metrics.count('duanyun_routes_total', { target, privacy, state });
    if (receipt.bytesLeft > 0) this.#metrics.count('duanyun_egress_bytes_total', {}, receipt.bytesLeft);
    this.receipts.close(receipt);
    this.#options.onReceipt?.(receipt);
  }

  #since(receipt: Receipt): number {
    return this.#clock.wallTime() - Date.parse(receipt.createdAt);
  }
}

function summaryOf({ id, target, reasons }: Receipt): { id: string; target: string; reasons: string[] } {
  return { id, target: target ?? 'none', reasons: [...reasons] };
}

/** A request that is wrong in itself is wrong everywhere. */
function canMoveOn(error: DuanyunError): boolean {
  return error.code !== 'invalid_request' && error.code !== 'client_closed' && error.code !== 'shutting_down';
}
