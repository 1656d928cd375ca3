/**
 * Writes the reference document's tables with what a run of `duanyun bench` measured beside them into docs/benchmark.md, between
 * the two marks there, so that no figure of the document is copied by hand.
 *
 *     npm run bench:document -- RESULTS.jsonl [--conditions "a quiet machine"] [--out docs/benchmark.md]
 *
 * The first target of the results is the device, the second the cloud.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { metricsOf } from '../../src/bench/metrics/request-metrics.ts';
import { distribution, type Distribution } from '../../src/bench/metrics/summary.ts';
import type { RequestRecord, TargetDescription } from '../../src/bench/record.ts';
import { limitNote, limitsOf, requestsOf } from '../../src/bench/report/cells.ts';
import { measuringOf } from '../../src/bench/report/cards.ts';
import { metricTable } from '../../src/bench/report/metric-table.ts';
import { modelName, warningsOf } from '../../src/bench/report/warnings.ts';
import { readResults } from '../../src/bench/results-file.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    conditions: { type: 'string', default: 'the state of the machine was not stated' },
    out: { type: 'string', default: 'docs/benchmark.md' },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error('which results? npm run bench:document -- RESULTS.jsonl');
const marks = ['<!-- measured: written by npm run bench:document -->', '<!-- measured: end -->'] as const;
const results = await readResults(file);
const [device, cloud] = results.run.targets;
if (device === undefined) throw new Error(`${file} has no target`);
const targets = [device, cloud];

const warm = (target: TargetDescription, cold: boolean, name?: string): RequestRecord[] =>
  requestsOf(results, target.name, 'scenarios', name).filter(
    (record) => record.outcome === 'ok' && record.cold === cold,
  );

function shown(value: Distribution | undefined, unit: string, digits: number): string {
  if (value === undefined) return 'not measured';
  const { interval, mean, count } = value;
  const range =
    interval === undefined ? `n = ${count}` : `${interval.low.toFixed(digits)}–${interval.high.toFixed(digits)}`;
  return `${mean.toFixed(digits)} ${unit} [${range}]`;
}

/** A row of our own table of figures, by its English name. */
const own = metricTable(results).rows;
const fromReport = (name: string, index: number): string =>
  own.find(([label]) => label?.en === name)?.[index + 1]?.en ?? 'not measured';

function each(read: (target: TargetDescription, index: number) => string): string {
  return targets.map((target, index) => (target === undefined ? 'not measured' : read(target, index))).join(' | ');
}

function scenarioCell(target: TargetDescription, name: string, isCold: boolean): string {
  const found = distribution(warm(target, isCold, name).map(({ endMs }) => endMs / 1000));
  if (found !== undefined) return `${found.mean.toFixed(1)} s`;
  const told = results.notes.find((note) => note.target === target.name && note.case === name);
  return told?.kind === 'unsupported' ? 'not supported by this model' : 'not measured: the time was over';
}

const ttft = (isCold: boolean) => (target: TargetDescription) =>
  shown(distribution(warm(target, isCold).flatMap((record) => metricsOf(record).ttftMs ?? [])), 'ms', 0);
const environment = (name: string) => (target: TargetDescription) => {
  const fact = target.environment[name];
  if (fact === undefined) return '–';
  return fact.value === 'unavailable' ? `unavailable: ${fact.reason}` : fact.value;
};
const models = (target: TargetDescription): string => {
  const answered = results.requests.find((record) => record.target === target.name && record.model !== undefined);
  return modelName(answered?.model ?? target.model);
};

