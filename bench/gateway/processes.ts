/** The processes of the benchmark: each its own, each on its core where the system can pin them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClientResult, ClientTask } from './client.ts';

const canPin = os.cpus().length > 1 && spawnSync('taskset', ['-V']).error === undefined;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const started: ChildProcess[] = [];

/** Core of the gateway, and of the client and the upstream. */
export const cores = { gateway: 1, others: 0 };
export const pinning = canPin ? 'gateway on one core, client and upstream on another' : 'not pinned';

function start(core: number, args: string[], environment: Record<string, string> = {}, cwd?: string): ChildProcess {
  const command = canPin ? 'taskset' : process.execPath;
  const all = canPin ? ['-c', String(core), process.execPath, ...args] : args;
  const child = spawn(command, all, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stderr?.resume();
  started.push(child);
  return child;
}

export async function startUpstream(): Promise<string> {
  const child = start(cores.others, [here('upstream.js')]);
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return url;
}

export class Client {
  readonly #child = start(cores.others, [here('client.js')]);
  readonly #ready = once(this.#child, 'message');

  async run(task: ClientTask): Promise<ClientResult> {
    await this.#ready;
    this.#child.send(task);
    const [result] = (await once(this.#child, 'message')) as [ClientResult];
    return result;
  }
}

export class GatewayProcess {
  readonly url: string;
  readonly headers = { authorization: 'Bearer bench-key' };
  #child: ChildProcess;
  readonly #args: string[];
  readonly #home: string;

  private constructor(port: number, args: string[], home: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#args = args;
    this.#home = home;
    this.#child = this.#spawn();
  }

  static async start(upstreamUrl: string, port: number, home?: string): Promise<GatewayProcess> {
    const args = ['serve', '--role', 'cloud', '--cloud-url', upstreamUrl, '--port', String(port)];
    const more = ['--max-running', '4096', '--key-running', '4096', '--log-level', 'warn', '--drain-seconds', '1'];
    const own = home ?? mkdtempSync(path.join(os.tmpdir(), 'duanyun-bench-'));
    const gateway = new GatewayProcess(port, [...args, ...more], own);
    await gateway.healthy();
    return gateway;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async healthy(): Promise<void> {
    for (let times = 0; times < 600; times++) {
      const response = await fetch(`${this.url}/health`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.status === 200) return;
      await sleep(50);
    }
    throw new Error('the gateway did not become healthy');
  }

  /** As a service manager does: SIGTERM, then wait for its end. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  async startAgain(): Promise<void> {
    this.#child = this.#spawn();
    await this.healthy();
  }

  #spawn(): ChildProcess {
    return start(cores.gateway, [here('../../src/main.js'), ...this.#args], {
      DUANYUN_HOME: this.#home,
      DUANYUN_API_KEY: 'bench-key',
    });
  }
}

export async function startPortkey(entryFile: string, port: number): Promise<string> {
  start(
    cores.gateway,
    [entryFile, `--port=${port}`, '--headless'],
    { NODE_ENV: 'production' },
    path.dirname(entryFile),
  );
  const url = `http://127.0.0.1:${port}`;
  for (let times = 0; times < 200; times++) {
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response !== undefined) return url;
    await sleep(50);
  }
  throw new Error('the other gateway did not start');
}

/** Resident memory in MiB. */
export function residentMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? Number.NaN) / 1024;
}

/** CPU seconds so far, user and system. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function stopAll(): void {
  for (const child of started) child.kill('SIGKILL');
}
