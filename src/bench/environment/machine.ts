/** The reference document's environment table for this machine. What cannot be found out is `unavailable` with the reason. */
import { execFile } from 'node:child_process';
import { readFile, realpath, statfs } from 'node:fs/promises';
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
  if (os.platform() === 'android') return command('getprop', ['ro.product.model']);
  const [vendor, name] = await Promise.all(
    ['sys_vendor', 'product_name'].map((file) => readText(`/sys/class/dmi/id/${file}`)),
  );
  const found = [vendor, name ?? (await readText('/proc/device-tree/model'))]
    .map((part) => part?.replace('\0', '').trim())
    .join(' ')
    .trim();
  if (found !== '') return { value: found };
  const isVirtual = / hypervisor\b/.test((await readText('/proc/cpuinfo')) ?? '');
  return unavailable(isVirtual ? 'a virtual machine whose firmware names no device' : 'the firmware names no device');
}

async function memoryKind(): Promise<Fact> {
  const [file, args] =
    os.platform() === 'darwin' ? ['system_profiler', ['SPMemoryDataType']] : ['dmidecode', ['-t', 'memory']];
  if (os.platform() === 'win32' || os.platform() === 'android') return unavailable(`not read on ${os.platform()}`);
  try {
    const { stdout } = await run(file, args);
    const kind = /^\s*Type: (\S*DDR\S*)$/m.exec(stdout)?.[1];
    const speed = /^\s*(?:Configured Memory )?Speed: (\d+ M\S+)$/m.exec(stdout)?.[1];
    if (kind === undefined) return unavailable('the firmware names none, as in most virtual machines');
    return { value: speed === undefined ? kind : `${kind}, ${speed}` };
  } catch {
    return unavailable(
      os.platform() === 'linux' ? 'dmidecode is not installed or needs root' : `${file} gave no answer`,
    );
  }
}

async function storage(): Promise<Fact> {
  try {
    const { blocks, bsize } = await statfs(process.cwd());
    const size = `${gib(blocks * bsize)} GiB`;
    const mount = mountOf(process.cwd(), (await readText('/proc/self/mountinfo')) ?? '');
    if (mount === undefined) return { value: size };
    const kind = await diskKind(mount.device);
    return { value: [size, mount.fileSystem, kind].filter((part) => part !== undefined).join(', ') };
  } catch {
    return unavailable('the file system gives no size');
  }
}

/** The mount with the longest path that holds `folder` (proc(5), mountinfo). */
export function mountOf(folder: string, mountinfo: string): { device: string; fileSystem: string } | undefined {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [, device, point, fileSystem] = /^\d+ \d+ (\d+:\d+) \S+ (\S+) .*? - (\S+)/.exec(line) ?? [];
    if (device === undefined || point === undefined || fileSystem === undefined) return [];
    const isAbove = point === '/' || folder === point || folder.startsWith(`${point}/`);
    return isAbove ? [{ device, fileSystem, point }] : [];
  });
  return mounts.toSorted((a, b) => b.point.length - a.point.length)[0];
}

/** NVMe, solid state or spinning, as the kernel has it; `undefined` for a file system on no disk. */
async function diskKind(device: string): Promise<string | undefined> {
  const folder = `/sys/dev/block/${device}`;
  const name = (await realpath(folder).catch(() => undefined))?.split('/').at(-1);
  if (name === undefined) return undefined;
  // A partition has its disk above it.
  const rotational =
    (await readText(`${folder}/queue/rotational`)) ?? (await readText(`${folder}/../queue/rotational`));
  const kind = name.startsWith('nvme')
    ? 'NVMe'
    : name.startsWith('vd') || name.startsWith('xvd')
      ? 'virtual disk'
      : rotational?.trim() === '0'
        ? 'solid state'
        : rotational?.trim() === '1'
          ? 'spinning'
          : undefined;
  return kind === undefined ? name : `${kind} (${name})`;
}

async function operatingSystem(): Promise<Fact> {
  if (os.platform() === 'android') {
    const release = await command('getprop', ['ro.build.version.release']);
    return { value: `Android ${release.value}, ${os.type()} ${os.release()} ${os.arch()}` };
  }
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
