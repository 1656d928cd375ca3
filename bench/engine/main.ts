/**
 * `npm run bench:engine`: the engine against a bare loop over the same native calls and against another binding, side
 * by side in one run. All contenders stay loaded and take turns, so that what else the machine does hits all alike.
 */
import { parseArgs } from 'node:util';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeModel } from '../../src/engine/native/model.ts';
import { Contender } from './contender.ts';
import { EngineDriver } from './engine-driver.ts';
import { createBackend } from './create-backend.ts';
import { findModel } from './find-model.ts';
import { installNodeLlamaCpp } from './install-competitor.ts';
import { residentBytes } from './memory.ts';
import { median, textPrompt } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['qwen2.5-coder-0.5b', 'qwen2.5-coder-1.5b'] },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(Math.min(8, os.availableParallelism())) },
    'without-competitor': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench:engine -- [--model ID ...] [--rounds 5] [--threads N] [--without-competitor] [--json]

Compares, side by side in one run: the engine, a bare loop over the same native calls, and node-llama-cpp.
Prints the median of the rounds and, in brackets, the smallest and the largest.`;

type Row = { what: string; reach: string; value: number; least: number; most: number; unit: string; note: string };

const megabyte = 1024 * 1024;
const rounds = Number(flags.rounds);
const threads = Number(flags.threads);
/** As `duanyun serve` has them: 8,192 tokens a request, twice that in the shared cache. */
const contextTokens = 8_192;
const cells = 2 * contextTokens;
let promptNumber = 1;
const nextNumber = () => (promptNumber += 16);

if (flags.help) {
  process.stdout.write(`${usage}\n`);
} else {
  for (const id of flags.model) await benchModel(id);
}

async function benchModel(id: string): Promise<void> {
  const { entry, weightsPath, sizeBytes } = await findModel(id);
  progress(`${id}: loading`);
  const backend = createBackend({ entry, weightsPath }, { threads, contextTokens, cells, maxCachedSequences: 32 });
  const startedAt = performance.now();
  await backend.start(AbortSignal.timeout(120_000));
  const readyMs = performance.now() - startedAt;
  const readyBytes = residentBytes(backend.pid);
  const tokenizer = await NativeModel.load({ path: weightsPath, gpuLayers: 0, vocabularyOnly: true });
  const engine = new EngineDriver(backend, tokenizer, entry.id);
  const bare = await Contender.start('bare-loop', [weightsPath, String(threads), String(cells), '40']);
  const other = flags['without-competitor'] ? undefined : await startOther(weightsPath);

  const rows: Row[] = [];
  const series = new Map<string, number[]>();
  const note = (name: string, value: number) => series.set(name, [...(series.get(name) ?? []), value]);
  const speed = (result: { tokens: number; milliseconds: number }) => (result.tokens * 1_000) / result.milliseconds;
  // The engine backs off when others compute; it has to see that the last contender is done.
  const settle = () => sleep(2_500);
  for (let round = 0; round < rounds; round++) {
    progress(`${id}: round ${round + 1} of ${rounds}`);
    const number = nextNumber();
    note('decode bare', speed(await bare.measure({ kind: 'generate', streams: 1, tokens: 96, number })));
    await settle();
    note('decode engine', speed(await engine.generate(1, 96, number)));
    if (other) note('decode other', speed(await other.measure({ kind: 'generate', streams: 1, tokens: 96, number })));
    note('prefill bare', speed(await bare.measure({ kind: 'prefill', tokens: 512, number })));
    await settle();
    note('prefill engine', speed(await engine.prefill(512, number)));
    if (other) note('prefill other', speed(await other.measure({ kind: 'prefill', tokens: 512, number })));
    note('eight bare', speed(await bare.measure({ kind: 'generate', streams: 8, tokens: 96, number })));
    await settle();
    note('eight engine', speed(await engine.generate(8, 96, number)));
    const cold = await engine.firstTokenMs(textPrompt(tokenizer, 1_000, number));
    const warm = await engine.firstTokenMs([...textPrompt(tokenizer, 1_000, number), ...textPrompt(tokenizer, 8, 3)]);
    note('cached prefix', warm / cold);
    const alone = await engine.interTokenMs(4, 48, nextNumber());
    const beside = await engine.interTokenMs(4, 48, nextNumber(), textPrompt(tokenizer, 2_000, nextNumber()));
    note('inter-token p95 alone', alone);
    note('inter-token p95 beside a prompt', beside);
    note('inter-token stretch', beside / alone);
  }
  progress(`${id}: 50 requests at once`);
  const fifty = await engine.atOnce(50, 24, nextNumber());
  const peakBytes = residentBytes(backend.pid);

  const ratio = (what: string, reach: string, top: string, bottom: string) => {
    const ratios = (series.get(top) ?? []).map((value, index) => value / (series.get(bottom)?.[index] ?? Number.NaN));
    if (ratios.length === 0 || ratios.some(Number.isNaN)) return;
    const text = `${format(median(series.get(top) ?? []))} against ${format(median(series.get(bottom) ?? []))} tokens/s`;
    rows.push({ what, reach, value: median(ratios), ...range(ratios), unit: '×', note: text });
  };
  const single = (what: string, reach: string, name: string, unit: string, text = '') => {
    const values = series.get(name) ?? [];
    rows.push({ what, reach, value: median(values), ...range(values), unit, note: text });
  };
  const small = id.includes('0.5b');
  ratio('decode, 1 stream, against the bare loop', '≥ 0.97', 'decode engine', 'decode bare');
  ratio('decode, 1 stream, against node-llama-cpp', small ? '≥ 1.4' : '≥ 1.05', 'decode engine', 'decode other');
  ratio('prefill of 512, against the bare loop', '–', 'prefill engine', 'prefill bare');
  ratio('prefill of 512, against node-llama-cpp', small ? '≥ 0.9' : '≥ 1.0', 'prefill engine', 'prefill other');
  ratio('8 streams, against the bare batch of 8', '≥ 0.95', 'eight engine', 'eight bare');
  single('first token with 1,000 cached, against cold', '≤ 0.15', 'cached prefix', '×');
  const stretch = `p95 ${format(median(series.get('inter-token p95 beside a prompt') ?? []))} ms against ${format(median(series.get('inter-token p95 alone') ?? []))} ms`;
  single('inter-token p95 of 4 streams beside a 2,000-token prompt', '≤ 3', 'inter-token stretch', '×', stretch);
  const one = (what: string, reach: string, value: number, unit: string, text: string) =>
    rows.push({ what, reach, value, least: value, most: value, unit, note: text });
  one('start to ready, weights on disk', small ? '≤ 3' : '–', readyMs / 1_000, 's', '');
  const cacheBytes = cells * cacheBytesPerToken(tokenizer);
  const base = sizeBytes + cacheBytes;
  one(
    'resident memory against file + KV, after loading',
    '≤ 1.3',
    readyBytes / base,
    '×',
    `${mib(readyBytes)} against ${mib(sizeBytes)} + ${mib(cacheBytes)} MiB`,
  );
  one('resident memory against file + KV, after the run', '≤ 1.3', peakBytes / base, '×', `${mib(peakBytes)} MiB`);
  one(
    '50 requests at once: failed',
    '0',
    fifty.failed,
    '',
    `finished after ${fifty.finishedMs.map((ms) => (ms / 1_000).toFixed(1)).join(' … ')} s (first, median, last)`,
  );
  await bare.stop();
  await other?.stop();
  await backend.dispose();
  tokenizer.dispose();
  report(id, rows);
}

/** f16 keys and values of all layers. */
function cacheBytesPerToken(model: NativeModel): number {
  const architecture = model.metadata('general.architecture') ?? '';
  const read = (key: string) => Number(model.metadata(`${architecture}.${key}`));
  const headSize = Number(
    model.metadata(`${architecture}.attention.key_length`) ?? read('embedding_length') / read('attention.head_count'),
  );
  return read('block_count') * read('attention.head_count_kv') * headSize * 2 * 2;
}

async function startOther(weightsPath: string): Promise<Contender | undefined> {
  const installed = await installNodeLlamaCpp();
  if ('reason' in installed) {
    progress(`node-llama-cpp is left out: ${installed.reason}`);
    return undefined;
  }
  return Contender.start('node-llama-cpp-loop', [weightsPath, String(threads), installed.entryFile]);
}

function report(id: string, rows: Row[]): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ model: id, rounds, threads, cpu: os.cpus()[0]?.model, rows })}\n`);
    return;
  }
  const lines = rows.map((row) => {
    const spread = row.least === row.most ? '' : ` [${format(row.least)}–${format(row.most)}]`;
    return `| ${row.what} | ${row.reach} | ${format(row.value)}${row.unit}${spread} | ${row.note} |`;
  });
  process.stdout.write(
    `\n## ${id}: ${os.cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, median of ${rounds} [smallest–largest]\n\n| what | reach | measured | |\n|---|---|---|---|\n${lines.join('\n')}\n`,
  );
}

function range(values: number[]): { least: number; most: number } {
  return { least: Math.min(...values), most: Math.max(...values) };
}

function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function mib(bytes: number): number {
  return Math.round(bytes / megabyte);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
