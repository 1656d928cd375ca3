/**
 * Dynamic batching: how many tokens a step may hold, how many sequences run, and on how many threads, so that the time
 * between two tokens of a running answer stays near its target whatever the device is doing. Pure: it sees only what
 * it is told.
 */

export type ControllerOptions = {
  /** Tokens in one batch at most. */
  batchCapacity: number;
  /** Sequences at once at most. */
  maxRunning: number;
  threads: number;
  /**
   * Wanted time between two tokens of an answer, in ms. `auto`: `autoStretch` times what a step without prefill takes,
   * within 30–250 ms.
   */
  targetInterTokenMs: number | 'auto';
};

/** One finished step. */
export type StepObservation = { stepMs: number; decodeTokens: number; prefillTokens: number };

/** What the platform tells; absent fields are unknown and change nothing. */
export type DeviceLoad = {
  /** Share of all cores that other processes use, 0–1. */
  otherCpuShare?: number;
  availableMemoryBytes?: number;
  temperatureCelsius?: number;
  /** `level` 0–1. */
  battery?: { level: number; charging: boolean };
};

export type BatchLimits = {
  /** Tokens in the next batch at most, running answers included. */
  tokenBudget: number;
  maxRunning: number;
  threads: number;
  /** Why the limits are below their maximum; empty when they are not. */
  reasons: LimitReason[];
};
export type LimitReason = 'inter-token-latency' | 'cpu' | 'memory' | 'temperature' | 'battery';

/** What a scheduler asks before each step. */
export interface BatchController {
  limits(decoding: number): BatchLimits;
  observeStep(step: StepObservation): void;
  observeDevice(load: DeviceLoad): void;
}

/** Always the same limits, so that the same request is always computed in the same pieces. */
export class FixedController implements BatchController {
  readonly #limits: BatchLimits;

  constructor(limits: Omit<BatchLimits, 'reasons'>) {
    this.#limits = { ...limits, reasons: [] };
  }

  limits(): BatchLimits {
    return this.#limits;
  }

  observeStep(): void {}
  observeDevice(): void {}
}

/** A prompt alone may take this long for one step: cancelling and joining wait for the end of a step. */
const prefillStepMs = 650;
/** Native kernels work on whole groups of rows; other chunk sizes waste part of one. */
const chunkGroup = 16;
const autoStretch = 2.4;
const autoTargetRangeMs = { least: 30, most: 250 };
const smallestChunk = 8;
/** However loaded the device is, it goes on with this share of its usual pace. */
const smallestShare = 0.25;
/** Weight of the newest observation in the running averages. */
const smoothing = 0.25;
const lowMemoryBytes = 256 * 1024 * 1024;
const hotCelsius = 85;
const lowBattery = 0.2;
const busyCpuShare = 0.35;