const environmentRows: [string, string, string, (target: TargetDescription) => string][] = [
  ['device', 'Xiaomi 14 Pro (Snapdragon 8 Gen 3)', 'AWS p4d.24xlarge (8 × A100 40 GB)', environment('processor')],
  ['instruction sets', '–', '–', environment('instruction sets')],
  [
    'memory',
    '12 GB LPDDR5X',
    '96 GB DDR4',
    (target) => `${environment('memory')(target)}; kind ${environment('memory kind')(target)}`,
  ],
  ['storage', '512 GB UFS 4.0', '1 TB NVMe SSD', environment('storage')],
  ['network', '5G, Wi-Fi 6E', '10 Gbps internal', environment('network')],
  ['operating system', 'Android 14', 'Ubuntu 20.04 LTS', environment('operating system')],
  ['deployment', 'model inside the app', 'Docker, FastAPI, vLLM', environment('deployment')],
  ['model', 'AutoGLM-Phone-9B', 'AutoGLM-Phone-9B', models],
  ['quantisation', 'INT8 and FP16', 'FP16', environment('quantisation')],
];
const figureRows: [string, string, string, (target: TargetDescription, index: number) => string][] = [
  ['TTFT, cold', '820 ms', '310 ms', ttft(true)],
  ['TTFT, warm', '–', '–', ttft(false)],
  ['TPS', '16.3 tokens/s', '42.7 tokens/s', (_, index) => fromReport('Decode speed (TPS)', index)],
  ['memory, at rest / peak', '5.8 GB', '18.2 GB', (_, index) => fromReport('Memory (at rest / peak)', index)],
  ['power', '2.1 W', '–', (_, index) => fromReport('Power (idle subtracted)', index)],
  ['users', '1', '≥ 50', (_, index) => fromReport('Users within the limits', index)],
  ['network', 'not needed', 'needed', (_, index) => fromReport('Needs the network', index)],
  ['privacy', 'local', 'encrypted on the way', (_, index) => fromReport('Privacy', index)],
  ['size on disk', 'about 3.5 GB', '–', (_, index) => fromReport('Size on disk (model + software)', index)],
  ['checked answers right', '–', '–', (_, index) => fromReport('Checked answers right', index)],
];
const taskRows: [string, string, string, string][] = [
  ['解释牛顿第一定律', '1.2 s', '0.6 s', 'text-question'],
  ['picture of a street', '2.8 s', '1.5 s', 'picture-description'],
  ['今天天气怎么样? spoken', '3.1 s', '1.8 s', 'spoken-question'],
  ['long-document summary', '–', '–', 'long-document'],
  ['code', '–', '–', 'code'],
  ['meeting minutes', '–', '–', 'meeting-minutes'],
];

const seconds = ((results.end?.elapsedMs ?? Number.NaN) / 1000).toFixed(0);
const counted = results.requests.filter(({ warmup }) => !warmup);
const ok = counted.filter(({ outcome }) => outcome === 'ok').length;
const head = '| document, device | document, cloud | here, device | here, cloud |\n|---|---|---|---|---|';
const rows = (list: [string, string, string, (target: TargetDescription, index: number) => string][]): string =>
  list.map(([name, theirs, cloudly, read]) => `| ${name} | ${theirs} | ${cloudly} | ${each(read)} |`).join('\n');

const text = `Measured ${results.run.startedAt.slice(0, 10)}, ${values.conditions}. ${seconds} s in all; ${ok} of ${counted.length} requests
were answered in full. None of it is AutoGLM-Phone-9B, a phone or a GPU cluster.

| environment ${head}
${rows(environmentRows)}

| figure ${head}
${rows(figureRows)}

Brackets: 95 % confidence interval of the mean. ${limitNote(limitsOf(results)).en}.

| task, end to end ${head}
${taskRows
  .map(([task, theirs, cloudly, name]) => {
    const cells = each((target) => {
      const isCold = scenarioCell(target, name, true);
      const isWarm = scenarioCell(target, name, false);
      return isCold === isWarm && !isCold.endsWith(' s') ? isCold : `cold ${isCold}, warm ${isWarm}`;
    });
    return `| ${task} | ${theirs} | ${cloudly} | ${cells} |`;
  })
  .join('\n')}

${[...warningsOf(results).map(({ en }) => `- The report warns: ${en}`), ...measuringOf(results).map((line) => `- ${line}`)].join('\n')}`;

const before = readFileSync(values.out, 'utf8');
const [begin, end] = marks.map((mark) => before.indexOf(mark)) as [number, number];
if (begin < 0 || end < begin) throw new Error(`${values.out} has not the marks ${marks.join(' and ')}`);
writeFileSync(values.out, `${before.slice(0, begin + marks[0].length)}\n\n${text}\n\n${before.slice(end)}`);
