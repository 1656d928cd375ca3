/** Runs `deploy/run_autoglm_server.sh` with stand-ins for vLLM and nvidia-smi on the PATH. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isAlive, pause, projectRoot } from '../integration/duanyun-process.ts';

const standIns = path.join(import.meta.dirname, 'stand-ins');
const script = path.join(projectRoot, 'deploy', 'run_autoglm_server.sh');

export const twoGpus = [
  '0, GPU-6a1f0a3e-0001, NVIDIA GeForce RTX 4090, 24564, 24080',
  '1, GPU-6a1f0a3e-0002, NVIDIA GeForce RTX 4090, 24564, 24080',
  '',
].join('\n');

export type VllmWish = { version?: string; fail?: string; record?: string; dieOn?: string };
export type LaunchOptions = { gpus?: string; vllm?: VllmWish; environment?: Record<string, string>; script?: string };
type VllmRun = { pid: number; engine: number; model: string; flags: string[] };

/** A temporary folder with a `bin` of stand-ins and a small whole model. */
export class LaunchPlace {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-launch-'));
  readonly bin = path.join(this.folder, 'bin');
  readonly model = path.join(this.folder, 'model');
  readonly record = path.join(this.folder, 'vllm-runs');
  readonly #running: Launch[] = [];

  constructor() {
    mkdirSync(this.bin);
    symlinkSync(path.join(standIns, 'vllm.mjs'), path.join(this.bin, 'vllm'));
    copyFileSync(path.join(standIns, 'nvidia-smi'), path.join(this.bin, 'nvidia-smi'));
    writeModel(this.model);
  }

  launch(args: readonly string[], options: LaunchOptions = {}): Launch {
    const launch = new Launch(options.script ?? script, ['--model', this.model, ...args], {
      ...quietEnvironment(),
      PATH: `${this.bin}:${process.env['PATH'] ?? ''}`,
      DUANYUN_HOME: path.join(this.folder, 'home'),
      STAND_IN_GPUS: options.gpus ?? twoGpus,
      STAND_IN_VLLM: JSON.stringify({ record: this.record, ...options.vllm }),
      ...options.environment,
    });
    this.#running.push(launch);
    return launch;
  }

  vllmRuns(): VllmRun[] {
    if (!existsSync(this.record)) return [];
    const lines = readFileSync(this.record, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as VllmRun);
  }

  async dispose(): Promise<void> {
    for (const launch of this.#running) await launch.stop('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Launch {
  readonly ended: Promise<number | NodeJS.Signals>;
  output = '';
  readonly #child: ChildProcess;
  #onText: (text: string) => void = () => {};

  constructor(file: string, args: readonly string[], environment: Record<string, string>) {
    // `sh` is dash on Debian: the strictest there is.
    this.#child = spawn('sh', [file, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (text: string): void => {
      this.output += text;
      this.#onText(text);
    };
    this.#child.stdout?.setEncoding('utf8').on('data', collect);
    this.#child.stderr?.setEncoding('utf8').on('data', collect);
    this.ended = once(this.#child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  }

  /** Also shows what it says. */
  onText(listener: (text: string) => void): void {
    this.#onText = listener;
  }

  /** Waits for a text; rejects with everything that was said when the script ends first. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const hasEnded = this.ended.then(() => true);
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      if (await Promise.race([hasEnded, pause(20)])) {
        const last = pattern.exec(this.output);
        if (last !== null) return last;
        throw new Error(`ended before ${String(pattern)}:\n${this.output}`);
      }
    }
  }

  async stop(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return this.ended;
  }
}

export type ModelOptions = {
  heads?: number;
  keyValueHeads?: number;
  modelType?: string;
  weightBytes?: number;
  longest?: number;
};

/** A folder as vLLM wants it; the weights are a hole in the file, as large as their header says. */
export function writeModel(folder: string, options: ModelOptions = {}): void {
  const { heads = 32, keyValueHeads = 2, modelType = 'glm4v', weightBytes = 4096, longest = 65_536 } = options;
  mkdirSync(folder, { recursive: true });
  const config = {
    model_type: modelType,
    architectures: ['Glm4vForConditionalGeneration'],
    text_config: {
      num_attention_heads: heads,
      num_key_value_heads: keyValueHeads,
      num_hidden_layers: 40,
      hidden_size: 4096,
      max_position_embeddings: longest,
    },
    vision_config: { num_heads: 12 },
  };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(path.join(folder, 'tokenizer.json'), '{}');
  writeFileSync(path.join(folder, 'tokenizer_config.json'), '{}');
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  for (const shard of shards) writeSafetensors(path.join(folder, shard), weightBytes / 2);
  const index = { metadata: {}, weight_map: { first: shards[0], second: shards[1] } };
  writeFileSync(path.join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

function writeSafetensors(file: string, dataBytes: number): void {
  const header = Buffer.from(
    JSON.stringify({ weight: { dtype: 'U8', shape: [dataBytes], data_offsets: [0, dataBytes] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header]));
  truncateSync(file, 8 + header.length + dataBytes);
}

/** Whether the process is gone within the time; one that only waits for its parent to notice is gone. */
export async function processIsGone(pid: number, limitMs = 20_000): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (isAlive(pid) && !isZombie(pid)) {
    if (performance.now() > end) return false;
    await pause(50);
  }
  return true;
}

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * A port that is free together with the next one, which the script gives to vLLM. Below the ports that systems hand out by
 * themselves, so that nobody gets the second one in between.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + 2 * Math.floor(Math.random() * 10_000);
    if ((await canListen(port)) && (await canListen(port + 1))) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Nothing of the machine's own settings reaches the script. */
function quietEnvironment(): Record<string, string> {
  const foreign = /^(DUANYUN|AUTOGLM|VLLM|CUDA|STAND_IN)_/;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name, value]) => value !== undefined && !foreign.test(name)),
  ) as Record<string, string>;
}
