import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidArgumentError, type Command } from 'commander';
import { makeError } from '../../core/errors.ts';
import type { Target } from '../../bench/client/load-client.ts';
import { listModels } from '../../bench/environment/describe-target.ts';
import { writeReport } from '../../bench/report/write-report.ts';
import { runBench, suites } from '../../bench/run-bench.ts';
import { loadMaterial } from '../../bench/suites/material.ts';
import { addSettings, configOf } from '../command-options.ts';
import { exitCodeOf, watchInterrupts } from '../interrupts.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';
import { addCompareCommand } from './bench-compare.ts';
import { addReportCommand } from './bench-report.ts';

type BenchFlags = {
  target: string[];
  fact: string[];
  quick?: true;
  out: string;
  suites: string;
  limitTtft: number;
  limitTpot: number;
  limitE2el?: number;
  seed: number;
  budgetSeconds?: number;
  timeoutSeconds: number;
  picture?: string;
  audio?: string;
};

const collect = (value: string, before: string[]): string[] => before.concat(value);
const quickBudgetSeconds = 270;
const fullBudgetSeconds = 7200;

export function addBenchCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('bench')
    .description('Measure OpenAI-compatible servers side by side and write a report.')
    .option(
      '--target <target>',
      'What to measure, given once or more: `edge` or `cloud` of the running server, or NAME=URL[#MODEL]. Default: edge, and cloud where the server has one.',
      collect,
      [],
    )
    .option('--quick', 'About four minutes in all instead of up to two hours.')
    .option('--out <folder>', 'Where the report goes.', 'bench-report')
    .option('--suites <names>', 'Which, separated by commas.', suites.map(({ name }) => name).join(','))
    .option('--limit-ttft <ms>', 'Longest wait for the first token that still counts as good.', positive, 2000)
    .option('--limit-tpot <ms>', 'Longest time for each further token that still counts as good.', positive, 200)
    .option('--limit-e2el <ms>', 'Longest time for a whole answer that still counts as good.', positive)
    .option('--seed <number>', 'For arrival times.', positive, 1)
    .option('--budget-seconds <seconds>', 'Time for everything; what does not fit is marked as cut.', positive)
    .option('--timeout-seconds <seconds>', 'Longest time for one answer.', positive, 120)
    .option('--picture <file>', 'PNG or JPEG for the picture scenario. Default: a drawn street scene.')
    .option('--audio <file>', 'WAV in which somebody asks 今天天气怎么样? Default: a synthetic voice, for timing only.')
    .option('--fact <fact>', 'Fact for the environment table: NAME.device=…, given once or more.', collect, [])
    .option('--bench-key-file <file>', 'File with the API key of the targets that are no Duanyun server.')
    .action(async () => bench(command, context));
  addSettings(command, ['general', 'server']);
  addCompareCommand(command, context);
  addReportCommand(command, context);
}

async function bench(command: Command, context: CommandContext): Promise<void> {
  const { terminal, application } = context;
  const flags = command.opts<BenchFlags & { benchKeyFile?: string }>();
  const config = configOf(command);
  const chosen = flags.suites.split(',').map((name) => name.trim());
  const unknown = chosen.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) throw new UsageError(`there is no suite ${unknown}`);
  const interrupts = watchInterrupts(() => process.exit(130));
  try {
    const foreignKey =
      flags.benchKeyFile === undefined ? undefined : (await read(flags.benchKeyFile)).toString().trim();
    const running = { url: `http://127.0.0.1:${config.port}/v1`, ownKey: config.apiKeys[0], foreignKey };
    const targets = await resolveTargets(flags.target, running, interrupts.signal);
    const ours = await runningDevice(running, interrupts.signal);
    const facts = readFacts(flags.fact, targets);
    await mkdir(flags.out, { recursive: true });
    const revision = await gitRevision();
    const quick = flags.quick === true;
    const file = path.join(flags.out, 'requests.jsonl');
    const results = await runBench(
      {
        targets,
        facts,
        suites: chosen,
        quick,
        limits: {
          ttftMs: flags.limitTtft,
          tpotMs: flags.limitTpot,
          ...(flags.limitE2el === undefined ? {} : { e2elMs: flags.limitE2el }),
        },
        seed: flags.seed,
        budgetSeconds: flags.budgetSeconds ?? (quick ? quickBudgetSeconds : fullBudgetSeconds),
        timeoutSeconds: flags.timeoutSeconds,
        material: await loadMaterial(flags, read),
        ...(ours === undefined ? {} : { ours }),
        version: application.version,
        ...(revision === undefined ? {} : { revision }),
        file,
        onProgress: (text) => terminal.note(`${text} …\n`),
      },
      interrupts.signal,
    );
    await writeReport(flags.out, results, file);
    terminal.out(`${path.join(flags.out, 'report.html')}\n`);
    if (interrupts.first !== undefined) {
      terminal.note('interrupted: the report holds what was measured and is marked incomplete\n');
      context.exitCode = exitCodeOf(interrupts.first);
    }
  } finally {
    interrupts.dispose();
  }
}

