/** A Python with the clients that people use, for the tests that run examples in it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** What making it may take, and the test that asks for it. */
export const pythonMinutes = 8;
const packages = ['langchain-openai>=1,<2', 'openai>=2', 'nbclient', 'ipykernel'];
const execute = promisify(execFile);

/** A Python of our own with the clients in it, made once for a home; or the reason why there is none. */
export async function pythonWithClients(home: string): Promise<{ path: string } | { missing: string }> {
  const folder = path.join(home, 'cache', 'python-clients');
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = path.join(folder, 'packages.txt');
  const wanted = packages.join('\n');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { path: python };
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.dirname(folder), { recursive: true });
    process.stderr.write('installing the Python clients …\n');
    await execute('python3', ['-m', 'venv', folder], { timeout: 120_000 });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    await execute(python, install, { timeout: (pythonMinutes - 3) * 60_000 });
    writeFileSync(stamp, wanted);
    return { path: python };
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    const missing = `no Python with the clients: ${lines.at(-1) ?? ''}`;
    process.stderr.write(`SKIPPING a test, ${missing}\n`);
    return { missing };
  }
}
