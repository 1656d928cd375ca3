/** One OpenAI-compatible server: its connection, its health, what it was observed to do. */
import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { DuanyunError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type { AnswerReader } from './answer-reader.ts';
import { CircuitBreaker, type BreakerOptions } from './circuit-breaker.ts';
import type { EgressGate, EgressResponse, EgressTransport } from './egress-gate.ts';
import { MovingAverage } from './moving-average.ts';
import type { CloudLimits, CloudModel, UpstreamOptions } from './options.ts';
import { readAnswer } from './read-answer.ts';
import { renderEmbedding, renderGeneration } from './render-request.ts';
import { RelayExchange, type RelayCall } from './relay-exchange.ts';
import { UpstreamFault } from './upstream-fault.ts';
import { statusFault } from './upstream-status.ts';
import { parseVllmMetrics } from './vllm-metrics.ts';
import { Watchdog } from './watchdog.ts';

export type UpstreamParts = {
  gate: EgressGate;
  limits: CloudLimits;
  clock: Clock;
  log: Log;
  breaker?: Partial<Omit<BreakerOptions, 'clock'>>;
};

/** An answer whose first token is here. It must be closed. */
export type OpenAnswer = {
  model: string;
  events: AsyncGenerator<StreamEvent>;
  /** Gives the connection back, also where nothing was read. */
  close(): Promise<void>;
};

/** Assumed until something was observed. */
const usualFirstTokenMs = 500;
const usualTokensPerSecond = 30;

const embeddingBody = z.object({
  model: z.string().nullish(),
  data: z.array(z.object({ index: z.number().nullish(), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: z.number().nullish() }).nullish(),
});
const modelList = z.object({
  data: z.array(z.object({ id: z.string().min(1), max_model_len: z.number().int().positive().nullish() })),
});

export class Upstream {
  readonly host: string;
  readonly breaker: CircuitBreaker;
  inFlight = 0;
  /** Monotonic; before it the upstream asked not to be called. */
  restingUntilMs = 0;
  /** What was last in the way, for `health`. */
  lastFault: string | undefined;
  /** The last probe said that it does not answer. Unknown before the first one. */
  isProbedDown = false;
  /** A probe or a request has had an answer, ever. */
  hasAnswered = false;
  /** Answers that are being passed on; the backend looks at their deadlines. */
  readonly exchanges = new Set<RelayExchange>();
  readonly #transport: EgressTransport;
  readonly #parts: UpstreamParts;
  readonly #firstTokenMs = new MovingAverage();
  readonly #tokensPerSecond = new MovingAverage();
  readonly #configured: CloudModel[];
  readonly #modelDefaults: Omit<CloudModel, 'id'>;
  #models: CloudModel[];
  #waiting = 0;
  #offersMetrics = true;
  /** Models that were said to be missing. */
  readonly #warned = new Set<string>();
  #offersHealth = true;

  constructor(options: UpstreamOptions, parts: UpstreamParts) {
    this.#parts = parts;
    this.host = new URL(options.url).host;
    this.#configured = options.models ?? [];
    this.#models = this.#configured;
    this.#modelDefaults = options.modelDefaults ?? {};
    this.breaker = new CircuitBreaker({ clock: parts.clock, ...parts.breaker });
    this.#transport = parts.gate.connect({ ...options, connectTimeoutMs: parts.limits.connectMs });
  }

  get models(): readonly CloudModel[] {
    return this.#models;
  }

  get firstTokenMs(): number {
    return this.#firstTokenMs.value ?? usualFirstTokenMs;
  }

  get tokensPerSecond(): number {
    return this.#tokensPerSecond.value ?? usualTokensPerSecond;
  }

  get observedFirstTokenMs(): number | undefined {
    return this.#firstTokenMs.value;
  }

  /**
   * Expected wait of one more request; what the pool balances by.
   * @param unknownMs the time to a first token where none was observed
   */
  waitMs(unknownMs = usualFirstTokenMs): number {
    return (this.#firstTokenMs.value ?? unknownMs) * (this.inFlight + this.#waiting + 1);
  }

  get isResting(): boolean {
    return this.#parts.clock.now() < this.restingUntilMs;
  }

  /**
   * Sends the request and waits for the first token; until then nothing has gone to the client and another try is
   * possible. The caller has taken a place in the breaker with `tryEnter`.
   *
   * @throws UpstreamFault, `egress_refused`, the signal's reason
   */
  async open(request: GenerationRequest, model: string, signal: AbortSignal): Promise<OpenAnswer> {
    const { clock, limits } = this.#parts;
    const watchdog = new Watchdog(signal);
    const startedMs = clock.now();
    this.inFlight++;
    const leave = once(() => {
      this.inFlight--;
      watchdog.dispose();
    });
    try {
      watchdog.arm(limits.connectMs + limits.firstTokenMs, firstTokenFault);
      const response = await this.#transport.send(
        request,
        (subject) => renderGeneration(subject, model),
        watchdog.signal,
      );
      await this.#checkStatus(response, request.model, 'text/event-stream');
      const estimatedPromptTokens = Math.ceil(this.#parts.gate.bytesSent(request) / 4);
      // Hidden reasoning is progress too: it shows that the upstream works on the request.
      const { events, reader } = readAnswer(
        response,
        { returnReasoning: request.reasoning.return, estimatedPromptTokens },
        () => watchdog.arm(limits.silenceMs, silenceFault),
      );
      const first = await events.next();
      watchdog.disarm();
      this.#firstTokenMs.add(clock.now() - startedMs);
      this.#succeeded();
      const close = async (): Promise<void> => {
        await events.return(undefined).catch(() => {});
        leave();
      };
      const rest = this.#rest(first, events, reader, watchdog, signal, close);
      return { model: reader.model ?? model, events: rest, close };
    } catch (error) {
      leave();
      throw this.#blame(watchdog.signal.aborted ? watchdog.signal.reason : error, signal);
    }
  }

  /** @throws UpstreamFault, `egress_refused`, `unsupported_feature`, the signal's reason */
  async embed(request: EmbeddingRequest, model: string, signal: AbortSignal): Promise<EmbeddingResult> {
    const watchdog = new Watchdog(signal);
    this.inFlight++;
    try {
      watchdog.arm(this.#parts.limits.embeddingMs, silenceFault);
      const response = await this.#transport.send(
        request,
        (subject) => renderEmbedding(subject, model),
        watchdog.signal,
      );
      await this.#checkStatus(response, request.model, 'application/json');
      const result = readEmbedding(await bodyText(response), model, request.inputs.length);
      this.#succeeded();
      return result;
    } catch (error) {
      throw this.#blame(watchdog.signal.aborted ? watchdog.signal.reason : error, signal);
    } finally {
      this.inFlight--;
      watchdog.dispose();
    }
  }

  /**
   * Sends a body that is passed on as it is, and waits for the first event of the answer, or for all of one that is not
   * streamed. The caller has taken a place in the breaker with `tryEnter`.
   *
   * @param subject what the gate has judged
   * @throws UpstreamFault, `egress_refused`, the signal's reason
   */
  async relay(subject: object, call: RelayCall, model: string, signal: AbortSignal): Promise<RelayExchange> {
    const { clock, limits } = this.#parts;
    const startedMs = clock.now();
    this.inFlight++;
    const abort = (): void => exchange.abort(signal.reason);
    const exchange = new RelayExchange(call, {
      limits: { firstTokenMs: limits.connectMs + limits.firstTokenMs, silenceMs: limits.silenceMs },
      now: () => clock.now(),
      refuse: (refusal) => statusFault(refusal, model, clock.wallTime()),
      settled: () => {
        this.inFlight--;
        this.exchanges.delete(exchange);
        signal.removeEventListener('abort', abort);
      },
    });
    this.exchanges.add(exchange);
    signal.addEventListener('abort', abort, { once: true });
    try {
      this.#transport.relay(subject, call, exchange);
      await exchange.opened;
    } catch (error) {
      exchange.abort(error);
      throw this.#blame(error, signal);
    }
    this.#firstTokenMs.add(clock.now() - startedMs);
    this.#succeeded();
    return exchange;
  }

  /** What a relayed answer that broke off says of this server. */
  relayFailed(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.#blame(error, signal);
  }

  /** Asks for health, models and load. Never throws. */
  async probe(): Promise<boolean> {
    const { probeTimeoutMs } = this.#parts.limits;
    try {
      if (this.#offersHealth) {
        const { status } = await this.#transport.probe('/health', probeTimeoutMs);
        if (status === 404 || status === 405) this.#offersHealth = false;
        else if (status >= 300)
          throw new UpstreamFault('failed', `the upstream answers its health check with status ${status}`);
      }
      if (
        !this.#offersHealth ||
        this.#configured.length === 0 ||
        this.#configured.some((model) => model.contextTokens === undefined)
      ) {
        await this.#learnModels(probeTimeoutMs);
      }
      await this.#learnLoad(probeTimeoutMs);
      this.isProbedDown = false;
      this.hasAnswered = true;
      this.breaker.probeSucceeded();
      return true;
    } catch (error) {
      this.isProbedDown = true;
      this.lastFault = error instanceof UpstreamFault ? error.message : 'the upstream does not answer its health check';
      if (this.breaker.state !== 'open') this.breaker.fail(error instanceof UpstreamFault);
      return false;
    }
  }

  async dispose(): Promise<void> {
    await this.#transport.dispose();
  }

  async *#rest(
    first: IteratorResult<StreamEvent>,
    events: AsyncGenerator<StreamEvent>,
    reader: AnswerReader,
    watchdog: Watchdog,
    signal: AbortSignal,
    close: () => Promise<void>,
  ): AsyncGenerator<StreamEvent> {
    const { clock, limits } = this.#parts;
    const firstTokenAtMs = clock.now();
    try {
      for (let next = first; next.done !== true;) {
        if (next.value.type === 'finish') {
          const seconds = (clock.now() - firstTokenAtMs) / 1000;
          if (reader.deltas > 3 && seconds > 0) this.#tokensPerSecond.add((reader.deltas - 1) / seconds);
        }
        yield next.value;
        signal.throwIfAborted();
        watchdog.arm(limits.silenceMs, silenceFault);
        next = await events.next();
        watchdog.disarm();
      }
    } catch (error) {
      throw this.#blame(error, signal);
    } finally {
      await close();
    }
  }

  #succeeded(): void {
    this.lastFault = undefined;
    this.isProbedDown = false;
    this.hasAnswered = true;
    this.breaker.succeed();
  }

  /** Tells the breaker what the failure says about this server, and gives the error to throw. */
  #blame(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) {
      this.breaker.release();
      return signal.reason;
    }
    if (!(error instanceof UpstreamFault)) {
      this.breaker.release();
      return error;
    }
    if (error.blames === 'network' || error.blames === 'upstream') {
      this.lastFault = error.message;
      this.breaker.fail(error.blames === 'network');
    } else this.breaker.release();
    if (error.kind === 'busy') this.restingUntilMs = this.#parts.clock.now() + (error.retryAfterMs ?? 1000);
    if (error.kind === 'unknown-model' && this.#configured.length === 0) this.#models = [];
    this.#parts.log.warn({ upstream: this.host, fault: error.kind }, 'upstream fault');
    return error;
  }

  /** Throws unless the answer has begun in the form that was asked for. */
  async #checkStatus(response: EgressResponse, model: string, mediaType: string): Promise<void> {
    const { status } = response;
    if (status === 200) {
      if ((response.header('content-type') ?? mediaType).toLowerCase().startsWith(mediaType)) return;
      response.discard();
      // A portal of a hotel's network answers everything with a page.
      throw new UpstreamFault('garbage', 'the upstream answered with something that is no answer');
    }
    const text = await bodyText(response).catch(() => '');
    throw statusFault({ status, header: (name) => response.header(name), text }, model, this.#parts.clock.wallTime());
  }

  async #learnModels(timeoutMs: number): Promise<void> {
    const { status, text } = await this.#transport.probe('/v1/models', timeoutMs);
    if (status === 401 || status === 403) throw new UpstreamFault('credentials', 'the upstream refuses our API key');
    if (status !== 200) throw new UpstreamFault('failed', `the upstream lists no models (status ${status})`);
    const parsed = modelList.safeParse(parseJson(text));
    if (!parsed.success) throw new UpstreamFault('garbage', 'the upstream lists its models in another form');
    const listed = parsed.data.data.map(({ id, max_model_len: tokens }): CloudModel =>
      Object.assign({ id }, this.#modelDefaults, typeof tokens === 'number' ? { contextTokens: tokens } : {}),
    );
    for (const { id } of this.#configured) {
      if (listed.some((model) => model.id === id) || this.#warned.has(id)) continue;
      this.#warned.add(id);
      const served = listed.map((model) => model.id);
      this.#parts.log.warn({ upstream: this.host, model: id, served }, 'the upstream does not list this model');
    }
    this.#models =
      this.#configured.length === 0
        ? listed
        : this.#configured.map((model) => ({ ...listed.find(({ id }) => id === model.id), ...model }));
  }

  async #learnLoad(timeoutMs: number): Promise<void> {
    if (!this.#offersMetrics) return;
    const { status, text } = await this.#transport.probe('/metrics', timeoutMs);
    const load = status === 200 ? parseVllmMetrics(text) : undefined;
    if (load === undefined) this.#offersMetrics = false;
    this.#waiting = load?.waiting ?? 0;
  }
}

function firstTokenFault(): UpstreamFault {
  return new UpstreamFault('first-token-timeout', 'the upstream gave no first token in time');
}

function silenceFault(): UpstreamFault {
  return new UpstreamFault('silence', 'the upstream fell silent');
}

function readEmbedding(text: string, model: string, count: number): EmbeddingResult {
  const parsed = embeddingBody.safeParse(parseJson(text));
  if (!parsed.success || parsed.data.data.length !== count) {
    throw new UpstreamFault('garbage', 'the upstream sent embeddings of another form');
  }
  const { data, usage } = parsed.data;
  const ordered = data.map((entry, index) => ({ index: entry.index ?? index, vector: unitVector(entry.embedding) }));
  const vectors = ordered.toSorted((left, right) => left.index - right.index).map(({ vector }) => vector);
  return { model: parsed.data.model || model, vectors, promptTokens: usage?.prompt_tokens ?? 0 };
}

function unitVector(values: number[]): Float32Array {
  const length = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / length);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** 2,048 embeddings of 4,096 numbers as decimal text. */
const maxBodyCharacters = 256 * 1024 * 1024;

async function bodyText(response: EgressResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxBodyCharacters) throw new UpstreamFault('garbage', 'the upstream sent too much');
  }
  return text + decoder.decode();
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}

/** Whether another try may help at all, at this upstream or at another one. */
export function isRetryable(error: unknown): error is UpstreamFault {
  return error instanceof UpstreamFault && error.blames !== 'request' && !(error instanceof DuanyunError);
}
