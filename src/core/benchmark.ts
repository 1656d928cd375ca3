/** Runs of `duanyun bench` that a server starts against itself and keeps. `cli` implements it, `server` shows it. */

export type BenchmarkWishes = {
  /** About four minutes instead of up to two hours. */
  quick: boolean;
  suites: readonly string[];
  targets: readonly ('edge' | 'cloud')[];
};

export type BenchmarkRun = BenchmarkWishes & {
  id: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** `interrupted`: stopped, or the server ended; what was measured until then is in the report. */
  state: 'running' | 'done' | 'interrupted' | 'failed';
  /** The newest line of progress, or why it failed. */
  message: string;
  elapsedMs: number;
  /** Whether there is a report to open. */
  hasReport: boolean;
};

/** One figure of two runs side by side. */
export type BenchmarkDifference = {
  target: string;
  /** Kind of request; empty for all of them. */
  group: string;
  figure: string;
  /** First and second: milliseconds, or a share where `isShare`. */
  values: [number, number];
  isShare: boolean;
  /** Relative, or in points of a share. */
  change: number;
  /** Probability that chance alone did it. */
  p: number;
  counts: [number, number];
  verdict: string;
};

export type ReportForm = 'html' | 'markdown-en' | 'markdown-zh';

export interface BenchmarkRuns {
  /** Newest first. */
  list(): Promise<BenchmarkRun[]>;
  /** @throws `conflict` while one is running */
  start(wishes: BenchmarkWishes): Promise<BenchmarkRun>;
  /** Resolves when it has written its report. */
  stop(): Promise<void>;
  /** @throws `not_found` */
  report(id: string, form: ReportForm): Promise<Uint8Array<ArrayBuffer>>;
  /** @throws `not_found`, `invalid_request` where the two share nothing */
  compare(firstId: string, secondId: string): Promise<BenchmarkDifference[]>;
}