type Running = { url: string; ownKey: string | undefined; foreignKey: string | undefined };

/** Throws `server_unreachable` for a target that is down before anything is measured, and names it. */
async function resolveTargets(texts: readonly string[], running: Running, signal: AbortSignal): Promise<Target[]> {
  const targets: Target[] = [];
  for (const text of texts.length > 0 ? texts : await runningSides(running, signal)) {
    const named = /^(?:([\w.-]+)=)?(https?:\/\/[^#]+)(?:#(.+))?$/.exec(text);
    if (named === null && text !== 'edge' && text !== 'cloud') {
      throw new UsageError(`--target ${text} is neither edge, cloud nor NAME=URL`);
    }
    const url = (named?.[2] ?? running.url).replace(/\/+$/, '');
    const key = named === null ? running.ownKey : running.foreignKey;
    const models = await modelsOf(url, key, signal);
    const model = named === null ? text : (named[3] ?? models[0] ?? '');
    const name = named === null ? text : (named[1] ?? new URL(url).host);
    if (targets.some((each) => each.name === name)) throw new UsageError(`two targets are called ${name}`);
    targets.push({ name, url, model, ...(key === undefined ? {} : { apiKey: key }) });
  }
  return targets;
}

async function runningSides(running: Running, signal: AbortSignal): Promise<string[]> {
  const models = await modelsOf(running.url, running.ownKey, signal);
  return ['edge', 'cloud'].filter((name) => name === 'edge' || models.includes(name));
}

/** The running server's device, where there is one: it counts tokens for the check. */
async function runningDevice({ url, ownKey }: Running, signal: AbortSignal): Promise<Target | undefined> {
  const models = await listModels(url, ownKey, signal).catch((): string[] => []);
  if (!models.includes('edge')) return undefined;
  return { name: 'ours', url, model: 'edge', ...(ownKey === undefined ? {} : { apiKey: ownKey }) };
}

async function modelsOf(url: string, key: string | undefined, signal: AbortSignal): Promise<string[]> {
  try {
    return await listModels(url, key, signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : 'no answer';
    throw makeError('server_unreachable', { url, reason: `${reason} (bench needs ${url}/models)` }, { cause: error });
  }
}

/** `cloud.device=AWS p4d` → `{ cloud: { device: 'AWS p4d' } }`. */
function readFacts(texts: readonly string[], targets: readonly Target[]): Record<string, Record<string, string>> {
  const facts: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [, target = '', name = '', value = ''] = /^(.+?)\.([^=.]+)=(.*)$/s.exec(text) ?? [];
    if (!targets.some((each) => each.name === target)) throw new UsageError(`--fact ${text} names no target`);
    facts[target] = { ...facts[target], [name]: value };
  }
  return facts;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw makeError('not_found', { what: file }, { cause: error });
  }
}

/** Of Duanyun's own sources, where it runs from a checkout. */
async function gitRevision(): Promise<string | undefined> {
  try {
    const cwd = fileURLToPath(new URL('../../../', import.meta.url));
    const { stdout } = await promisify(execFile)('git', ['describe', '--always', '--dirty'], { cwd });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}
