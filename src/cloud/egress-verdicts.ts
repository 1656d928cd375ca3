/**
 * What was judged, and what that allows: the part of the egress gate that opens no connection, so that it also runs in a
 * page. Whoever sends something calls `admit` right before and `count` with the bytes.
 */
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';

/** What a detector, with the policy applied, says of one object. */
export type EgressJudgement = { private: boolean; reasons: string[] };
export type EgressVerdict = EgressJudgement & {
  /** The detector threw, took too long, was missing, or gave no judgement. Always private. */
  failure?: 'detector-failed' | 'detector-timeout' | 'detector-missing' | 'detector-malformed';
};
export type EgressDetector = () => EgressJudgement | Promise<EgressJudgement>;

export type EgressGateOptions = {
  clock: Clock;
  /** Longest time that a judgement may take; one that took longer does not count. Default 250 ms. */
  budgetMs?: number;
};

export class EgressVerdicts {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #verdicts = new WeakMap<object, EgressVerdict>();
  readonly #bytes = new WeakMap<object, number>();

  constructor(options: EgressGateOptions) {
    this.#clock = options.clock;
    this.#budgetMs = options.budgetMs ?? 250;
  }

  /**
   * Judges an object that may be sent later. A second judgement can only make it stricter. Never throws.
   *
   * @param detect `undefined` where there is no detector: private
   */
  async judge(subject: object, detect: EgressDetector | undefined): Promise<EgressVerdict> {
    const verdict = await this.#examine(detect);
    const before = this.#verdicts.get(subject);
    const kept = before?.private === true && !verdict.private ? before : verdict;
    this.#verdicts.set(subject, kept);
    return kept;
  }

  /** Makes an object private for good, whatever was or will be judged. */
  seal(subject: object, reason: string): void {
    const reasons = [...(this.#verdicts.get(subject)?.reasons ?? []), reason];
    this.#verdicts.set(subject, { private: true, reasons });
  }

  /**
   * Gives a copy (another model name, another seed) the verdict of what it was made from; unjudged counts as private.
   * Whoever calls it answers for the content being the same.
   */
  inherit(copy: object, original: object): void {
    const verdict = this.#verdicts.get(original) ?? failed('detector-missing');
    const before = this.#verdicts.get(copy);
    this.#verdicts.set(copy, before?.private === true ? before : verdict);
  }

  /** Bytes of bodies made from this object that were handed to a connection, all attempts together. */
  bytesSent(subject: object): number {
    return this.#bytes.get(subject) ?? 0;
  }

  /** @throws `egress_refused` unless it was judged and may leave */
  admit(subject: object): void {
    const verdict = this.#verdicts.get(subject);
    if (verdict === undefined) throw makeError('egress_refused', { reason: 'it was not examined' });
    if (verdict.private) throw makeError('egress_refused', { reason: 'it is private' });
  }

  /** Bytes made from this object that are handed to a connection now. */
  count(subject: object, bytes: number): void {
    this.#bytes.set(subject, this.bytesSent(subject) + bytes);
  }

  async #examine(detect: EgressDetector | undefined): Promise<EgressVerdict> {
    if (detect === undefined) return failed('detector-missing');
    const startedMs = this.#clock.now();
    let judgement: unknown;
    try {
      const result = detect();
      judgement = result instanceof Promise ? await this.#inTime(result) : result;
    } catch {
      return failed('detector-failed');
    }
    if (judgement === overdue || this.#clock.now() - startedMs > this.#budgetMs) return failed('detector-timeout');
    const { private: isPrivate, reasons } = (judgement ?? {}) as Partial<EgressJudgement>;
    if (typeof isPrivate !== 'boolean' || !Array.isArray(reasons)) return failed('detector-malformed');
    return { private: isPrivate, reasons };
  }

  async #inTime<Value>(result: Promise<Value>): Promise<Value | typeof overdue> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<typeof overdue>((resolve) => {
      timer = setTimeout(() => resolve(overdue), this.#budgetMs);
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const overdue = Symbol('overdue');

function failed(failure: NonNullable<EgressVerdict['failure']>): EgressVerdict {
  return { private: true, reasons: [failure], failure };
}
