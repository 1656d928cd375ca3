import type { Clock } from '../core/clock.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export type BreakerOptions = {
  clock: Clock;
  /** Failures in a row that open it; a connection that cannot be made opens it at once. Default 3. */
  failureThreshold?: number;
  /** First pause. Doubled each time it opens again within a minute. Default 500 ms. */
  cooldownMs?: number;
  /** Default 30 s. */
  maxCooldownMs?: number;
};

const flapWindowMs = 60_000;
/** So often in a minute a recovered probe is believed at once; after that the pause is kept. */
const trustedRecoveries = 3;

/**
 * Keeps requests away from an upstream that fails. After the pause, or as soon as a probe succeeds, it is half-open: one
 * request at a time may try, and its outcome closes or opens it.
 */
export class CircuitBreaker {
  readonly #options: Required<BreakerOptions>;
  #failures = 0;
  #isOpen = false;
  #openUntilMs = 0;
  #hasTrial = false;
  #openings: number[] = [];

  constructor(options: BreakerOptions) {
    this.#options = { failureThreshold: 3, cooldownMs: 500, maxCooldownMs: 30_000, ...options };
  }

  get state(): BreakerState {
    if (!this.#isOpen) return 'closed';
    return this.#options.clock.now() >= this.#openUntilMs ? 'half-open' : 'open';
  }

  /** Whether a request would be let in now. */
  get admits(): boolean {
    return this.state === 'closed' || (this.state === 'half-open' && !this.#hasTrial);
  }

  /** Takes the place; each `true` must be followed by exactly one of `succeed`, `fail` or `release`. */
  tryEnter(): boolean {
    if (!this.admits) return false;
    if (this.#isOpen) this.#hasTrial = true;
    return true;
  }

  /** Ended without saying anything about the upstream (the client left). */
  release(): void {
    this.#hasTrial = false;
  }

  succeed(): void {
    this.#failures = 0;
    this.#isOpen = false;
    this.#hasTrial = false;
  }

  /** @param isCertain there is no use in trying: refused, no address, no valid certificate */
  fail(isCertain: boolean): void {
    this.#hasTrial = false;
    this.#failures++;
    const isTrial = this.#isOpen && this.state === 'half-open';
    if (isCertain || isTrial || this.#failures >= this.#options.failureThreshold) this.#open();
  }

  /** A health probe succeeded. It cannot close the breaker: only an answered request can. */
  probeSucceeded(): void {
    if (this.#isOpen && this.#openings.length <= trustedRecoveries) this.#openUntilMs = this.#options.clock.now();
  }

  #open(): void {
    const { clock, cooldownMs, maxCooldownMs } = this.#options;
    const now = clock.now();
    this.#openings = this.#openings.filter((openedMs) => now - openedMs < flapWindowMs);
    // Failures while it is open already are the same outage.
    if (!this.#isOpen || this.state === 'half-open') this.#openings.push(now);
    this.#isOpen = true;
    this.#openUntilMs = now + Math.min(maxCooldownMs, cooldownMs * 2 ** Math.max(0, this.#openings.length - 1));
  }
}
