/**
 * Anonymous statistics of this device: counts of fixed words by day. Before a count leaves, noise is added to it (discrete
 * Laplace, epsilon 1 for each request counted) and small counts are left out, so that no report shows what one request
 * was. Nothing is sent unless the user has switched it on; `preview` is exactly what would be.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Receipt } from './receipts.ts';
import { cellOf, type StatisticsCell } from './statistics-cell.ts';

export type StatisticsReport = { schema: 1; day: string; counts: (StatisticsCell & { count: number })[] };

export type StatisticsOptions = {
  clock: Clock;
  log: Log;
  /** Default: memory only. */
  file?: string;
  /** 0–1. Default `Math.random`. */
  random?: () => number;
  /** Smaller noise says more. Default 1. */
  epsilon?: number;
  /** Counts below this are left out. Default 10. */
  minimumCount?: number;
};

/** The noise of a count is drawn once for the day: drawing it anew would let it be averaged away. */
type Counted = { cell: StatisticsCell; count: number; noise: number };
type Day = { day: string; cells: Record<string, Counted> };

const saveEveryMs = 10_000;

export class Statistics {
  readonly #options: Required<Omit<StatisticsOptions, 'file'>> & { file: string | undefined };
  #today: Day;
  /** Whole days that were not sent yet. */
  #past: Day[] = [];
  #savedMs: number;

  constructor(options: StatisticsOptions) {
    this.#options = { random: Math.random, epsilon: 1, minimumCount: 10, file: undefined, ...options };
    this.#today = { day: this.#day(), cells: {} };
    this.#savedMs = options.clock.now();
    this.#load();
  }

  add(receipt: Receipt): void {
    this.#turn();
    const cell = cellOf(receipt);
    const key = Object.values(cell).join('|');
    const counted = (this.#today.cells[key] ??= { cell, count: 0, noise: this.#noise() });
    counted.count++;
    if (this.#options.clock.now() - this.#savedMs >= saveEveryMs) this.save();
  }

  /** What would be sent for today if the day ended now. */
  preview(): StatisticsReport {
    this.#turn();
    return this.#report(this.#today);
  }

  /** The reports of days that are over; `sent` says that they arrived. */
  due(): StatisticsReport[] {
    this.#turn();
    return this.#past.map((day) => this.#report(day)).filter(({ counts }) => counts.length > 0);
  }

  sent(day: string): void {
    this.#past = this.#past.filter((past) => past.day !== day);
    this.save();
  }

  save(): void {
    const { file, log, clock } = this.#options;
    this.#savedMs = clock.now();
    if (file === undefined) return;
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ today: this.#today, past: this.#past }), { mode: 0o600 });
    } catch (error) {
      log.warn({ detail: String(error) }, 'statistics not saved');
    }
  }

  #report({ day, cells }: Day): StatisticsReport {
    const counts: StatisticsReport['counts'] = [];
    for (const { cell, count, noise } of Object.values(cells)) {
      const shown = count + noise;
      if (shown >= this.#options.minimumCount) counts.push({ ...cell, count: shown });
    }
    return { schema: 1, day, counts };
  }

  #turn(): void {
    const day = this.#day();
    if (day === this.#today.day) return;
    if (Object.keys(this.#today.cells).length > 0) this.#past.push(this.#today);
    // A week that could not be sent is not worth keeping.
    this.#past = this.#past.slice(-7);
    this.#today = { day, cells: {} };
  }

  #day(): string {
    return new Date(this.#options.clock.wallTime()).toISOString().slice(0, 10);
  }

  /** The difference of two geometric numbers: P(n) ∝ e^(−epsilon·|n|). */
  #noise(): number {
    const ratio = Math.exp(-this.#options.epsilon);
    const geometric = (): number => Math.floor(Math.log(1 - this.#options.random()) / Math.log(ratio));
    return geometric() - geometric();
  }

  #load(): void {
    const { file } = this.#options;
    if (file === undefined) return;
    try {
      const saved = JSON.parse(readFileSync(file, 'utf8')) as { today: Day; past: Day[] };
      this.#today = saved.today;
      this.#past = saved.past;
    } catch {
      // There is none yet, or it was damaged: a day's counts are lost, which nobody misses.
    }
  }
}
