/** The reference document's environment table for this machine. What cannot be found out is `unavailable` with the reason. */
import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { promisify } from 'node:util';

export type Fact = { value: string; reason?: string };
export type Facts = Record<string, Fact>;
const run = promisify(execFile);

export function unavailable(reason: string): Fact {
  return { value: 'unavailable', reason };
}

export async function machineFacts(): Promise<Facts> {
  const processors = os.cpus();
  const cpuInfo = await readText('/proc/cpuinfo');
  return {
    device: await deviceModel(),
    processor: { value: `${processors[0]?.model.trim() ?? os.arch()}, ${processors.length} logical processors` },
    'instruction sets': instructionSets(cpuInfo),
    memory: { value: `${gib(os.totalmem())} GiB` },
    'memory kind': await memoryKind(),
    storage: await storage(),
    'operating system': await operatingSystem(),
    runtime: { value: `Node ${process.version}` },
  };
}

/** From `/proc/cpuinfo`: the sets that matter to inference. */
export function instructionSets(cpuInfo: string | undefined): Fact {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuInfo ?? '')?.[1]?.split(/\s+/);
  if (flags === undefined) return unavailable(`${os.platform()} lists none in /proc/cpuinfo`);
  const telling = /^(sse4_2|avx|avx2|fma|f16c|avx_vnni|avx512\w*|amx_\w+|asimd|asimddp|i8mm|bf16|sve2?|fphp)$/;
  return { value: flags.filter((flag) => telling.test(flag)).join(' ') };
}

async function deviceModel(): Promise<Fact> {
  if (os.platform() === 'darwin') return command('sysctl', ['-n', 'hw.model']);
  const [vendor, name] = await Promise.all(
    ['sys_vendor', 'product_name'].map((file) => readText(`/sys/class/dmi/id/${file}`)),
  );
  const found = [vendor, name ?? (await readText('/proc/device-tree/model'))]
    .map((part) => part?.trim())
    .join(' ')
    .trim();
  return found === '' ? unavailable('the firmware names no device') : { value: found };
}

async function memoryKind(): Promise<Fact> {
  if (os.platform() !== 'linux') return unavailable(`not read on ${os.platform()}`);
  try {
    const { stdout } = await run('dmidecode', ['-t', 'memory']);
    const kinds = [...stdout.matchAll(/^\s*Type: (\S*DDR\S*)$/gm)].map(([, kind]) => kind);
    return kinds[0] === undefined ? unavailable('the firmware names none') : { value: kinds[0] };
  } catch {
    return unavailable('dmidecode is not installed or needs root');
  }
}

async function storage(): Promise<Fact> {
  try {
    const { blocks, bsize, type } = await statfs(os.tmpdir());
    return { value: `${gib(blocks * bsize)} GiB, file system type 0x${type.toString(16)}` };
  } catch {
    return unavailable('the file system gives no size');
  }
}

async function operatingSystem(): Promise<Fact> {
  const release = await readText('/etc/os-release');
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release ?? '')?.[1];
  return { value: `${name ?? os.version()}, ${os.type()} ${os.release()} ${os.arch()}` };
}

async function command(file: string, args: string[]): Promise<Fact> {
  try {
    return { value: (await run(file, args)).stdout.trim() };
  } catch {
    return unavailable(`${file} gave no answer`);
  }
}

export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
