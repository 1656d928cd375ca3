import type { Clock } from '../core/clock.ts';
import type { TokenUsage } from '../core/events.ts';
import type { Policy } from '../routing/policy.ts';

const dayMs = 86_400_000;

/** What the cloud has cost since midnight UTC, in the policy's currency. Starts at 0 with the process. */
export class Spending {
  readonly #clock: Clock;
  #day = -1;
  #amount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get today(): number {
    this.#turn();
    return this.#amount;
  }

  /** @returns the cost of this answer */
  add(usage: TokenUsage, model: string, policy: Policy): number {
    this.#turn();
    const price = policy.prices.models[model] ?? policy.prices.cloud;
    const cost =
      (usage.promptTokens * price.input_per_million + usage.completionTokens * price.output_per_million) / 1_000_000;
    this.#amount += cost;
    return cost;
  }

  #turn(): void {
    const day = Math.floor(this.#clock.wallTime() / dayMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#amount = 0;
  }
}
