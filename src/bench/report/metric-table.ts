/** The reference document's table of figures. */
import { metricsOf } from '../metrics/request-metrics.ts';
import { distribution, type Distribution } from '../metrics/summary.ts';
import type { RequestRecord, TargetDescription } from '../record.ts';
import type { Results } from '../results-file.ts';
import { limitNote, limitsOf, missing, ratio, requestsOf, shown, targetHeads, type Table } from './cells.ts';
import { both, same, type Text } from './texts.ts';
import { usersOf } from './users.ts';

type MetricRow = { name: Text; values: (Distribution | Text)[]; unit: string; digits: number };

/** Figures with intervals, and the ratio of the first two targets. */
export function metricTable(results: Results): Table {
  const { targets } = results.run;
  const perTarget = (find: (target: string) => Distribution | Text): (Distribution | Text)[] =>
    targets.map(({ name }) => find(name));
  const scenario = (target: string, cold: boolean): RequestRecord[] =>
    requestsOf(results, target, 'scenarios').filter((record) => record.outcome === 'ok' && record.cold === cold);
  const firstToken = (cold: boolean) => (target: string) =>
    distribution(scenario(target, cold).flatMap((record) => metricsOf(record).ttftMs ?? [])) ?? missing;
  const firstAnswers = perTarget((target) => {
    const thinking = scenario(target, false).filter(({ chunks }) => chunks.some(({ kind }) => kind === 'reasoning'));
    return distribution(thinking.flatMap((record) => metricsOf(record).firstAnswerMs ?? [])) ?? same('–');
  });
  const firstAnswerRow: MetricRow[] = firstAnswers.some((value) => 'mean' in value)
    ? [
        {
          name: both('首个答案 token（思考之后），热', 'First token of the answer, after reasoning, warm'),
          values: firstAnswers,
          unit: 'ms',
          digits: 0,
        },
      ]
    : [];
  const rows: MetricRow[] = [
    {
      name: both('首次响应延迟（TTFT），冷', 'Time to first token (TTFT), cold'),
      values: perTarget(firstToken(true)),
      unit: 'ms',
      digits: 0,
    },
    {
      name: both('首次响应延迟（TTFT），热', 'Time to first token (TTFT), warm'),
      values: perTarget(firstToken(false)),
      unit: 'ms',
      digits: 0,
    },
    {
      name: both('Token 生成速度（TPS）', 'Decode speed (TPS)'),
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
    ...firstAnswerRow,
    {
      name: both('内存占用（静止 / 峰值）', 'Memory (at rest / peak)'),
      values: perTarget((name) => memoryOf(results, name)),
      unit: '',
      digits: 0,
    },
    {
      name: both('功耗（已减空闲）', 'Power (idle subtracted)'),
      values: perTarget((name) => powerOf(results, name)),
      unit: 'W',
      digits: 1,
    },
    {
      name: both('并发支持（限值内）', 'Users within the limits'),
      values: perTarget((name) => usersOf(results, name)),
      unit: '',
      digits: 0,
    },
    {
      name: both('安装体积（模型 + 软件）', 'Size on disk (model + software)'),
      values: targets.map(({ environment }) => diskOf(environment)),
      unit: '',
      digits: 0,
    },
    {
      name: both('小测正确', 'Checked answers right'),
      values: perTarget((target) => {
        const judged = requestsOf(results, target, 'quality').filter(({ correct }) => correct !== undefined);
        return judged.length === 0
          ? missing
          : same(`${judged.filter(({ correct }) => correct).length} / ${judged.length}`);
      }),
      unit: '',
      digits: 0,
    },
    {
      name: both('网络依赖', 'Needs the network'),
      values: targets.map((target) => networkNeed(target)),
      unit: '',
      digits: 0,
    },
    {
      name: both('数据隐私', 'Privacy'),
      values: targets.map((target) => privacyOf(target)),
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
        '平均值，方括号内为 95% 置信区间（自助法）；三个以下的值没有区间。',
        'Means; in brackets the 95 % confidence interval (bootstrap), none below three values.',
      ),
      limitNote(limitsOf(results)),
    ],
  };
}

export function memoryPeakOf({ samples }: Results, target: string): number | undefined {
  const values = samples.flatMap((each) => (each.target === target ? (each.memoryBytes ?? []) : []));
  return values.length === 0 ? undefined : Math.max(...values);
}

function memoryOf(results: Results, target: string): Text {
  const rest = results.notes.find((each) => each.target === target && each.text === 'memory at rest')?.value;
  const peak = memoryPeakOf(results, target);
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
  if (rest === undefined || peak === undefined) return reasonOf(results, target, 'memory');
  return same(`${gib(rest)} / ${gib(Math.max(rest, peak))}`);
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
  return both(`不可用（${reason}）`, `unavailable (${reason})`);
}

function placeOf({ place, local }: TargetDescription): NonNullable<TargetDescription['place']> {
  return place ?? (local ? 'here' : 'elsewhere');
}

function networkNeed(target: TargetDescription): Text {
  switch (placeOf(target)) {
    case 'here':
      return both('无（本机）', 'no (this machine)');
    case 'decided':
      return both('逐个请求决定', 'decided for each request');
    case 'elsewhere':
    case 'behind-entry':
      return both('是', 'yes');
  }
}

function privacyOf(target: TargetDescription): Text {
  switch (placeOf(target)) {
    case 'here':
      return both('请求不离开本机', 'requests stay on this machine');
    case 'decided':
      return both('逐个请求决定，见回执', 'decided for each request; its receipt says');
    case 'behind-entry':
      return both('离开入口，经出口闸门', 'leaves the entry through its egress gate');
    case 'elsewhere':
      return target.url.startsWith('https:')
        ? both('离开本机，传输加密', 'leaves this machine, encrypted')
        : both('离开本机，未加密', 'leaves this machine, NOT encrypted');
  }
}

function diskOf(environment: TargetDescription['environment']): Text {
  const [model, software] = [environment['model on disk'], environment['software on disk']];
  if (model === undefined && software === undefined) return both('不可用（远端）', 'unavailable (a remote machine)');
  const parts = [model, software].map((fact) => fact?.value ?? 'unavailable');
  const reason = [model, software].find((fact) => fact?.value === 'unavailable')?.reason;
  return same(`${parts.join(' + ')}${reason === undefined ? '' : ` (${reason})`}`);
}
