/** The receiving end: adds up reports and keeps nothing else of them, neither who sent one nor when. */
import type { StatisticsReport } from './statistics.ts';

export type StatisticsTotals = {
  reports: number;
  byTask: Record<string, number>;
  byTarget: Record<string, number>;
  byReason: Record<string, number>;
  byLatency: Record<string, number>;
};

export class StatisticsReceiver {
  readonly #totals: StatisticsTotals = { reports: 0, byTask: {}, byTarget: {}, byReason: {}, byLatency: {} };

  /** @param report checked against the closed form */
  add(report: StatisticsReport): void {
    const totals = this.#totals;
    totals.reports++;
    for (const { task, target, reason, latency, count } of report.counts) {
      totals.byTask[task] = (totals.byTask[task] ?? 0) + count;
      totals.byTarget[target] = (totals.byTarget[target] ?? 0) + count;
      totals.byReason[reason] = (totals.byReason[reason] ?? 0) + count;
      totals.byLatency[latency] = (totals.byLatency[latency] ?? 0) + count;
    }
  }

  totals(): StatisticsTotals {
    return structuredClone(this.#totals);
  }
}
