/** Chooses the upstream of each request and tries again where that can help: only before the first token. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import type { CloudLimits } from './options.ts';
import type { RelayCall, RelayExchange } from './relay-exchange.ts';
import { isRetryable, type OpenAnswer, type Upstream } from './upstream.ts';
import { UpstreamFault } from './upstream-fault.ts';

export type PoolParts = {
  upstreams: readonly Upstream[];
  limits: CloudLimits;
  clock: Clock;
  /** 0–1. Default `Math.random`. */
  random?: () => number;
};

export type OpenRelay = { upstream: Upstream; exchange: RelayExchange };

type Attempt<Result> = (upstream: Upstream, signal: AbortSignal) => Promise<Result>;

export class Pool {
  readonly #parts: PoolParts;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** @throws UpstreamFault, an error of the catalogue, the signal's reason */
  open(request: GenerationRequest, model: string, signal: AbortSignal): Promise<OpenAnswer> {
    const { hedgeAfterMs } = this.#parts.limits;
    const attempt: Attempt<OpenAnswer> = (upstream, inner) => upstream.open(request, model, inner);
    if (hedgeAfterMs === undefined) return this.#run(model, attempt, signal, new Set());
    return this.#hedged(model, attempt, signal, hedgeAfterMs);
  }

  embed(request: EmbeddingRequest, model: string, signal: AbortSignal): Promise<EmbeddingResult> {
    return this.#run(model, (upstream, inner) => upstream.embed(request, model, inner), signal, new Set());
  }

  /** @throws as `open` does */
  async relay(subject: object, call: RelayCall, model: string, signal: AbortSignal): Promise<OpenRelay> {
    const attempt: Attempt<OpenRelay> = async (upstream, inner) => ({
      upstream,
      exchange: await upstream.relay(subject, call, model, inner),
    });
    return this.#run(model, attempt, signal, new Set());
  }

  /** @param used upstreams that have failed here or are at work; the best of the others comes first */
  async #run<Result>(
    model: string,
    attempt: Attempt<Result>,
    signal: AbortSignal,
    used: Set<Upstream>,
  ): Promise<Result> {
    const { limits, random = Math.random } = this.#parts;
    let lastFault: UpstreamFault | undefined;
    const hopeless = new Set<Upstream>();
    let tries = 0;
    let waitedMs = 0;
    while (tries < limits.attempts) {
      signal.throwIfAborted();
      const upstream = this.#take(model, used, hopeless);
      if (upstream === undefined) {
        const waitMs = this.#shortestRest(model, hopeless);
        if (waitMs === undefined || waitedMs + waitMs > limits.maxRetryWaitMs) break;
        // Timers may fire a little early.
        await pause(waitMs + 1, signal);
        waitedMs += waitMs + 1;
        used.clear();
        continue;
      }
      tries++;
      const isRepeated = used.has(upstream);
      used.add(upstream);
      try {
        if (isRepeated) await pause(limits.retryDelayMs * 2 ** (tries - 2) * (0.5 + random() / 2), signal);
        return await attempt(upstream, signal);
      } catch (error) {
        if (signal.aborted) upstream.breaker.release();
        if (!isRetryable(error)) throw error;
        lastFault = error;
        if (!error.canRetry) hopeless.add(upstream);
      }
    }
    throw lastFault ?? this.#nobody(model);
  }

  /** Takes a place at the cheapest upstream that is let in; one that failed for this request only where no other is left. */
  #take(model: string, used: Set<Upstream>, hopeless: Set<Upstream>): Upstream | undefined {
    const able = this.#serving(model).filter((upstream) => !upstream.isResting && !hopeless.has(upstream));
    const quickest = Math.min(
      ...able.map(({ observedFirstTokenMs }) => observedFirstTokenMs ?? Number.POSITIVE_INFINITY),
    );
    // One that was never tried counts as quick as the quickest, so that it gets its first request.
    const cost = (upstream: Upstream): number => upstream.waitMs(Number.isFinite(quickest) ? quickest : 1);
    const ordered = able.toSorted(
      (left, right) => Number(used.has(left)) - Number(used.has(right)) || cost(left) - cost(right),
    );
    return ordered.find((upstream) => upstream.breaker.tryEnter());
  }

  #serving(model: string): Upstream[] {
    return this.#parts.upstreams.filter((upstream) => upstream.models.some(({ id }) => id === model));
  }

  #shortestRest(model: string, hopeless: Set<Upstream>): number | undefined {
    const now = this.#parts.clock.now();
    const rests = this.#serving(model)
      .filter((upstream) => upstream.isResting && !hopeless.has(upstream))
      .map((upstream) => upstream.restingUntilMs - now);
    return rests.length === 0 ? undefined : Math.min(...rests);
  }

  #nobody(model: string): UpstreamFault {
    const serving = this.#serving(model);
    const restMs = this.#shortestRest(model, new Set());
    if (restMs !== undefined) return new UpstreamFault('busy', 'the upstream is busy', { retryAfterMs: restMs });
    const reason = serving.map((upstream) => upstream.lastFault).find((text) => text !== undefined);
    return new UpstreamFault('connect', reason ?? 'no upstream can be reached');
  }

  /** The first of two tries that has a token wins; the other one is aborted. */
  async #hedged(
    model: string,
    attempt: Attempt<OpenAnswer>,
    signal: AbortSignal,
    hedgeAfterMs: number,
  ): Promise<OpenAnswer> {
    const used = new Set<Upstream>();
    const owners = new Map<OpenAnswer, AbortController>();
    const start = (): Hedge => {
      const controller = new AbortController();
      const run = async (): Promise<OpenAnswer> => {
        const opened = await this.#run(model, attempt, AbortSignal.any([signal, controller.signal]), used);
        owners.set(opened, controller);
        return opened;
      };
      const answer = run();
      answer.catch(() => {});
      return { controller, answer };
    };
    const hedges = [start()];
    const calm = new AbortController();
    const late = async (): Promise<OpenAnswer> => {
      await pause(hedgeAfterMs, AbortSignal.any([signal, calm.signal]));
      if (this.#serving(model).some((upstream) => !used.has(upstream))) hedges.push(start());
      return Promise.any(hedges.map(({ answer }) => answer));
    };
    try {
      const winner = await Promise.any([hedges[0]?.answer ?? late(), late()]);
      for (const hedge of hedges) if (owners.get(winner) !== hedge.controller) void abandon(hedge);
      return winner;
    } catch (error) {
      signal.throwIfAborted();
      throw firstCause(error);
    } finally {
      calm.abort(new Error('not needed any more'));
    }
  }
}

type Hedge = { controller: AbortController; answer: Promise<OpenAnswer> };

/** The slower try may have opened too, in the same moment: its connection must be given back. */
async function abandon({ controller, answer }: Hedge): Promise<void> {
  controller.abort(new Error('another try was faster'));
  const opened = await answer.catch(() => undefined);
  await opened?.close();
}

function firstCause(error: unknown): unknown {
  return error instanceof AggregateError ? firstCause(error.errors[0]) : error;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
