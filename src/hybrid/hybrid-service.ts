/**
 * One entry over device and cloud: examine → decide → run → receipt, for chat, completions and embeddings. What decides
 * is in `routing`, what guards the way out is in `cloud/egress-gate.ts`; this file puts them in order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EgressVerdicts } from '../cloud/egress-verdicts.ts';
import type { Backend, BackendHealth, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { type DuanyunError, makeError, toDuanyunError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import type { InferenceService, ListedModel, WaitingRequest } from '../core/inference.ts';
import { silentLog, type Log } from '../core/log.ts';
import { type Metrics, noMetrics } from '../core/metrics.ts';
import type { Policy } from '../routing/policy.ts';
import type { RouteChoice, RouteDecision, RouteRefusal, RouteSignals, RouteState } from '../routing/types.ts';
import { computeSignals } from '../signals/signals.ts';
import { AnswerRecord } from './answer-record.ts';
import { ConversationTaint } from './conversation-taint.ts';
import { type DeviceConditions, DeviceObserver } from './device-observer.ts';
import { Examiner, messagesOf } from './examiner.ts';
import { ModelNames } from './model-names.ts';
import { type Receipt, ReceiptStore } from './receipts.ts';
import { restoreStream } from './redact-request.ts';
import { readBy, withReadings } from './as-text.ts';
import type { Perceived, Perception } from './perception.ts';
import { ReceiptKeeper, summaryOf } from './receipt-keeper.ts';
import { type CloudSide, type Plan, RequestPlanner } from './request-planner.ts';
import { type ComputeSignals, embeddingAsRequest } from '../routing/request-signals.ts';
import { Spending } from './spending.ts';

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

type Run = { request: GenerationRequest; plan: Plan; decision: RouteDecision; receipt: Receipt; signal: AbortSignal };

/** A request that has to stay waits this long for a device that loads. */
const loadWaitMs = 60_000;
const loadLookMs = 100;
/** A cloud that says nothing does not hold up the first requests for longer. */
const firstProbeLimitMs = 1000;

export class HybridService implements InferenceService {
  readonly receipts: ReceiptStore;
  readonly #options: HybridOptions;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #names: ModelNames;
  readonly #compute: ComputeSignals | undefined;
  readonly #observer: DeviceObserver;
  readonly #taint: ConversationTaint;
  readonly #planner: RequestPlanner;
  readonly #keeper: ReceiptKeeper;

  constructor(options: HybridOptions) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? noMetrics;
    this.receipts = options.receipts ?? new ReceiptStore({ log: this.#log });
    this.#taint = options.taint ?? new ConversationTaint();
    this.#names = new ModelNames(options);
    this.#observer = new DeviceObserver(options.device, options.conditions);
    this.#compute = options.compute === null ? undefined : (options.compute ?? computeSignals);
    const spending = new Spending(clock);
    this.#planner = new RequestPlanner({
      device: options.device,
      ...(options.cloud === undefined ? {} : { cloud: options.cloud }),
      policy: options.policy,
      ...(options.perception === undefined ? {} : { perception: options.perception }),
      names: this.#names,
      examiner: new Examiner({ gate: options.gate, taint: this.#taint, compute: this.#compute }),
      observer: this.#observer,
      spending,
      clock,
    });
    this.#keeper = new ReceiptKeeper({
      receipts: this.receipts,
      spending,
      clock,
      metrics: this.#metrics,
      onReceipt: (receipt) => options.onReceipt?.(receipt),
    });
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
    this.#planner.waitFor(Promise.race([firstProbe, sleep(firstProbeLimitMs, undefined, { ref: false })]));
  }

  waiting(requestId: string): WaitingRequest | undefined {
    const receipt = this.#keeper.running(requestId);
    if (receipt === undefined) return undefined;
    const health = this.#options.device.health();
    const isLoading = receipt.target === 'device' && health.status === 'loading';
    return { receipt: summaryOf(receipt), ...(isLoading ? { reason: health.reason } : {}) };
  }

  /** Signals, candidates, reasons and scores, without running anything and without a receipt. */
  async explain(request: GenerationRequest, options?: StreamOptions): Promise<Explanation> {
    const signal = options?.signal ?? new AbortController().signal;
    const plan = await this.#planner.plan(request, this.#names.resolve(request.model), signal);
    const { examined, decision, decisionMs } = plan;
    return { signals: examined.signals, decision, detectors: examined.detectors, decisionMs };
  }

  /** What a decision would be made from now, for a page that decides alike. The user's own words stay here: they are secret. */
  situation(): RouteSituation {
    const policy = this.#options.policy.current();
    return {
      policy: { ...policy, privacy: { ...policy.privacy, words: [] } },
      hasWords: policy.privacy.words.length > 0,
      state: this.#planner.state(this.#names.resolve('auto')),
    };
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    signal.throwIfAborted();
    const plan = await this.#planner.sharedPlan(request, signal);
    const receipt = this.#keeper.open(request, plan, request.input.kind);
    const { decision } = plan;
    this.#remember(request, plan, undefined);
    if (decision.kind === 'refusal') throw this.#keeper.refuse(receipt, decision, plan);
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
      this.#keeper.close(receipt, plan, signal);
    }
  }

  /** Vectors of different models do not compare, so an embedding never changes sides: the device, unless the cloud was named. */
  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    signal.throwIfAborted();
    const name = this.#names.resolve(request.model);
    const probe = embeddingAsRequest(request);
    const plan = await this.#planner.plan(probe, { ...name, forced: name.forced ?? 'device' }, signal, request);
    const receipt = this.#keeper.open(probe, plan, 'embedding');
    const { decision } = plan;
    this.#remember(probe, plan, undefined);
    if (decision.kind === 'refusal') throw this.#keeper.refuse(receipt, decision, plan);
    const model = this.#modelOf(decision);
    const outgoing = { ...request, model };
    this.#keeper.beginAttempt(receipt, decision);
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
      this.#keeper.close(receipt, plan, signal);
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
      const attempt = this.#keeper.beginAttempt(receipt, choice);
      let start: StreamEvent | undefined;
      let hasBegun = false;
      let failure: DuanyunError | undefined;
      try {
        for await (const event of this.#runAt(choice, run)) {
          if (event.type === 'response-start') {
            receipt.model = event.model;
            const read = readBy(plan.perceived, this.#planner.modalitiesOf(choice));
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
          if (!hasBegun) receipt.timings.firstTokenMs ??= this.#keeper.sinceMs(receipt);
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
      const readable = withReadings(this.#seenBy(run), this.#planner.modalitiesOf({ ...choice, model }));
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
    const readable = withReadings(this.#seenBy(run), this.#planner.modalitiesOf(choice));
    return perception === undefined ? readable : perception.withoutMetadata(readable, run.signal);
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
}

/** A request that is wrong in itself is wrong everywhere. */
function canMoveOn(error: DuanyunError): boolean {
  return error.code !== 'invalid_request' && error.code !== 'client_closed' && error.code !== 'shutting_down';
}
