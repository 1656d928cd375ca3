/** The report's tables, language and form still open. The first two and the scenarios are the reference document's. */
import { z } from 'zod';
import { isWithin, metricsOf, type Limits } from '../metrics/request-metrics.ts';
import { meanRatio } from '../metrics/statistics.ts';
import { distribution, summarise, type Distribution, type Summary } from '../metrics/summary.ts';
import type { RequestRecord } from '../record.ts';
import type { Results } from '../results-file.ts';
import { withinShare } from '../suites/load.ts';
import { scenarios } from '../suites/scenarios.ts';
import { both, factName, same, scenarioName, type Text } from './texts.ts';

const limitsSchema = z
  .object({
    ttftMs: z.number().exactOptional(),
    tpotMs: z.number().exactOptional(),
    e2elMs: z.number().exactOptional(),
  })
  .catch({});

export type Table = { title: Text; head: Text[]; rows: Text[][]; notes: Text[] };

export function limitsOf({ run }: Results): Limits {
  return limitsSchema.parse(run.options['limits'] ?? {});
}

export function requestsOf(results: Results, target: string, suite: string, name?: string): RequestRecord[] {
  return results.requests.filter(
    (record) => record.target === target && record.suite === suite && (name === undefined || record.case === name),
  );
}

export function tablesOf(results: Results): Table[] {
  return [environmentTable(results), metricTable(results), scenarioTable(results), ...loadTables(results)]
    .concat(qualityTable(results), outcomeTable(results))
    .filter(({ rows }) => rows.length > 0);
}

function targetHeads({ run }: Results): Text[] {
  return run.targets.map(({ name }) => same(name));
}

function environmentTable(results: Results): Table {
  const { targets, version, revision, startedAt } = results.run;
  const names = [...new Set(targets.flatMap(({ environment }) => Object.keys(environment)))];
  const models = targets.map(({ name, model }) => {
    const answered = new Set(
      results.requests.filter(({ target }) => target === name).flatMap((each) => each.model ?? []),
    );
    const others = [...answered].filter((id) => id !== model).map((id) => `→ ${id}`);
    return same([model].concat(others).join(' '));
  });
  const rows = names.map((name) =>
    [factName(name)].concat(
      targets.map(({ environment }) => {
        const fact = environment[name];
        if (fact === undefined) return same('–');
        return same(fact.reason === undefined ? fact.value : `${fact.value} (${fact.reason})`);
      }),
    ),
  );
  const address = [both('地址', 'address'), ...targets.map(({ url }) => same(url))];
  return {
    title: both('测试环境配置', 'Environment'),
    head: [both('维度', 'Item'), ...targetHeads(results)],
    rows: [address, [factName('model'), ...models], ...rows],
    notes: [same(`duanyun ${version}${revision === undefined ? '' : `, git ${revision}`}, ${startedAt}`)],
  };
}

type MetricRow = { name: Text; values: (Distribution | Text)[]; unit: string; digits: number };

