// oxlint-disable no-restricted-imports -- measures the module, like bench/engine
/** faster-whisper in a Python process, on the very weights that the product's store holds. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { firstTimestamp, timestampSeconds } from '../../src/models/whisper/whisper-tokens.ts';

/** Compiled to `.bench/bench/speech`. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
export const scratchFolder = path.join(root, 'node_modules', '.cache', 'duanyun-bench');
const packages = ['faster-whisper==1.2.1'];

export type Heard = { text: string; language: string; seconds: number };

/** The Python of a virtual environment of the benchmark's own, with faster-whisper in it. */
export async function installFasterWhisper(): Promise<string> {
  const folder = path.join(scratchFolder, 'faster-whisper-1.2.1');
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const done = path.join(folder, 'installed');
  if (existsSync(done)) return python;
  process.stderr.write('installing faster-whisper for the comparison\n');
  const run = promisify(execFile);
  await run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeout: 900_000 });
  writeFileSync(done, '');
  return python;
}

export class FasterWhisper {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('no output');
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  static async start(python: string, model: InstalledModel, threads: number): Promise<FasterWhisper> {
    const script = path.join(root, 'bench', 'speech', 'faster_whisper_side.py');
    const child = spawn(python, [script, modelFolder(model), String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const side = new FasterWhisper(child);
    await side.#next();
    return side;
  }

  async hear(file: string): Promise<Heard> {
    this.#child.stdin?.write(`${JSON.stringify({ file })}\n`);
    return (await this.#next()) as Heard;
  }

  dispose(): void {
    this.#child.stdin?.end();
    this.#reader.close();
  }

  async #next(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('faster-whisper ended');
    return JSON.parse(line.value);
  }
}

/** The names that CTranslate2 looks for, as links into the store; its list of tokens is written from the tokenizer. */
function modelFolder({ weightsPath, paths = {} }: InstalledModel): string {
  const folder = path.join(scratchFolder, 'whisper-base-ctranslate2');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { configuration = '', tokenizer = '' } = paths;
  for (const [name, target] of [
    ['model.bin', weightsPath],
    ['config.json', configuration],
    ['tokenizer.json', tokenizer],
  ] as const) {
    symlinkSync(target, path.join(folder, name));
  }
  const { model, added_tokens: added } = JSON.parse(readFileSync(tokenizer, 'utf8')) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
  };
  const tokens: string[] = [];
  for (const [text, id] of Object.entries(model.vocab)) tokens[id] = text;
  for (const { id, content } of added) tokens[id] = content;
  // The times are not in every tokenizer: 0.00 to 30.00 s.
  for (let step = 0; step <= 1_500; step++)
    tokens[firstTimestamp + step] = `<|${(step * timestampSeconds).toFixed(2)}|>`;
  writeFileSync(path.join(folder, 'vocabulary.txt'), `${tokens.join('\n')}\n`);
  return folder;
}
