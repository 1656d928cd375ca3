/** The rules of the role `cloud` in their order: key → model → budget → rates → a place; and after the answer the books. */
import type { Clock } from '../core/clock.ts';
import { type ErrorCode, makeError } from '../core/errors.ts';
import type { TokenUsage } from '../core/events.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Admission, Leave } from './admission/admission.ts';
import type { AuditLog } from './audit-log.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { Caller } from './keys/key-record.ts';
import type { RateCounters, RateState, RateWant } from './limits/rate-counters.ts';
import type { UsageLedger } from './usage-ledger.ts';

export type GatewayParts = {
  keys: KeyRing;
  ledger: UsageLedger;
  counters: RateCounters;
  admission: Admission;
  /** Absent: no audit log. */
  audit?: AuditLog;
  metrics: Metrics;
  clock: Clock;
  /** Limits of keys that have none of their own: of the settings, of `anonymous`, of new keys. */
  defaults?: { requestsPerMinute?: number; tokensPerMinute?: number };
};

/** What is known of a request before it runs. */
export type RequestFacts = {
  /** The upstream's own name. */
  model: string;
  /** Of the prompt, by its length. */
  promptTokens: number;
  maxTokens: number | undefined;
  priority: number;
};

/** A request that is over. */
export type FinishedRequest = {
  requestId: string;
  caller: Caller | undefined;
  address: string;
  route: string;
  status: number;
  code: ErrorCode | undefined;
  durationMs: number;
  pass: Pass | undefined;
};

/** Series of one metric; further keys share a label. */
const maxKeyLabels = 200;

export class Gateway {
  readonly keys: KeyRing;
  readonly #parts: GatewayParts;
  readonly #labels = new Set<string>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.keys = parts.keys;
  }

  /** @throws `key_forbidden` for a model that the key may not use */
  checkModel({ limits }: Caller, model: string): void {
    if (limits.models === undefined || limits.models.includes(model)) return;
    throw makeError(
      'key_forbidden',
      { reason: 'the model is not among those that it was made for' },
      { param: 'model' },
    );
  }

  /**
   * @param address of the client; it is what is treated fairly where nobody has a key
   * @param onRates told before a refusal too, so that its answer can show them
   * @throws `key_forbidden`, `budget_exceeded`, `rate_limited`, what `Admission.enter` throws
   */
  async pass(
    caller: Caller,
    address: string,
    facts: RequestFacts,
    signal: AbortSignal,
    onRates: (headers: Record<string, string>) => void,
  ): Promise<Pass> {
    const { admission, metrics, clock } = this.#parts;
    this.checkModel(caller, facts.model);
    if (caller.limits.monthlyBudget !== undefined) await this.#checkBudget(caller.id, caller.limits.monthlyBudget);
    const wants = this.#wants(caller, facts);
    const startedMs = clock.now();
    const leave = await admission.enter(
      {
        keyId: caller.kind === 'anonymous' ? `${caller.id} ${address}` : caller.id,
        weight: caller.limits.weight ?? 1,
        concurrency: caller.limits.concurrency,
        priority: facts.priority,
      },
      signal,
    );
    try {
      // After the place: what waited in vain has used nothing.
      if (wants.length > 0) await this.#take(caller.id, wants, onRates);
    } catch (error) {
      leave();
      throw error;
    }
    metrics.observe('duanyun_gateway_queue_seconds', (clock.now() - startedMs) / 1000);
    this.#gauges();
    return new Pass(this.#parts, caller, facts, wants, () => {
      leave();
      this.#gauges();
    });
  }

  /** The books: audit and metrics. Nothing of what was said. */
  finished(request: FinishedRequest): void {
    const { audit, metrics, clock } = this.#parts;
    const { caller, status, pass } = request;
    const key = this.#label(caller?.id ?? 'none');
    metrics.count('duanyun_gateway_requests_total', { key, status: statusLabel(status) });
    if (request.code !== undefined) metrics.count('duanyun_gateway_refused_total', { code: request.code });
    if (pass?.usage !== undefined) {
      metrics.count('duanyun_gateway_tokens_total', { key, kind: 'prompt' }, pass.usage.promptTokens);
      metrics.count('duanyun_gateway_tokens_total', { key, kind: 'completion' }, pass.usage.completionTokens);
      if (pass.cost > 0) metrics.count('duanyun_gateway_cost_total', { key }, pass.cost);
    }
    audit?.add({
      time: new Date(clock.wallTime()).toISOString(),
      requestId: request.requestId,
      key: caller?.id ?? 'none',
      address: request.address,
      route: request.route,
      model: pass?.model,
      status,
      code: request.code,
      promptTokens: pass?.usage?.promptTokens,
      completionTokens: pass?.usage?.completionTokens,
      cost: pass === undefined || pass.cost === 0 ? undefined : pass.cost,
      durationMs: Math.round(request.durationMs * 10) / 10,
    });
  }

  /** For the metrics, now and then. */
  observe(): void {
    const { keys, ledger, metrics } = this.#parts;
    metrics.gauge('duanyun_gateway_database_up', keys.isStoreAway ? 0 : 1);
    metrics.gauge('duanyun_gateway_usage_batches_waiting', ledger.waiting);
    this.#gauges();
  }

  async #checkBudget(keyId: string, budget: number): Promise<void> {
    if ((await this.#parts.ledger.spent(keyId)) < budget) return;
    const now = new Date(this.#parts.clock.wallTime());
    const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    const date = new Date(next).toISOString().slice(0, 10);
    throw makeError('budget_exceeded', { date }, { retryAfterSeconds: Math.ceil((next - now.getTime()) / 1000) });
  }

  #wants({ limits, kind }: Caller, { promptTokens, maxTokens }: RequestFacts): RateWant[] {
    const defaults = kind === 'configured' ? {} : this.#parts.defaults;
    const requests = limits.requestsPerMinute ?? defaults?.requestsPerMinute;
    const tokens = limits.tokensPerMinute ?? defaults?.tokensPerMinute;
    const wants: RateWant[] = [];
    if (requests !== undefined) wants.push({ what: 'requests', amount: 1, limitPerMinute: requests });
    if (tokens !== undefined) {
      wants.push({ what: 'tokens', amount: promptTokens + (maxTokens ?? 0), limitPerMinute: tokens });
    }
    return wants;
  }

  async #take(keyId: string, wants: RateWant[], onRates: (headers: Record<string, string>) => void): Promise<void> {
    const answer = await this.#parts.counters.take(keyId, wants);
    onRates(rateHeaders(answer.states));
    if (answer.isTaken) return;
    const what = answer.refusedBy ?? 'requests';
    const limit = wants.find((want) => want.what === what)?.limitPerMinute ?? 0;
    const retryAfterSeconds = Math.max(1, Math.ceil(answer.retryAfterMs / 1000));
    throw makeError('rate_limited', { limit, what, retryAfterSeconds }, { retryAfterSeconds });
  }

  #gauges(): void {
    const { admission, metrics } = this.#parts;
    metrics.gauge('duanyun_gateway_running', admission.running);
    metrics.gauge('duanyun_gateway_waiting', admission.waiting);
  }

  #label(keyId: string): string {
    if (this.#labels.has(keyId)) return keyId;
    if (this.#labels.size >= maxKeyLabels) return 'other';
    this.#labels.add(keyId);
    return keyId;
  }
}