/** Figures with intervals, and the ratio of the first two targets. */
function metricTable(results: Results): Table {
  const { targets } = results.run;
  const perTarget = (find: (target: string) => Distribution | Text): (Distribution | Text)[] =>
    targets.map(({ name }) => find(name));
  const scenario = (target: string, cold: boolean): RequestRecord[] =>
    requestsOf(results, target, 'scenarios').filter((record) => record.outcome === 'ok' && record.cold === cold);
  const firstToken = (cold: boolean) => (target: string) =>
    distribution(scenario(target, cold).flatMap((record) => metricsOf(record).ttftMs ?? [])) ?? missing;
  const rows: MetricRow[] = [
    {
      name: both('首次响应延迟(TTFT),冷', 'Time to first token (TTFT), cold'),
      values: perTarget(firstToken(true)),
      unit: 'ms',
      digits: 0,
    },
    {
      name: both('首次响应延迟(TTFT),热', 'Time to first token (TTFT), warm'),
      values: perTarget(firstToken(false)),
      unit: 'ms',
      digits: 0,
    },
    {
      name: both('Token 生成速度(TPS)', 'Decode speed (TPS)'),
      values: perTarget(
        (target) =>
          distribution(
            [...scenario(target, true), ...scenario(target, false), ...requestsOf(results, target, 'sustained')]
              .filter(({ outcome }) => outcome === 'ok')
              .flatMap((record) => metricsOf(record).tokensPerSecond ?? []),
          ) ?? missing,
      ),
      unit: 'tokens/s',
      digits: 1,
    },
    {
      name: both('内存占用(静止 / 峰值)', 'Memory (at rest / peak)'),
      values: perTarget((name) => memoryOf(results, name)),
      unit: '',
      digits: 0,
    },
    {
      name: both('功耗(已减空闲)', 'Power (idle subtracted)'),
      values: perTarget((name) => powerOf(results, name)),
      unit: 'W',
      digits: 1,
    },
    {
      name: both('并发支持(限值内)', 'Users within the limits'),
      values: perTarget((name) => usersOf(results, name)),
      unit: '',
      digits: 0,
    },
    {
      name: both('网络依赖', 'Needs the network'),
      values: targets.map(({ local }) => (local ? both('无(本机)', 'no (this machine)') : both('是', 'yes'))),
      unit: '',
      digits: 0,
    },
    {
      name: both('数据隐私', 'Privacy'),
      values: targets.map(({ local, url }) =>
        local
          ? both('请求不离开本机', 'requests stay on this machine')
          : url.startsWith('https:')
            ? both('离开本机,传输加密', 'leaves this machine, encrypted')
            : both('离开本机,未加密', 'leaves this machine, NOT encrypted'),
      ),
      unit: '',
      digits: 0,
    },
  ];
  const [first, second] = targets;
  const hasRatio = first !== undefined && second !== undefined;
  return {
    title: both('性能指标对比', 'Figures'),
    head: [
      both('指标', 'Figure'),
      ...targetHeads(results),
      ...(hasRatio ? [both(`比值 ${first.name} ÷ ${second.name}`, `Ratio ${first.name} ÷ ${second.name}`)] : []),
    ],
    rows: rows.map((row) =>
      [row.name].concat(
        row.values.map((value) => ('mean' in value ? shown(value, row.unit, row.digits) : value)),
        hasRatio ? [ratio(row.values[0], row.values[1])] : [],
      ),
    ),
    notes: [
      both(
        '平均值,方括号内为 95% 置信区间(自助法);三个以下的值没有区间。',
        'Means; in brackets the 95 % confidence interval (bootstrap), none below three values.',
      ),
      limitNote(limitsOf(results)),
    ],
  };
}

const missing = both('未测得', 'not measured');

function scenarioTable(results: Results): Table {
  const { targets } = results.run;
  const [first, second] = targets;
  const hasRatio = first !== undefined && second !== undefined;
  const measure = (target: string, name: string, cold: boolean): Distribution | Text => {
    const records = requestsOf(results, target, 'scenarios', name).filter((record) => record.cold === cold);
    const good = records.filter(({ outcome }) => outcome === 'ok').map(({ endMs }) => endMs);
    const found = distribution(good);
    if (found !== undefined) return found;
    const told = results.notes.find((each) => each.target === target && each.case === name);
    if (told?.kind === 'unsupported') return both('不支持', 'not supported');
    if (told !== undefined) return both(`未测:${told.text}`, `not measured: ${told.text}`);
    return records.length === 0 ? missing : same([...new Set(records.map(({ outcome }) => outcome))].join(', '));
  };
  const rows = scenarios.flatMap(({ name }) =>
    [true, false].map((cold) => {
      const values = targets.map((target) => measure(target.name, name, cold));
      const label = scenarioName(name);
      return [cold ? both(`${label.zh},冷`, `${label.en}, cold`) : both(`${label.zh},热`, `${label.en}, warm`)].concat(
        values.map((value) => ('mean' in value ? shown(value, 'ms', 0) : value)),
        hasRatio ? [ratio(values[0], values[1])] : [],
      );
    }),
  );
  return {
    title: both('典型场景端到端耗时', 'Scenarios, end to end'),
    head: [both('任务', 'Task'), ...targetHeads(results), ...(hasRatio ? [both('比值', 'Ratio')] : [])],
    rows,
    notes: [],
  };
}

export function loadCases(results: Results, target: string): string[] {
  return [...new Set(requestsOf(results, target, 'load').map((record) => record.case))];
}

