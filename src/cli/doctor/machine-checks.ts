/** What `doctor` looks at on this machine. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/load-config.ts';
import { countPhysicalCores } from '../device/physical-cores.ts';
import { formatBytes } from '../format.ts';
import type { Finding } from './check.ts';

const oldestNode = [20, 19];
const probeTimeoutMs = 30_000;
const gibibyte = 1024 ** 3;

export async function checkNode(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > (oldestNode[0] ?? 0) || (major === oldestNode[0] && minor >= (oldestNode[1] ?? 0));
  const detail = `${process.versions.node} on ${process.platform}-${process.arch}`;
  return {
    name: 'node',
    status: isNew ? 'ok' : 'fail',
    detail: isNew ? detail : `${detail}; 20.19 or later is needed`,
  };
}

/** In a child process: a library that crashes must not take the doctor along. */
export async function checkNativeLibrary(environment: Config['childEnvironment']): Promise<Finding> {
  const script = fileURLToPath(new URL('./native-probe.js', import.meta.url));
  const output = await new Promise<string>((resolve) => {
    const options = { timeout: probeTimeoutMs, env: { ...environment } };
    execFile(process.execPath, [script], options, (error, stdout) => {
      const reason = error === null ? 'nothing was said' : (error.signal ?? error.message);
      resolve(stdout === '' ? JSON.stringify({ message: `the process that loaded it ended: ${reason}` }) : stdout);
    });
  });
  const result = JSON.parse(output) as { systemInfo?: string; message?: string };
  if (result.systemInfo === undefined) {
    return { name: 'native library', status: 'fail', detail: result.message ?? 'it says nothing' };
  }
  return { name: 'native library', status: 'ok', detail: `loads, layouts as expected; ${result.systemInfo.trim()}` };
}

export async function checkProcessor(): Promise<Finding> {
  const processors = os.cpus();
  const wanted = ['avx', 'avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm', 'sve'];
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(readText('/proc/cpuinfo'))?.[1]?.split(' '));
  const found = wanted.filter((flag) => flags.has(flag));
  const features = flags.size === 0 ? 'features unknown' : found.join(' ') || 'no vector extension that helps';
  const isSlow = process.arch === 'x64' && flags.size > 0 && !flags.has('avx2');
  const detail = `${processors[0]?.model.trim() ?? 'unknown'}, ${countPhysicalCores()} cores, ${os.availableParallelism()} threads; ${features}`;
  return {
    name: 'processor',
    status: isSlow ? 'warn' : 'ok',
    detail: isSlow ? `${detail}; answers will be slow` : detail,
  };
}

export async function checkMemory(availableBytes: number): Promise<Finding> {
  const detail = `${formatBytes(availableBytes)} of ${formatBytes(os.totalmem())} available`;
  if (availableBytes >= 1.5 * gibibyte) return { name: 'memory', status: 'ok', detail };
  return { name: 'memory', status: 'warn', detail: `${detail}; only the smallest models fit` };
}

export async function checkHome({ home }: Config): Promise<Finding[]> {
  const probe = path.join(home, `.doctor-${process.pid}`);
  try {
    await mkdir(home, { recursive: true });
    await writeFile(probe, 'x');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return [{ name: 'home', status: 'fail', detail: `${home} cannot be written (${reason}); set DUANYUN_HOME` }];
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
  const { bavail, bsize } = await statfs(home);
  const freeBytes = bavail * bsize;
  const isTight = freeBytes < 2 * gibibyte;
  return [
    { name: 'home', status: 'ok', detail: `${home} can be written` },
    { name: 'disk', status: isTight ? 'warn' : 'ok', detail: `${formatBytes(freeBytes)} free in ${home}` },
  ];
}

export async function checkPort({ host, port }: Config): Promise<Finding> {
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (code === undefined) return { name: 'port', status: 'ok', detail: `${port} on ${host} is free` };
  if (code === 'EADDRINUSE') {
    return { name: 'port', status: 'warn', detail: `${port} on ${host} is in use, perhaps by Duanyun itself` };
  }
  return { name: 'port', status: 'fail', detail: `cannot listen on ${host}:${port} (${code})` };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
