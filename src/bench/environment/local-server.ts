/** What the process of a server on this machine tells of it: runtime, software, model and their size on disk. Linux only. */
import { execFile } from 'node:child_process';
import { readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readText, unavailable, type Facts } from './machine.ts';

const run = promisify(execFile);
const toolTimeoutMs = 60_000;

/** @param pid of the process that listens */
export async function localServerFacts(pid: number): Promise<Facts> {
  const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
  const commandLine = ((await readText(`/proc/${pid}/cmdline`)) ?? '').split('\0').filter((part) => part !== '');
  if (program === undefined || commandLine.length === 0) return {};
  const folder = (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) ?? '/';
  const facts: Facts = { 'start command': { value: withoutSecretsAndFolders(commandLine) } };
  const software = await softwareOf(pid, program, commandLine, folder);
  if (software.runtime !== undefined) facts['runtime'] = { value: software.runtime };
  facts['software on disk'] =
    software.sizeBytes === undefined
      ? unavailable('the program’s own folder could not be told from the system’s')
      : { value: `${mib(software.sizeBytes)} (${software.what})` };
  const model = await modelOf(commandLine, folder);
  if (model !== undefined) Object.assign(facts, model);
  return facts;
}

/** Values behind `--…key…` and `--…token…` are masked; of a path only its last part is shown. */
export function withoutSecretsAndFolders(commandLine: readonly string[]): string {
  const secret = /^--?[\w-]*(?:key|token|secret|password)[\w-]*/i;
  return commandLine
    .map((part, index) => {
      const before = commandLine[index - 1] ?? '';
      if (secret.test(before) && !before.includes('=') && !before.endsWith('file')) return '•••';
      if (secret.test(part) && part.includes('=')) return `${part.slice(0, part.indexOf('='))}=•••`;
      if (part.length > 200) return '…';
      return part.startsWith('/') ? path.basename(part) : part;
    })
    .join(' ');
}

type Software = { runtime?: string; sizeBytes?: number; what?: string };

async function softwareOf(pid: number, program: string, commandLine: string[], folder: string): Promise<Software> {
  const name = path.basename(program);
  if (name.startsWith('node')) return nodeSoftware(program, commandLine, folder);
  if (name.startsWith('python')) return pythonSoftware(program, commandLine[0] ?? '', folder);
  const own = await mappedFiles(pid, program);
  const sizeBytes = (await Promise.all(own.map(sizeOfFile))).reduce((sum, size) => sum + size, 0);
  return { runtime: name, sizeBytes, what: 'the program and the libraries beside it' };
}

const installedSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ dev: z.boolean().optional() })),
});

/** The package that holds the script, its dependencies without those for development. */
async function nodeSoftware(program: string, commandLine: string[], folder: string): Promise<Software> {
  const runtime = `Node ${await version(program)}`;
  const script = commandLine.slice(1).find((part) => !part.startsWith('-'));
  const root = script === undefined ? undefined : await folderWith('package.json', path.resolve(folder, script));
  if (root === undefined) return { runtime };
  const text = await readText(path.join(root, 'node_modules', '.package-lock.json'));
  const installed = installedSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  const names = installed.success
    ? Object.entries(installed.data.packages).flatMap(([name, { dev }]) => (dev === true ? [] : [name]))
    : [];
  // Nested ones lie inside others.
  const folders = names.filter((name) => !names.some((other) => name.startsWith(`${other}/`)));
  const sizeBytes = await diskUse([path.join(root, 'dist'), ...folders.map((name) => path.join(root, name))]);
  return {
    runtime,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    what: `dist and ${names.length} packages, for every platform that they carry`,
  };
}

async function pythonSoftware(program: string, asStarted: string, folder: string): Promise<Software> {
  const version3 = `Python ${(await version(program)).replace('Python ', '')}`;
  const root = await folderWith('pyvenv.cfg', path.resolve(folder, asStarted));
  if (root === undefined) return { runtime: version3 };
  const sizeBytes = await diskUse([path.join(root, 'lib')]);
  const what = 'its virtual environment';
  return { runtime: version3, ...(sizeBytes === undefined ? {} : { sizeBytes }), what };
}

/** A GGUF file, or a folder with a `config.json`, named on the command line. */
async function modelOf(commandLine: string[], folder: string): Promise<Facts | undefined> {
  for (const part of commandLine.slice(1)) {
    const candidate = path.resolve(folder, part.includes('=') ? part.slice(part.indexOf('=') + 1) : part);
    if (candidate.endsWith('.gguf') && (await exists(candidate))) {
      const sizeBytes = await sizeOfFile(candidate);
      return { 'model file': { value: path.basename(candidate) }, 'model on disk': { value: mib(sizeBytes) } };
    }
    const config = await readText(path.join(candidate, 'config.json'));
    if (config === undefined) continue;
    const sizeBytes = await diskUse([candidate]);
    return {
      'model file': { value: path.basename(candidate) },
      quantisation: quantisationOfConfig(config, commandLine),
      ...(sizeBytes === undefined ? {} : { 'model on disk': { value: mib(sizeBytes) } }),
    };
  }
  return undefined;
}

const configSchema = z.looseObject({
  torch_dtype: z.string().optional(),
  dtype: z.string().optional(),
  quantization_config: z.looseObject({ quant_method: z.string() }).optional(),
});

function quantisationOfConfig(config: string, commandLine: readonly string[]) {
  const at = commandLine.findIndex((part) => part === '--dtype' || part.startsWith('--dtype='));
  const given = commandLine[at]?.split('=')[1] ?? (at < 0 ? undefined : commandLine[at + 1]);
  try {
    const parsed = configSchema.parse(JSON.parse(config));
    const stored = parsed.torch_dtype ?? parsed.dtype;
    const computed = given === undefined || given === 'auto' ? stored : given;
    const method = parsed.quantization_config?.quant_method ?? 'none';
    if (computed !== undefined) return { value: `${method}, numbers as ${computed}` };
  } catch {
    // Said below.
  }
  return unavailable('the model’s config.json does not say');
}

/** The program and what it mapped from outside the system's folders. */
async function mappedFiles(pid: number, program: string): Promise<string[]> {
  const maps = (await readText(`/proc/${pid}/maps`)) ?? '';
  const files = [...maps.matchAll(/ (\/[^\n]+)$/gm)].map(([, file = '']) => file);
  const own = files.filter((file) => /\.so(?:\.|$)/.test(file) && !/^\/(?:usr\/)?lib(?:64)?\//.test(file));
  return [...new Set([program, ...own])];
}

/** Nearest folder at or above a path that holds a file of that name. */
async function folderWith(name: string, from: string): Promise<string | undefined> {
  for (let folder = from; ; folder = path.dirname(folder)) {
    if (await exists(path.join(folder, name))) return folder;
    if (path.dirname(folder) === folder) return undefined;
  }
}

/** Bytes that folders take, by `du`, which counts a file with two names once; `undefined` where it is missing or too slow. */
async function diskUse(folders: readonly string[]): Promise<number | undefined> {
  const there = (await Promise.all(folders.map(async (folder) => ((await exists(folder)) ? [folder] : [])))).flat();
  try {
    const { stdout } = await run('du', ['-skc', ...there], { timeout: toolTimeoutMs, maxBuffer: 16 * 1024 ** 2 });
    return Number(/^(\d+)\s+\S+\s*$/m.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

async function version(program: string): Promise<string> {
  try {
    return (await run(program, ['--version'], { timeout: toolTimeoutMs })).stdout.trim();
  } catch {
    return '(version unknown)';
  }
}

async function sizeOfFile(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
