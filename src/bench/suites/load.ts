/** Many users: a sweep of concurrency, Poisson arrivals below the limit found, and a burst. */
import type { ChatCall } from '../client/load-client.ts';
import { percentile } from '../metrics/statistics.ts';
import { summarise, type Summary } from '../metrics/summary.ts';
import { poissonArrivals } from './arrivals.ts';
import { loadQuestions } from './texts.ts';
import { atTimes, inTurns, note, send, type Suite, type SuiteContext } from './suite.ts';

const suite = 'load';
const levels = [1, 2, 4, 8, 16, 32, 64];
const quickLevels = [1, 2, 4, 8];
/** A level counts as within the limits when this share of its requests is. */
export const withinShare = 0.9;

export const loadSuite: Suite = {
  name: suite,
  async run(context) {
    let best: { level: number; summary: Summary } | undefined;
    let before: Summary | undefined;
    for (const level of context.quick ? quickLevels : levels) {
      if (context.signal.aborted) {
        note(context, suite, 'cut', 'the time was over before this level', { case: `concurrency ${level}` });
        continue;
      }
      const summary = await runLevel(context, level);
      // A level that was cut says nothing of what the server can do.
      if (context.signal.aborted) break;
      if (best === undefined || summary.requestsPerSecond > best.summary.requestsPerSecond) best = { level, summary };
      const reason = overSaturation(before, summary);
      if (reason !== undefined) {
        note(context, suite, 'cut', `the sweep stopped after concurrency ${level}: ${reason}`);
        break;
      }
      before = summary;
    }
    if (best === undefined || context.signal.aborted || best.summary.requestsPerSecond === 0) return;
    const count = context.quick ? 8 : 50;
    const rate = best.summary.requestsPerSecond * 0.7;
    note(context, suite, 'figure', 'requests a second of the Poisson arrivals: 70 % of the best level', {
      case: 'poisson',
      value: rate,
    });
    await atTimes(poissonArrivals(count, rate, context.seed), context.signal, (index) =>
      send(context, call(context, 'poisson', index)),
    );
    if (context.signal.aborted) return;
    const burst = Array.from({ length: context.quick ? 8 : 50 }, () => 0);
    await atTimes(burst, context.signal, (index) => send(context, call(context, 'burst', index)));
  },
};

/** Warm-ups equal to the concurrency go first. */
async function runLevel(context: SuiteContext, level: number): Promise<Summary> {
  const name = `concurrency ${level}`;
  const total = context.quick ? Math.max(4, level) : Math.max(16, level * 3);
  const { signal } = context;
  await inTurns(level, level, signal, (index) => send(context, { ...call(context, name, index), warmup: true }));
  const records = await inTurns(level, total, signal, (index) => send(context, call(context, name, level + index)));
  return summarise(records, context.limits);
}

function call({ quick }: SuiteContext, name: string, index: number): ChatCall {
  const content = `${loadQuestions[index % loadQuestions.length]} (${index + 1})`;
  return { suite, case: name, maxTokens: quick ? 24 : 64, messages: [{ role: 'user', content }] };
}

/** More users only wait longer, or are turned away. @returns why, or `undefined` while a higher level is worth a try */
export function overSaturation(before: Summary | undefined, now: Summary): string | undefined {
  const answered = now.outcomes.ok ?? 0;
  if (answered < now.requests / 2) return `only ${answered} of ${now.requests} requests were answered`;
  if (before?.ttftMs === undefined || now.ttftMs === undefined) return undefined;
  const isFlat = now.outputTokensPerSecond < before.outputTokensPerSecond * 1.05;
  const before50 = percentile(before.ttftMs.values, 50) ?? 0;
  const now50 = percentile(now.ttftMs.values, 50) ?? 0;
  return isFlat && now50 > before50 * 1.8 ? 'throughput no longer grows and the wait does' : undefined;
}
