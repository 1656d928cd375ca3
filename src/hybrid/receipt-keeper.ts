/** Receipts while their requests run: opened with the plan, a line for each attempt, closed and counted at the end. */
import type { GenerationRequest } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import type { DuanyunError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import { refusalError } from '../routing/decide.ts';
import type { RouteChoice, RouteRefusal } from '../routing/types.ts';
import { readCounts } from './as-text.ts';
import { modalityError } from './modality-error.ts';
import type { Receipt, ReceiptStore } from './receipts.ts';
import type { Plan } from './request-planner.ts';
import type { Spending } from './spending.ts';

export type ReceiptKeeperParts = {
  receipts: ReceiptStore;
  spending: Spending;
  clock: Clock;
  metrics: Metrics;
  onReceipt(receipt: Receipt): void;
};

export class ReceiptKeeper {
  readonly #parts: ReceiptKeeperParts;
  readonly #open = new Map<string, Receipt>();

  constructor(parts: ReceiptKeeperParts) {
    this.#parts = parts;
  }

  /** The receipt of a request that runs. */
  running(requestId: string): Receipt | undefined {
    return this.#open.get(requestId);
  }

  open(request: GenerationRequest, plan: Plan, kind: Receipt['kind']): Receipt {
    const { decision, examined, policy, decisionMs } = plan;
    this.#parts.metrics.observe('duanyun_decision_seconds', decisionMs / 1000);
    const receipt = this.#parts.receipts.open({
      requestId: request.id,
      createdAt: new Date(this.#parts.clock.wallTime()).toISOString(),
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

  beginAttempt(receipt: Receipt, choice: RouteChoice): Receipt['attempts'][number] {
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

  /** Closes it and gives the error for the client. */
  refuse(receipt: Receipt, refusal: RouteRefusal, plan: Plan): DuanyunError {
    const error = modalityError(refusal, plan.perceived) ?? refusalError(refusal);
    receipt.state = 'refused';
    receipt.errorCode = error.code;
    this.#finish(receipt);
    return error;
  }

  close(receipt: Receipt, plan: Plan, signal: AbortSignal): void {
    const attempt = receipt.attempts.at(-1);
    if (receipt.state === 'running') {
      receipt.state = receipt.errorCode === undefined || signal.aborted ? 'cancelled' : 'failed';
    }
    if (attempt !== undefined && (attempt.outcome === 'running' || receipt.state === 'cancelled')) {
      attempt.outcome = receipt.state === 'answered' ? 'answered' : (receipt.errorCode ?? 'cancelled');
    }
    if (receipt.target === 'cloud' && receipt.usage !== undefined) {
      receipt.cost = this.#parts.spending.add(receipt.usage, attempt?.model ?? '', plan.policy);
    }
    receipt.timings.totalMs = this.sinceMs(receipt);
    this.#finish(receipt);
  }

  #finish(receipt: Receipt): void {
    this.#open.delete(receipt.requestId);
    const { target = 'none', privacy, state } = receipt;
    this.#parts.metrics.count('duanyun_routes_total', { target, privacy, state });
    if (receipt.bytesLeft > 0) this.#parts.metrics.count('duanyun_egress_bytes_total', {}, receipt.bytesLeft);
    this.#parts.receipts.close(receipt);
    this.#parts.onReceipt(receipt);
  }

  /** Since the request came. */
  sinceMs(receipt: Receipt): number {
    return this.#parts.clock.wallTime() - Date.parse(receipt.createdAt);
  }
}

/** What an answer says of its receipt. */
export function summaryOf({ id, target, reasons }: Receipt): { id: string; target: string; reasons: string[] } {
  return { id, target: target ?? 'none', reasons: [...reasons] };
}
