/** Starts the real command, as a user would, and reads what it says. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const command = path.join(projectRoot, 'bin', 'duanyun');

export type Variables = Record<string, string>;
export type Finished = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };
export type RunOptions = { environment?: Variables; input?: string; file?: string; cwd?: string };

/** Nothing of the machine's own settings reaches the command but where its weights lie. */
export function environmentWith(more: Variables = {}): Variables {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('DUANYUN_') || name === 'DUANYUN_HOME');
  return { ...(Object.fromEntries(own) as Variables), ...more };
}

export function emptyHome(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'duanyun-home-'));
}

/** Runs to the end. Standard input is `input`, or empty. */
export async function runDuanyun(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(args, options);
  const output = collect(child);
  child.stdin?.end(options.input ?? '');
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}

export class DuanyunServer {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** With the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(args: readonly string[], environment: Variables = {}) {
    const all = ['serve', '--port', '0', '--log-format', 'json', ...args];
    this.child = start(all, { environment });
    this.child.stdin?.end();
    this.output = collect(this.child);
    this.ended = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  }

  /** Resolves with the address once the server listens. */
  listening(): Promise<string> {
    return this.find(/listens on (http:\S+)/, 'stdout');
  }

  /** Resolves with the address once questions are answered. */
  async ready(): Promise<string> {
    await this.find(/^(Ready)/m, 'stdout');
    return this.listening();
  }

  /** Process id of the engine that was started last, from the log. */
  async enginePid(): Promise<number> {
    await this.find(/"pid":(\d+)/, 'stderr');
    return Number([...this.output.stderr.matchAll(/"pid":(\d+)/g)].at(-1)?.[1]);
  }

  /** Waits for text; rejects with everything that was said when the process ends first. */
  async find(pattern: RegExp, from: 'stdout' | 'stderr'): Promise<string> {
    const hasEnded = this.ended.then(() => true);
    for (;;) {
      const found = pattern.exec(this.output[from])?.[1];
      if (found !== undefined) return found;
      if (await Promise.race([hasEnded, pause(20)])) {
        throw new Error(`ended before ${String(pattern)}: ${this.output.stdout}\n${this.output.stderr}`);
      }
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.ended;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is gone within the time. */
export async function isGoneWithin(pid: number, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (isAlive(pid)) {
    if (performance.now() > end) return false;
    await pause(50);
  }
  return true;
}

export function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms);
  });
}

function start(args: readonly string[], { environment, file, cwd }: RunOptions): ChildProcess {
  return spawn(process.execPath, [file ?? command, ...args], {
    env: environmentWith(environment),
    cwd: cwd ?? os.tmpdir(),
    stdio: 'pipe',
  });
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return output;
}
