/** Asks the upstreams how they are: seldom while they work, often while they do not. */
import type { CloudLimits } from './options.ts';
import type { Upstream } from './upstream.ts';

export class Prober {
  readonly #upstreams: readonly Upstream[];
  readonly #limits: CloudLimits;
  readonly #timers = new Map<Upstream, NodeJS.Timeout>();
  #stopped = false;

  constructor(upstreams: readonly Upstream[], limits: CloudLimits) {
    this.#upstreams = upstreams;
    this.#limits = limits;
  }

  /** The first round has ended when this resolves. */
  async start(): Promise<void> {
    await Promise.all(this.#upstreams.map((upstream) => this.#round(upstream)));
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #round(upstream: Upstream): Promise<void> {
    await upstream.probe();
    this.#wait(upstream, this.#limits.downProbeMs);
  }

  /** A failed request is noticed within the short pause: the breaker is looked at, nothing is sent. */
  #wait(upstream: Upstream, sinceProbeMs: number): void {
    if (this.#stopped) return;
    const { probeMs, downProbeMs } = this.#limits;
    const timer = setTimeout(() => {
      const isDue = upstream.isProbedDown || upstream.breaker.state !== 'closed' || sinceProbeMs >= probeMs;
      if (isDue) void this.#round(upstream);
      else this.#wait(upstream, sinceProbeMs + downProbeMs);
    }, downProbeMs);
    // Probing alone is no reason for the process to live on.
    timer.unref();
    this.#timers.set(upstream, timer);
  }
}
