/** Real PostgreSQL and Redis servers for the contract tests: from the machine, or from Debian's packages, unpacked without being installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type StartedServer = { url: string; stop(): Promise<void>; restart(): Promise<void> };

/** `nobody`: PostgreSQL refuses to run as root. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

/** `undefined` where there is none and none can be had. */
export async function startRedis(): Promise<StartedServer | undefined> {
  const installed = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((file) => existsSync(file));
  const folder = installed === undefined ? unpacked(['redis-tools', 'liblzf1', 'libjemalloc2']) : undefined;
  // Debian's server is the same file under another name.
  const program = installed ?? (folder === undefined ? undefined : path.join(folder, 'usr', 'bin', 'redis-check-rdb'));
  if (program === undefined) return undefined;
  const libraries = folder === undefined ? [] : readdirSync(path.join(folder, 'usr', 'lib'));
  const port = await freePort();
  const start = (): ChildProcess =>
    spawn(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
      argv0: 'redis-server',
      stdio: 'ignore',
      cwd: os.tmpdir(),
      env: { LD_LIBRARY_PATH: libraries.map((each) => path.join(folder ?? '', 'usr', 'lib', each)).join(':') },
    });
  let child = start();
  if (!(await listens(port, child))) return undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () => end(child),
    async restart() {
      child = start();
      await listens(port, child);
    },
  };
}

export async function startPostgres(): Promise<StartedServer | undefined> {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').toSorted() : [];
  const folder = versions
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .findLast((each) => existsSync(`${each}/initdb`));
  if (folder === undefined) return undefined;
  const root = mkdtempSync(path.join(os.tmpdir(), 'duanyun-postgres-'));
  const data = path.join(root, 'data');
  mkdirSync(data);
  const owner = isRoot ? { uid: nobody, gid: nobody } : {};
  if (isRoot) {
    chmodSync(root, 0o755);
    chownSync(data, nobody, nobody);
  }
  try {
    execFileSync(path.join(folder, 'initdb'), ['-D', data, '-U', 'duanyun', '-A', 'trust', '--no-sync'], {
      stdio: 'ignore',
      cwd: root,
      ...owner,
    });
  } catch {
    rmSync(root, { recursive: true, force: true });
    return undefined;
  }
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data, '-F'];
  const start = (): ChildProcess =>
    spawn(path.join(folder, 'postgres'), args, { stdio: 'ignore', cwd: root, ...owner });
  let child = start();
  const isThere = await listens(port, child);
  const stop = async (): Promise<void> => {
    await end(child);
  };
  if (!isThere) return undefined;
  return {
    url: `postgres://duanyun@127.0.0.1:${port}/postgres`,
    stop,
    async restart() {
      child = start();
      await listens(port, child);
    },
  };
}

/** Debian's packages in a folder, fetched once. `undefined` where that fails. */
function unpacked(names: readonly string[]): string | undefined {
  const folder = path.join(os.tmpdir(), `duanyun-test-${names.join('-')}`);
  const mark = path.join(folder, 'complete');
  if (existsSync(mark)) return folder;
  try {
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['download', ...names], { cwd: folder, stdio: 'ignore', timeout: 60_000 });
    for (const file of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
      execFileSync('dpkg-deb', ['-x', path.join(folder, file), folder], { stdio: 'ignore' });
    }
    writeFileSync(mark, '');
    return folder;
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  for (let times = 0; times < 200 && child.exitCode === null; times++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return true;
    await sleep(50);
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  // PostgreSQL: fast shutdown, connections are ended.
  child.kill('SIGINT');
  await ended;
}
