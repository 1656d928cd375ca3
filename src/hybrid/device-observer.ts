/** What this process sees of the device while it works: how much is running, and how fast. */
import type { Backend } from '../core/backend.ts';
import type { StreamEvent } from '../core/events.ts';
import type { DeviceState } from '../routing/types.ts';

/** What the engine and the machine report; anything may be missing. */
export type DeviceConditions = Partial<
  Pick<DeviceState, 'running' | 'queued' | 'queueCapacity' | 'load' | 'battery' | 'thermal' | 'loadingMs'>
>;

/** Assumed until something was observed: a phone's middle. */
const usualPrefill = 100;
const usualDecode = 16;
const newestShare = 0.2;

export class DeviceObserver {
  readonly #device: Backend;
  readonly #conditions: () => DeviceConditions;
  #running = 0;
  #prefill = usualPrefill;
  #decode = usualDecode;

  constructor(device: Backend, conditions: () => DeviceConditions = () => ({})) {
    this.#device = device;
    this.#conditions = conditions;
  }

  state(): DeviceState {
    const model = this.#device.capabilities()[0];
    const conditions = this.#conditions();
    return {
      status: this.#device.health().status,
      ...(model === undefined ? {} : { model }),
      running: this.#running,
      queued: 0,
      queueCapacity: 64,
      load: 0,
      thermal: 'nominal',
      ...conditions,
      prefillTokensPerSecond: this.#prefill,
      decodeTokensPerSecond: this.#decode,
    };
  }

  /** Passes the events through and learns the speeds from the engine's own clock. */
  async *watch(events: AsyncIterable<StreamEvent>): AsyncGenerator<StreamEvent> {
    this.#running++;
    try {
      for await (const event of events) {
        if (event.type === 'usage') this.#learn(event);
        yield event;
      }
    } finally {
      this.#running--;
    }
  }

  #learn({ usage, timings }: Extract<StreamEvent, { type: 'usage' }>): void {
    const prefilled = usage.promptTokens - usage.cachedTokens;
    // A handful of tokens says more about the clock than about the speed.
    if (prefilled >= 16) this.#prefill = blend(this.#prefill, prefilled, timings.prefillMs);
    if (usage.completionTokens >= 8) this.#decode = blend(this.#decode, usage.completionTokens, timings.decodeMs);
  }
}

function blend(before: number, tokens: number, elapsedMs: number | undefined): number {
  if (elapsedMs === undefined || elapsedMs <= 0) return before;
  return before + newestShare * ((tokens / elapsedMs) * 1000 - before);
}
