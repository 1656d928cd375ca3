/** `duanyun bench` as a child of the server: started from the page, kept under `<home>/benchmarks`, one at a time. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compareSamples } from '../bench/compare/compare.ts';
import { readSamples } from '../bench/compare/import-results.ts';
import type {
  BenchmarkDifference,
  BenchmarkRun,
  BenchmarkRuns,
  BenchmarkWishes,
  ReportForm,
} from '../core/benchmark.ts';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

export type BenchmarkRunsOptions = {
  /** Holds a folder for each run; made when the first one starts. */
  folder: string;
  /** The port of this server, known once it listens. */
  port: () => number;
  /** The file of this server's keys; empty: none, or in the environment, which the command inherits. */
  keyFile: string;
  /** Absent where the command cannot reach this server: the reason. */
  unreachable?: string;
  clock: Clock;
  log: Log;
  /** The command without its arguments. Default: this program's own. */
  command?: readonly string[];
};

type Running = { run: BenchmarkRun; child: ChildProcess; ended: Promise<void>; startedMs: number; isStopped: boolean };

const idForm = /^\d{8}-\d{6}(-\d+)?$/;
const stateFile = 'run.json';
const fileOf: Record<ReportForm, string> = {
  html: 'report.html',
  'markdown-en': 'report.md',
  'markdown-zh': 'report.zh.md',
};
/** After Ctrl-C the command writes its report; after this it is ended. Milliseconds. */
const patienceMs = 20_000;
const longestMessage = 400;

export class OwnBenchmarkRuns implements BenchmarkRuns {
  readonly #options: BenchmarkRunsOptions;
  #running: Running | undefined;

  constructor(options: BenchmarkRunsOptions) {
    this.#options = options;
  }

  async list(): Promise<BenchmarkRun[]> {
    const names = await readdir(this.#options.folder).catch((): string[] => []);
    const ids = names
      .filter((name) => idForm.test(name))
      .toSorted()
      .reverse();
    const runs = await Promise.all(ids.map((id) => this.#read(id)));
    return runs.filter((run) => run !== undefined);
  }

  async start(wishes: BenchmarkWishes): Promise<BenchmarkRun> {
    const { clock, unreachable } = this.#options;
    if (this.#running !== undefined) throw makeError('conflict', { reason: 'A benchmark is running already.' });
    if (unreachable !== undefined) throw makeError('invalid_request', { reason: unreachable });
    const startedAt = new Date(clock.wallTime()).toISOString();
    const stamp = startedAt.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
    let id = stamp;
    for (let count = 2; existsSync(this.#folder(id)); count++) id = `${stamp}-${count}`;
    const run: BenchmarkRun = {
      id,
      startedAt,
      ...wishes,
      state: 'running',
      message: '',
      elapsedMs: 0,
      hasReport: false,
    };
    const running = this.#spawn(run);
    this.#running = running;
    await mkdir(this.#folder(id), { recursive: true });
    await this.#write(run);
    return { ...run };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.isStopped = true;
    running.child.kill('SIGINT');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), patienceMs);
    await running.ended;
    clearTimeout(timer);
  }

  async report(id: string, form: ReportForm): Promise<Uint8Array<ArrayBuffer>> {
    if (!idForm.test(id)) throw makeError('not_found', { what: 'The report' });
    try {
      return new Uint8Array(await readFile(path.join(this.#folder(id), fileOf[form])));
    } catch (cause) {
      throw makeError('not_found', { what: 'The report' }, { cause });
    }
  }

  async compare(firstId: string, secondId: string): Promise<BenchmarkDifference[]> {
    const [first, second] = await Promise.all([this.#samples(firstId), this.#samples(secondId)]);
    const found = compareSamples(first, second, { alpha: 0.05, threshold: 0.05 });
    if (found.length === 0) {
      throw makeError('invalid_request', { reason: 'The two runs share nothing with three samples or more.' });
    }
    return found.map((each) =>
      Object.assign({ isShare: each.figure === 'answered' || each.figure === 'correct' }, each),
    );
  }

  /** Ends what runs. */
  dispose(): Promise<void> {
    return this.stop();
  }

  #samples(id: string): ReturnType<typeof readSamples> {
    const file = path.join(this.#folder(id), 'requests.jsonl');
    if (!idForm.test(id) || !existsSync(file)) throw makeError('not_found', { what: 'The run' });
    return readSamples(file);
  }

  #spawn(run: BenchmarkRun): Running {
    const { keyFile, port, clock, command = ownCommand() } = this.#options;
    const [program = process.execPath, ...first] = command;
    const rest = ['bench', '--out', this.#folder(run.id), '--port', String(port()), '--suites', run.suites.join(',')];
    for (const target of run.targets) rest.push('--target', target);
    if (run.quick) rest.push('--quick');
    if (keyFile !== '') rest.push('--api-key-file', keyFile);
    const child = spawn(program, first.concat(rest), { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      const text = line.trim().slice(0, longestMessage);
      if (text === '') return;
      lines.push(text);
      run.message = text.replace(/ …$/, '');
    });
    const running: Running = { run, child, ended: Promise.resolve(), startedMs: clock.now(), isStopped: false };
    const exit = new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        lines.push(error.message);
        resolve(1);
      });
      child.once('close', resolve);
    });
    running.ended = this.#finish(running, exit, lines);
    return running;
  }

  async #finish(running: Running, exit: Promise<number | null>, lines: readonly string[]): Promise<void> {
    const { clock, log } = this.#options;
    const { run, startedMs } = running;
    const code = await exit;
    run.elapsedMs = Math.round(clock.now() - startedMs);
    run.hasReport = existsSync(path.join(this.#folder(run.id), fileOf.html));
    run.state = running.isStopped ? 'interrupted' : code === 0 ? 'done' : 'failed';
    run.message = run.state === 'failed' ? (lines.at(-1) ?? `ended with ${code}`) : '';
    this.#running = undefined;
    await this.#write(run);
    log.info({ benchmark: run.id, state: run.state }, 'benchmark over');
  }

  async #read(id: string): Promise<BenchmarkRun | undefined> {
    const running = this.#running;
    if (running?.run.id === id) {
      return { ...running.run, elapsedMs: Math.round(this.#options.clock.now() - running.startedMs) };
    }
    try {
      const run = JSON.parse(await readFile(path.join(this.#folder(id), stateFile), 'utf8')) as BenchmarkRun;
      // Its server ended before it did.
      return run.state === 'running' ? { ...run, state: 'interrupted', message: '' } : run;
    } catch {
      return undefined;
    }
  }

  async #write(run: BenchmarkRun): Promise<void> {
    try {
      await writeFile(path.join(this.#folder(run.id), stateFile), `${JSON.stringify(run)}\n`);
    } catch (error) {
      this.#options.log.warn({ detail: String(error) }, 'state of a benchmark not written');
    }
  }

  #folder(id: string): string {
    return path.join(this.#options.folder, id);
  }
}

/** What is built, also where a test runs the sources. */
function ownCommand(): string[] {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/' : '../';
  return [process.execPath, fileURLToPath(new URL(`${folder}main.js`, import.meta.url))];
}
