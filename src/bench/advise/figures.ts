/** The figures that rules look at: from a run of `duanyun bench`, or those that the reference document states. */
import { summarise } from '../metrics/summary.ts';
import { requestsOf } from '../report/cells.ts';
import { usersWithin } from '../report/users.ts';
import type { Results } from '../results-file.ts';
import type { Figures } from './advise.ts';

const stated = 'reference document, not measured here';

/** Chapter 4.2: Xiaomi 14 Pro against AWS p4d. */
export const documentFigures: Figures = {
  'edge.users': { value: 1, from: stated },
  'edge.memoryGib': { value: 5.8, from: stated },
  'edge.firstTokenMs': { value: 820, from: stated },
  'cloud.firstTokenMs': { value: 310, from: stated },
};

/** The first target is the device, the second, if any, the cloud. */
export function measuredFigures(results: Results, file: string): Figures {
  const [edge, cloud] = results.run.targets;
  const figures: Figures = {};
  const set = (name: keyof Figures, value: number | undefined): void => {
    if (value !== undefined) figures[name] = { value, from: file };
  };
  if (edge !== undefined) {
    set('edge.users', usersWithin(results, edge.name));
    set('edge.firstTokenMs', summarise(requestsOf(results, edge.name, 'scenarios')).ttftMs?.p50);
    const bytes = results.samples.flatMap((each) => (each.target === edge.name ? (each.memoryBytes ?? []) : []));
    if (bytes.length > 0) set('edge.memoryGib', Math.max(...bytes) / 1024 ** 3);
  }
  if (cloud !== undefined) {
    set('cloud.firstTokenMs', summarise(requestsOf(results, cloud.name, 'scenarios')).ttftMs?.p50);
  }
  return figures;
}
