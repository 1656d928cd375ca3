import { summarise, type Distribution } from '../metrics/summary.ts';
import type { Results } from '../results-file.ts';
import { limitNote, limitsOf, requestsOf, type Table } from './cells.ts';
import { both, same, type Text } from './texts.ts';
import { loadCases } from './users.ts';

export function loadTables(results: Results): Table[] {
  const limits = limitsOf(results);
  const milliseconds = (value: Distribution | undefined, key: 'p50' | 'p99'): Text =>
    value === undefined ? same('–') : same(value[key].toFixed(0));
  return results.run.targets.map(({ name }) => ({
    title: both(`负载：${name}`, `Load: ${name}`),
    head: [
      '',
      'ok / all',
      'tok/s',
      'req/s',
      'goodput req/s',
      'TTFT p50 ms',
      'TTFT p99 ms',
      'TPOT p50 ms',
      'ITL p99 ms',
      'E2EL p99 ms',
    ].map(same),
    rows: loadCases(results, name).map((level) => {
      const summary = summarise(requestsOf(results, name, 'load', level), limits);
      return [
        same(level),
        same(`${summary.outcomes.ok ?? 0} / ${summary.requests}`),
        same(summary.outputTokensPerSecond.toFixed(1)),
        same(summary.requestsPerSecond.toFixed(2)),
        same(summary.goodput.toFixed(2)),
        milliseconds(summary.ttftMs, 'p50'),
        milliseconds(summary.ttftMs, 'p99'),
        milliseconds(summary.tpotMs, 'p50'),
        milliseconds(summary.itlMs, 'p99'),
        milliseconds(summary.e2elMs, 'p99'),
      ];
    }),
    notes: [limitNote(limits)],
  }));
}
