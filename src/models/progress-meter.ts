import type { Clock } from '../core/clock.ts';

export type Progress = { receivedBytes: number; bytesPerSecond: number; remainingSeconds: number | undefined };

/** Long enough to be calm, short enough to follow a change of mirror. */
const windowMs = 5000;
const reportEveryMs = 200;

/** Rate over the last seconds, and a limit on how often it is told. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #totalBytes: number;
  #samples: { atMs: number; bytes: number }[] = [];
  #lastReportMs = Number.NEGATIVE_INFINITY;

  constructor(totalBytes: number, clock: Clock) {
    this.#totalBytes = totalBytes;
    this.#clock = clock;
  }

  /** The progress when it is time to tell it again, or when everything is there; otherwise `undefined`. */
  update(receivedBytes: number): Progress | undefined {
    const now = this.#clock.now();
    // Bytes thrown away after a wrong hash: the rate starts anew.
    if (receivedBytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = [];
    const finished = receivedBytes >= this.#totalBytes;
    if (!finished && now - this.#lastReportMs < reportEveryMs) return undefined;
    this.#lastReportMs = now;
    this.#samples.push({ atMs: now, bytes: receivedBytes });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.atMs ?? now) > windowMs) this.#samples.shift();
    const first = this.#samples[0] ?? { atMs: now, bytes: receivedBytes };
    const elapsedMs = now - first.atMs;
    const bytesPerSecond = elapsedMs > 0 ? ((receivedBytes - first.bytes) / elapsedMs) * 1000 : 0;
    const remainingSeconds = bytesPerSecond > 0 ? (this.#totalBytes - receivedBytes) / bytesPerSecond : undefined;
    return { receivedBytes, bytesPerSecond, remainingSeconds };
  }
}