function loadTables(results: Results): Table[] {
  const limits = limitsOf(results);
  const milliseconds = (value: Distribution | undefined, key: 'p50' | 'p99'): Text =>
    value === undefined ? same('–') : same(value[key].toFixed(0));
  return results.run.targets.map(({ name }) => ({
    title: both(`负载:${name}`, `Load: ${name}`),
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

function qualityTable(results: Results): Table {
  const { targets } = results.run;
  const items = [...new Set(results.requests.filter(({ suite }) => suite === 'quality').map((record) => record.case))];
  const verdict = (target: string, item: string): Text => {
    const record = requestsOf(results, target, 'quality', item).at(-1);
    if (record?.correct === undefined) return same(record?.outcome ?? '–');
    return same(`${record.correct ? '✓' : '✗'} ${(record.text ?? '').replaceAll(/\s+/g, ' ').slice(0, 40)}`);
  };
  const total = targets.map(({ name }) => {
    const judged = requestsOf(results, name, 'quality').filter(({ correct }) => correct !== undefined);
    return same(`${judged.filter(({ correct }) => correct).length} / ${judged.length}`);
  });
  return {
    title: both('正确率小测', 'Answers that can be checked'),
    head: [both('题目', 'Question'), ...targetHeads(results)],
    rows:
      items.length === 0
        ? []
        : [
            [both('正确', 'Correct'), ...total],
            ...items.map((item) => [same(item)].concat(targets.map(({ name }) => verdict(name, item)))),
          ],
    notes: [
      both(
        '题量太小,不能给模型排名;只为发现「快而错」。',
        'Far too few to rank models: they show speed bought with wrong answers.',
      ),
    ],
  };
}

function outcomeTable(results: Results): Table {
  const { targets } = results.run;
  const summaries = targets.map(({ name }) => summarise(results.requests.filter(({ target }) => target === name)));
  const names = [
    ...new Set(summaries.flatMap(({ outcomes }) => Object.keys(outcomes))),
  ] as (keyof Summary['outcomes'])[];
  return {
    title: both('请求结果', 'How the requests ended'),
    head: [both('结果', 'Outcome'), ...targetHeads(results)],
    rows: names.map((name) => [same(name)].concat(summaries.map(({ outcomes }) => same(String(outcomes[name] ?? 0))))),
    notes: [],
  };
}

/** @returns the highest level with enough requests within the limits, every lower one included */
export function usersWithin(results: Results, target: string): number | undefined {
  const limits = limitsOf(results);
  let users: number | undefined;
  for (const name of loadCases(results, target).filter((each) => each.startsWith('concurrency'))) {
    const counted = requestsOf(results, target, 'load', name).filter(({ warmup }) => !warmup);
    if (counted.length === 0) continue;
    const within = counted.filter((record) => isWithin(record, limits)).length;
    if (within / counted.length < withinShare) return users ?? 0;
    users = Number(name.split(' ')[1]);
  }
  return users;
}

function usersOf(results: Results, target: string): Text {
  const users = usersWithin(results, target);
  if (users === undefined) return missing;
  const tried = loadCases(results, target)
    .findLast((name) => name.startsWith('concurrency'))
    ?.split(' ')[1];
  return String(users) === tried
    ? both(`≥ ${users}(测到 ${tried})`, `≥ ${users} (tried up to ${tried})`)
    : same(String(users));
}

function memoryOf(results: Results, target: string): Text {
  const rest = results.notes.find((each) => each.target === target && each.text === 'memory at rest')?.value;
  const peaks = results.samples.flatMap((each) => (each.target === target ? (each.memoryBytes ?? []) : []));
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
  if (rest === undefined || peaks.length === 0) return reasonOf(results, target, 'memory');
  return same(`${gib(rest)} / ${gib(Math.max(rest, ...peaks))}`);
}

function powerOf(results: Results, target: string): Distribution | Text {
  const idle = results.notes.find((each) => each.target === target && each.text === 'power idle')?.value ?? 0;
  const watts = results.samples.flatMap((each) =>
    each.target === target && each.watts !== undefined ? [each.watts - idle] : [],
  );
  return distribution(watts) ?? reasonOf(results, target, 'power');
}

function reasonOf(results: Results, target: string, what: string): Text {
  const told = results.notes.find((each) => each.target === target && each.text.startsWith(`${what}: `));
  const reason = told?.text.slice(what.length + 2) ?? 'no sample was taken';
  return both(`不可用(${reason})`, `unavailable (${reason})`);
}

function shown(value: Distribution, unit: string, digits: number): Text {
  const { interval } = value;
  const range = interval === undefined ? '' : ` [${interval.low.toFixed(digits)}–${interval.high.toFixed(digits)}]`;
  return same(`${value.mean.toFixed(digits)} ${unit}${range}`);
}

function ratio(top: Distribution | Text | undefined, bottom: Distribution | Text | undefined): Text {
  if (top === undefined || bottom === undefined || !('mean' in top) || !('mean' in bottom)) return same('–');
  const found = meanRatio(top.values, bottom.values);
  if (found === undefined) return same('–');
  const { interval } = found;
  return same(
    `${found.ratio.toFixed(2)}${interval === undefined ? '' : ` [${interval.low.toFixed(2)}–${interval.high.toFixed(2)}]`}`,
  );
}

function limitNote({ ttftMs, tpotMs, e2elMs }: Limits): Text {
  const parts = [
    ...(ttftMs === undefined ? [] : [`TTFT ≤ ${ttftMs} ms`]),
    ...(tpotMs === undefined ? [] : [`TPOT ≤ ${tpotMs} ms`]),
    ...(e2elMs === undefined ? [] : [`E2EL ≤ ${e2elMs} ms`]),
  ].join(', ');
  return both(`限值:${parts === '' ? '无' : parts}`, `Limits: ${parts === '' ? 'none' : parts}`);
}
