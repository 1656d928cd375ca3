/** The figures that rules look at: from a run of `duanyun bench`, or those that the reference document states. */
import { summarise } from '../metrics/summary.ts';
import { requestsOf } from '../report/cells.ts';
import { loadCases, usersWithin } from '../report/users.ts';
import type { Results } from '../results-file.ts';
import type { Figures } from './advise.ts';

const stated = 'reference document, not measured here';

/** Chapter 4.2: Xiaomi 14 Pro against AWS p4d. */
export const documentFigures: Figures = {
  'edge.users': { value: 1, from: stated },
  'edge.memoryGib': { value: 5.8, from: stated },
  'edge.firstTokenMs': { value: 820, from: stated },
  'edge.tokensPerSecond': { value: 16.3, from: stated },
  'cloud.users': { value: 50, from: stated },
  'cloud.tokensPerSecond': { value: 42.7, from: stated },
  'cloud.firstTokenMs': { value: 310, from: stated },
};

/** The first target is the device, the second, if any, the cloud. */
export function measuredFigures(results: Results, file: string): Figures {
  const [edge, cloud] = results.run.targets;
  const figures: Figures = {};
  const set = (name: keyof Figures, value: number | undefined): void => {
    if (value !== undefined) figures[name] = { value, from: file };
  };
  for (const [side, target] of [['edge', edge] as const, ['cloud', cloud] as const]) {
    if (target === undefined) continue;
    const summary = summarise(requestsOf(results, target.name, 'scenarios'));
    set(`${side}.users`, usersWithin(results, target.name));
    set(`${side}.firstTokenMs`, summary.ttftMs?.p50);
    set(`${side}.tokensPerSecond`, summary.tokensPerSecond?.p50);
  }
  if (edge !== undefined) {
    const bytes = results.samples.flatMap((each) => (each.target === edge.name ? (each.memoryBytes ?? []) : []));
    if (bytes.length > 0) set('edge.memoryGib', Math.max(...bytes) / 1024 ** 3);
  }
  if (cloud !== undefined) {
    const levels = loadCases(results, cloud.name).map(
      (level) => summarise(requestsOf(results, cloud.name, 'load', level)).outputTokensPerSecond,
    );
    if (levels.length > 0) set('cloud.throughput', Math.max(...levels));
  }
  return figures;
}
