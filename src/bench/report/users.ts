/** How many users a target serves within the limits. */
import { isWithin } from '../metrics/request-metrics.ts';
import type { Results } from '../results-file.ts';
import { withinShare } from '../suites/load.ts';
import { limitsOf, missing, requestsOf } from './cells.ts';
import { both, same, type Text } from './texts.ts';

export function loadCases(results: Results, target: string): string[] {
  return [...new Set(requestsOf(results, target, 'load').map((record) => record.case))];
}

/** @returns the highest level with enough requests within the limits, every lower one included */
export function usersWithin(results: Results, target: string): number | undefined {
  const limits = limitsOf(results);
  let users: number | undefined;
  for (const name of loadCases(results, target).filter((each) => each.startsWith('concurrency'))) {
    // A request that ran out of the benchmark's own time says nothing of the server.
    const counted = requestsOf(results, target, 'load', name).filter(
      ({ warmup, outcome }) => !warmup && outcome !== 'interrupted',
    );
    if (counted.length === 0) continue;
    const within = counted.filter((record) => isWithin(record, limits)).length;
    if (within / counted.length < withinShare) return users ?? 0;
    users = Number(name.split(' ')[1]);
  }
  return users;
}

export function usersOf(results: Results, target: string): Text {
  const users = usersWithin(results, target);
  if (users === undefined) return missing;
  const tried = loadCases(results, target)
    .findLast((name) => name.startsWith('concurrency'))
    ?.split(' ')[1];
  return String(users) === tried
    ? both(`≥ ${users}（测到 ${tried}）`, `≥ ${users} (tried up to ${tried})`)
    : same(String(users));
}
