/** The cloud as a `Backend`: any number of OpenAI-compatible upstreams behind one egress gate. */
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../core/backend.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { type DuanyunError, makeError, toDuanyunError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import { silentLog, type Log } from '../core/log.ts';
import type { BreakerOptions, BreakerState } from './circuit-breaker.ts';
import type { CloudSnapshot } from './cloud-snapshot.ts';
import type { EgressGate } from './egress-gate.ts';
import { defaultLimits, type CloudLimits, type CloudModel, type UpstreamOptions } from './options.ts';
import { type OpenRelay, Pool } from './pool.ts';
import { Prober } from './prober.ts';
import type { RelayCall, RelayExchange } from './relay-exchange.ts';
import { Upstream } from './upstream.ts';
import { faultError, UpstreamFault } from './upstream-fault.ts';

export type CloudOptions = {
  upstreams: UpstreamOptions[];
  /** Every request must have been judged by this one. */
  gate: EgressGate;
  limits?: Partial<CloudLimits>;
  breaker?: Partial<Omit<BreakerOptions, 'clock'>>;
  clock?: Clock;
  log?: Log;
  random?: () => number;
};

/** One server of the pool, for its operator. */
export type CloudUpstreamStatus = {
  host: string;
  state: 'ok' | 'down' | 'resting' | 'unknown';
  breaker: BreakerState;
  models: string[];
  running: number;
  /** Observed; `null` before the first answer. */
  firstTokenMs: number | null;
  tokensPerSecond: number | null;
  lastFault: string | null;
};

/** An answer that is passed on as it comes. */
export type Relay = {
  exchange: RelayExchange;
  attach(sink: { data(bytes: Buffer): boolean; end(): void; fail(error: DuanyunError): void }): void;
};

const usualContextTokens = 8192;
/** For so long an answer about the models holds. */
const capabilitiesMs = 100;
/** How often the deadlines of relayed answers are looked at; a timer for each chunk would cost more than the chunk. */
const sweepMs = 250;

export class CloudBackend implements Backend {
  readonly id = 'cloud';
  readonly #upstreams: Upstream[];
  readonly #pool: Pool;
  readonly #prober: Prober;
  readonly #clock: Clock;
  #disposed = false;
  #sweep: NodeJS.Timeout | undefined;
  #known: { atMs: number; models: ModelCapabilities[] } = { atMs: Number.NEGATIVE_INFINITY, models: [] };

  constructor(options: CloudOptions) {
    const limits = { ...defaultLimits, ...options.limits };
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    const { gate, log = silentLog, breaker = {} } = options;
    this.#upstreams = options.upstreams.map((each) => new Upstream(each, { gate, limits, clock, log, breaker }));
    this.#pool = new Pool({
      upstreams: this.#upstreams,
      limits,
      clock,
      ...(options.random === undefined ? {} : { random: options.random }),
    });
    this.#prober = new Prober(this.#upstreams, limits);
  }

  /** Begins to probe. Resolves after the first round, whatever it found. */
  start(): Promise<void> {
    return this.#prober.start();
  }

  capabilities(): ModelCapabilities[] {
    // Asked several times for each request, and changed by the probes only.
    const now = this.#clock.now();
    if (this.#known.atMs + capabilitiesMs > now && this.#known.models.length > 0) return this.#known.models;
    this.#known = { atMs: now, models: this.#capabilities() };
    return this.#known.models;
  }

  #capabilities(): ModelCapabilities[] {
    return this.snapshot().models.map(({ id, contextTokens, modalities, tools, reasoning, embeddings }) => ({
      id,
      contextTokens,
      modalities,
      tools,
      reasoning,
      embeddings,
    }));
  }

  snapshot(): CloudSnapshot {
    const ids = new Set(this.#upstreams.flatMap(({ models }) => models.map(({ id }) => id)));
    const models = [...ids].map((id) => {
      const serving = this.#upstreams.filter((upstream) => upstream.models.some((model) => model.id === id));
      const best = serving.toSorted((left, right) => rank(left) - rank(right) || left.waitMs() - right.waitMs())[0];
      const model = best?.models.find((each) => each.id === id);
      return Object.assign(capabilitiesOf(model ?? { id }), {
        breaker: best === undefined || best.isResting ? ('open' as const) : best.breaker.state,
        firstTokenMs: best === undefined ? 0 : best.firstTokenMs,
        tokensPerSecond: best?.tokensPerSecond ?? 0,
      });
    });
    return { reachable: models.some(({ breaker }) => breaker !== 'open'), models };
  }

  upstreams(): CloudUpstreamStatus[] {
    return this.#upstreams.map((upstream) => {
      const isSeen = upstream.observedFirstTokenMs !== undefined;
      const isDown = upstream.isProbedDown || upstream.breaker.state === 'open';
      return {
        host: upstream.host,
        state: isDown ? 'down' : upstream.isResting ? 'resting' : upstream.hasAnswered ? 'ok' : 'unknown',
        breaker: upstream.breaker.state,
        models: upstream.models.map(({ id }) => id),
        running: upstream.inFlight,
        firstTokenMs: upstream.observedFirstTokenMs ?? null,
        tokensPerSecond: isSeen ? upstream.tokensPerSecond : null,
        lastFault: upstream.lastFault ?? null,
      };
    });
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    this.#check(request.model);
    signal.throwIfAborted();
    const answer = await this.#guard(this.#pool.open(request, request.model, signal), signal);
    try {
      yield { type: 'response-start', model: answer.model, backend: this.id };
      for (;;) {
        let next: IteratorResult<StreamEvent>;
        try {
          next = await answer.events.next();
        } catch (error) {
          signal.throwIfAborted();
          // The client has some of it: another upstream's answer must not be put behind it.
          const { message: detail } = faultError(error);
          const broken = makeError('stream_broken', {}, { cause: error, detail });
          yield { type: 'error', code: broken.code, message: broken.message, retryable: broken.retryable };
          return;
        }
        if (next.done === true) return;
        signal.throwIfAborted();
        yield next.value;
      }
    } finally {
      await answer.close();
    }
  }

  /**
   * Passes a body on to an upstream that serves `model` and its answer back, byte for byte. Tries elsewhere until the
   * first event of a stream, or all of another answer, is here.
   *
   * @param subject what the gate has judged
   * @throws as `stream` does; `upstream_refused` where the upstream finds fault with the request
   */
  async relay(subject: object, call: RelayCall, model: string, signal: AbortSignal): Promise<Relay> {
    this.#check(model);
    signal.throwIfAborted();
    this.#sweep ??= setInterval(() => this.#checkDeadlines(), sweepMs).unref();
    let open: OpenRelay;
    try {
      open = await this.#pool.relay(subject, call, model, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UpstreamFault && error.kind === 'refused-request' && error.own === undefined) {
        throw makeError('upstream_refused', { reason: error.message }, { cause: error });
      }
      throw faultError(error);
    }
    const { exchange, upstream } = open;
    return {
      exchange,
      attach: (sink) =>
        exchange.attach({
          data: (bytes) => sink.data(bytes),
          end: () => sink.end(),
          fail(error) {
            upstream.relayFailed(error, signal);
            if (signal.aborted) sink.fail(toDuanyunError(signal.reason));
            else sink.fail(makeError('stream_broken', {}, { cause: error, detail: faultError(error).message }));
          },
        }),
    };
  }

  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    const { embeddings } = this.#check(request.model);
    if (!embeddings) {
      const advice = 'Name a model that has them.';
      throw makeError('unsupported_feature', { model: request.model, feature: 'embeddings', advice });
    }
    signal.throwIfAborted();
    return this.#guard(this.#pool.embed(request, request.model, signal), signal);
  }

  health(): BackendHealth {
    const { reachable, models } = this.snapshot();
    if (this.#disposed) return { status: 'unavailable', reason: 'closed' };
    if (reachable) return { status: 'ready' };
    const reason = this.#upstreams.map(({ lastFault }) => lastFault).find((text) => text !== undefined);
    if (models.length === 0 && reason === undefined) return { status: 'loading', reason: 'asking for the models' };
    return { status: 'unavailable', reason: reason ?? 'no upstream can be reached' };
  }

  /** Stricter than `health`: an upstream has really answered, and the last that was heard of it is good. */
  answers(): BackendHealth {
    if (this.#disposed) return { status: 'unavailable', reason: 'closed' };
    const answering = this.#upstreams.some(
      ({ hasAnswered, isProbedDown, breaker, models }) =>
        hasAnswered && !isProbedDown && breaker.state !== 'open' && models.length > 0,
    );
    if (answering) return { status: 'ready' };
    const reason = this.#upstreams.map(({ lastFault }) => lastFault).find((text) => text !== undefined);
    if (this.#upstreams.every(({ hasAnswered }) => !hasAnswered)) {
      return { status: 'loading', reason: reason ?? 'no upstream has answered yet' };
    }
    return { status: 'unavailable', reason: reason ?? 'no upstream serves a model' };
  }

  #checkDeadlines(): void {
    const now = this.#clock.now();
    for (const { exchanges } of this.#upstreams) for (const exchange of exchanges) exchange.checkDeadline(now);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    clearInterval(this.#sweep);
    this.#prober.stop();
    await Promise.all(this.#upstreams.map((upstream) => upstream.dispose()));
  }

  #check(model: string): ModelCapabilities {
    if (this.#disposed) throw makeError('cloud_unavailable', { reason: 'the server is shutting down' });
    const models = this.capabilities();
    const found = models.find(({ id }) => id === model);
    if (found !== undefined) return found;
    if (models.length === 0) throw makeError('cloud_unavailable', { reason: 'no upstream has said what it serves' });
    const available = models.map(({ id }) => id).join(', ');
    throw makeError('model_not_found', { model: model.slice(0, 100), available }, { param: 'model' });
  }

  async #guard<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      signal.throwIfAborted();
      throw faultError(error);
    }
  }
}

function rank(upstream: Upstream): number {
  if (upstream.isResting) return 2;
  return { closed: 0, 'half-open': 1, open: 2 }[upstream.breaker.state];
}

function capabilitiesOf(model: CloudModel): ModelCapabilities {
  return {
    id: model.id,
    contextTokens: model.contextTokens ?? usualContextTokens,
    modalities: model.modalities ?? ['text'],
    tools: model.tools ?? true,
    reasoning: model.reasoning ?? true,
    embeddings: model.embeddings ?? false,
  };
}