/** The right of one request to run, and what it used. */
export class Pass {
  readonly model: string;
  usage: TokenUsage | undefined;
  cost = 0;
  readonly #parts: GatewayParts;
  readonly #caller: Caller;
  readonly #wants: RateWant[];
  readonly #leave: Leave;
  readonly #promptTokens: number;
  #isCounted = false;

  constructor(parts: GatewayParts, caller: Caller, facts: RequestFacts, wants: RateWant[], leave: Leave) {
    this.#parts = parts;
    this.#caller = caller;
    this.model = facts.model;
    this.#promptTokens = facts.promptTokens;
    this.#wants = wants;
    this.#leave = leave;
  }

  /**
   * What the answer cost; only the first call counts. Where the upstream did not say because the answer was cut, the
   * prompt's length and the pieces that came stand for it.
   */
  count(usage: TokenUsage | undefined, pieces = 0): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    const counted = usage ?? {
      promptTokens: this.#promptTokens,
      cachedTokens: 0,
      completionTokens: pieces,
      reasoningTokens: 0,
    };
    this.usage = counted;
    this.cost = this.#parts.ledger.add(this.#caller.id, this.model, counted);
    this.#settle(counted.promptTokens + counted.completionTokens);
  }

  /** Nothing was answered, so nothing is owed. */
  cancel(): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.#settle(0);
  }

  /** Gives the place back. */
  release(): void {
    this.#leave();
  }

  #settle(tokens: number): void {
    const want = this.#wants.find(({ what }) => what === 'tokens');
    if (want === undefined || want.amount === tokens) return;
    this.#parts.counters.adjust(this.#caller.id, { ...want, amount: tokens - want.amount });
  }
}

/** OpenAI's headers. */
function rateHeaders(states: readonly RateState[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { what, limit, remaining, resetMs } of states) {
    headers[`x-ratelimit-limit-${what}`] = String(limit);
    headers[`x-ratelimit-remaining-${what}`] = String(remaining);
    headers[`x-ratelimit-reset-${what}`] = duration(resetMs);
  }
  return headers;
}

/** `350ms`, `12s`, `1m30s` */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function statusLabel(status: number): string {
  if (status === 429 || status === 401 || status === 499) return String(status);
  return `${Math.floor(status / 100)}xx`;
}
