/** Sends the reports of days that are over, through the same gate as everything else. Only made where the user opted in. */
import type { EgressGate, EgressTransport } from '../cloud/egress-gate.ts';
import type { Log } from '../core/log.ts';
import type { Statistics, StatisticsReport } from './statistics.ts';

export type StatisticsSenderOptions = {
  statistics: Statistics;
  gate: EgressGate;
  /** Address of a server that receives them. */
  url: string;
  /** Whether a report has the closed form and nothing else. */
  isClosed: (report: StatisticsReport) => boolean;
  log: Log;
};

const firstMs = 60_000;
const everyMs = 3_600_000;

export class StatisticsSender {
  readonly #options: StatisticsSenderOptions;
  readonly #transport: EgressTransport;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StatisticsSenderOptions) {
    this.#options = options;
    this.#transport = options.gate.connect({ url: options.url });
  }

  start(waitMs = firstMs): void {
    this.#timer = setTimeout(() => {
      void this.sendDue().finally(() => {
        if (!this.#abort.signal.aborted) this.start(everyMs);
      });
    }, waitMs);
    this.#timer.unref();
  }

  /** Never throws; what did not arrive is tried again. */
  async sendDue(): Promise<void> {
    const { statistics, gate, isClosed, log } = this.#options;
    for (const report of statistics.due()) {
      try {
        await gate.judge(report, () => ({ private: !isClosed(report), reasons: ['not the closed form'] }));
        const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(10_000)]);
        const response = await this.#transport.send(report, (body) => ({ path: '/stats', body }), signal);
        response.discard();
        if (response.status >= 300) throw new Error(`status ${response.status}`);
        statistics.sent(report.day);
      } catch (error) {
        log.warn({ detail: error instanceof Error ? error.message : String(error) }, 'statistics not sent');
      }
    }
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort(new Error('closing'));
    await this.#transport.dispose();
  }
}