export class LoadController implements BatchController {
  readonly #options: ControllerOptions;
  /** Time of a step that only continues answers, by the number of answers. */
  readonly #decodeStepMs = new Map<number, number>();
  #prefillTokenMs: number | undefined;
  /** Correction learnt from steps that took longer than planned, 0.2–1. */
  #caution = 1;
  #runningLimit: number;
  #device: DeviceLoad = {};

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#runningLimit = options.maxRunning;
  }

  observeStep(step: StepObservation): void {
    if (step.prefillTokens === 0) this.#observeDecode(step);
    else this.#observePrefill(step);
  }

  observeDevice(load: DeviceLoad): void {
    this.#device = load;
  }

  /** Limits for a step in which `decoding` answers go on. */
  limits(decoding: number): BatchLimits {
    const reasons = this.#deviceReasons();
    const share = this.#deviceShare(reasons);
    let maxRunning = Math.max(1, Math.round(this.#runningLimit * share));
    if (reasons.includes('memory')) maxRunning = 1;
    if (this.#runningLimit < this.#options.maxRunning) reasons.push('inter-token-latency');
    return {
      tokenBudget: Math.min(this.#options.batchCapacity, decoding + Math.round(this.#chunk(decoding) * share)),
      maxRunning,
      threads: this.#threads(),
      reasons,
    };
  }

  /** The time between tokens aimed at, in ms, while `decoding` answers go on. */
  targetMs(decoding: number): number {
    const { targetInterTokenMs } = this.#options;
    if (targetInterTokenMs !== 'auto') return targetInterTokenMs;
    const base = this.#baseMs(decoding);
    if (base === undefined) return autoTargetRangeMs.most;
    return Math.max(autoTargetRangeMs.least, Math.min(autoTargetRangeMs.most, base * autoStretch));
  }

  #observeDecode(step: StepObservation): void {
    const before = this.#decodeStepMs.get(step.decodeTokens);
    const now = before === undefined ? step.stepMs : before + smoothing * (step.stepMs - before);
    this.#decodeStepMs.set(step.decodeTokens, now);
    const { targetInterTokenMs, maxRunning } = this.#options;
    if (targetInterTokenMs === 'auto') return;
    // Answers alone are over the target: run fewer. Well under it: let one more in.
    if (now > targetInterTokenMs * 1.1 && step.decodeTokens > 1) this.#runningLimit = step.decodeTokens - 1;
    else if (now < targetInterTokenMs * 0.7 && step.decodeTokens >= this.#runningLimit) {
      this.#runningLimit = Math.min(maxRunning, this.#runningLimit + 1);
    }
  }

  #observePrefill(step: StepObservation): void {
    const base = step.decodeTokens === 0 ? 0 : (this.#baseMs(step.decodeTokens) ?? 0);
    const tokenMs = Math.max(0.01, (step.stepMs - base) / step.prefillTokens);
    this.#prefillTokenMs =
      this.#prefillTokenMs === undefined
        ? tokenMs
        : this.#prefillTokenMs + smoothing * (tokenMs - this.#prefillTokenMs);
    if (step.decodeTokens === 0) return;
    const overshoot = step.stepMs / this.targetMs(step.decodeTokens);
    if (overshoot > 1.15) this.#caution = Math.max(0.2, this.#caution * 0.85);
    else if (overshoot < 0.95) this.#caution = Math.min(1, this.#caution * 1.05);
  }

  /** Prompt tokens for the next step. */
  #chunk(decoding: number): number {
    const { batchCapacity } = this.#options;
    if (this.#prefillTokenMs === undefined) return decoding === 0 ? Math.min(64, batchCapacity) : smallestChunk * 2;
    if (decoding === 0) {
      const chunk = prefillStepMs / this.#prefillTokenMs;
      return clamp(chunk - (chunk > chunkGroup ? chunk % chunkGroup : 0), smallestChunk, batchCapacity);
    }
    const room = this.targetMs(decoding) - (this.#baseMs(decoding) ?? 0);
    return clamp((room / this.#prefillTokenMs) * this.#caution, smallestChunk, batchCapacity);
  }

  /** Measured step time for that many answers, else that of the nearest number measured. */
  #baseMs(decoding: number): number | undefined {
    let nearest: number | undefined;
    let distance = Number.POSITIVE_INFINITY;
    for (const [count, stepMs] of this.#decodeStepMs) {
      if (Math.abs(count - decoding) < distance) {
        distance = Math.abs(count - decoding);
        nearest = stepMs;
      }
    }
    return nearest;
  }

  /** Threads that wait for each other at a barrier lose far more than their share when another process holds a core. */
  #threads(): number {
    const { threads } = this.#options;
    const other = this.#device.otherCpuShare ?? 0;
    if (other < busyCpuShare) return threads;
    return Math.max(1, Math.round(threads * (1 - other)));
  }

  /** A busy processor leaves what the others do not use; each other reason halves what may be done. */
  #deviceShare(reasons: LimitReason[]): number {
    const free = reasons.includes('cpu') ? 1 - (this.#device.otherCpuShare ?? 0) : 1;
    return Math.max(smallestShare, free * 0.5 ** reasons.filter((reason) => reason !== 'cpu').length);
  }

  #deviceReasons(): LimitReason[] {
    const { otherCpuShare, availableMemoryBytes, temperatureCelsius, battery } = this.#device;
    const reasons: LimitReason[] = [];
    if (otherCpuShare !== undefined && otherCpuShare >= busyCpuShare) reasons.push('cpu');
    if (availableMemoryBytes !== undefined && availableMemoryBytes < lowMemoryBytes) reasons.push('memory');
    if (temperatureCelsius !== undefined && temperatureCelsius >= hotCelsius) reasons.push('temperature');
    if (battery !== undefined && !battery.charging && battery.level <= lowBattery) reasons.push('battery');
    return reasons;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
