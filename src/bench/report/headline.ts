/** What a reader should know before any table: one line for each figure in which two targets differ by more than chance. */
import { metricsOf, type RequestMetrics } from '../metrics/request-metrics.ts';
import { meanRatio } from '../metrics/statistics.ts';
import type { RequestRecord } from '../record.ts';
import type { Results } from '../results-file.ts';
import { requestsOf } from './cells.ts';
import { both, scenarioName, type Text } from './texts.ts';
import { usersWithin } from './users.ts';
import { scenarios } from '../suites/scenarios.ts';

/** Of the first two targets; none where there is one. */
export function headlineOf(results: Results): Text[] {
  const [first, second] = results.run.targets;
  if (first === undefined || second === undefined) return [];
  const names: [string, string] = [first.name, second.name];
  const warm = (target: string): RequestRecord[] =>
    requestsOf(results, target, 'scenarios').filter(({ outcome, cold }) => outcome === 'ok' && cold === false);
  const shared = new Set(
    scenarios
      .map(({ name }) => name)
      .filter((name) => names.every((target) => warm(target).some((record) => record.case === name))),
  );
  const values = (read: (metrics: RequestMetrics) => number | undefined): [number[], number[]] =>
    names.map((target) =>
      warm(target)
        .filter((record) => shared.has(record.case))
        .flatMap((record) => read(metricsOf(record)) ?? []),
    ) as [number[], number[]];
  return [
    quicker(
      names,
      values(({ ttftMs }) => ttftMs),
      both('首个 token', 'the first token comes'),
    ),
    faster(
      names,
      values(({ tokensPerSecond }) => tokensPerSecond),
    ),
    quicker(
      names,
      values(({ e2elMs }) => e2elMs),
      both('整个回答', 'the whole answer comes'),
    ),
    usersLine(results, names),
    correctLine(results, names),
    missingLine(results, names),
  ].filter((line) => line !== undefined);
}

function quicker(names: [string, string], [a, b]: [number[], number[]], what: Text): Text | undefined {
  const found = meanRatio(a, b);
  if (found?.interval === undefined) return undefined;
  const { ratio, interval } = found;
  if (interval.low <= 1 && interval.high >= 1) {
    return both(`${what.zh}：两侧没有可靠差别`, `${what.en} equally soon on both, as far as can be told`);
  }
  const [ahead, behind] = ratio < 1 ? names : names.toReversed();
  const times = Math.max(ratio, 1 / ratio).toFixed(1);
  return both(
    `${what.zh}:${ahead} 只用 ${behind} 的 1/${times} 时间`,
    `${what.en} ${times} times as soon from ${ahead} as from ${behind}`,
  );
}

function faster(names: [string, string], [a, b]: [number[], number[]]): Text | undefined {
  const found = meanRatio(a, b);
  if (found?.interval === undefined) return undefined;
  const { ratio, interval } = found;
  if (interval.low <= 1 && interval.high >= 1) {
    return both('生成速度：两侧没有可靠差别', 'both write equally fast, as far as can be told');
  }
  const [ahead, behind] = ratio > 1 ? names : names.toReversed();
  const times = Math.max(ratio, 1 / ratio).toFixed(1);
  return both(`生成速度：${ahead} 是 ${behind} 的 ${times} 倍`, `${ahead} writes ${times} times as fast as ${behind}`);
}

function usersLine(results: Results, names: [string, string]): Text | undefined {
  const [a, b] = names.map((name) => usersWithin(results, name));
  if (a === undefined || b === undefined) return undefined;
  return both(
    `限值内可同时服务：${names[0]} ${a} 人，${names[1]} ${b} 人`,
    `users at once within the limits: ${a} on ${names[0]}, ${b} on ${names[1]}`,
  );
}

function correctLine(results: Results, names: [string, string]): Text | undefined {
  const parts = names.map((name) => {
    const judged = requestsOf(results, name, 'quality').filter(({ correct }) => correct !== undefined);
    return { name, good: judged.filter(({ correct }) => correct).length, all: judged.length };
  });
  if (parts.some(({ all }) => all === 0)) return undefined;
  const list = parts.map(({ name, good, all }) => `${name} ${good}/${all}`).join(', ');
  return both(`小测答对：${list}`, `checked answers right: ${list}`);
}

function missingLine(results: Results, names: [string, string]): Text | undefined {
  const lacks = results.notes.filter(
    ({ kind, target, case: name }) => kind === 'unsupported' && name !== undefined && names.includes(target ?? ''),
  );
  if (lacks.length === 0) return undefined;
  const list = (language: 'zh' | 'en'): string =>
    lacks.map(({ target, case: name }) => `${target}: ${scenarioName(name ?? '')[language]}`).join('; ');
  return both(`做不到的任务：${list('zh')}`, `tasks that are not supported: ${list('en')}`);
}
