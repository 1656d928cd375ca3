/** Puts node-llama-cpp into a folder of the benchmark's own, since it is no dependency of the product. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const version = '3.22.1';

export async function installNodeLlamaCpp(): Promise<{ entryFile: string } | { reason: string }> {
  const root = path.dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));
  const folder = path.join(root, 'node_modules', '.cache', 'duanyun-bench', `node-llama-cpp-${version}`);
  const entryFile = path.join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (existsSync(entryFile)) return { entryFile };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"private": true}\n');
  process.stderr.write('installing node-llama-cpp for the comparison\n');
  try {
    const parameters = ['install', `node-llama-cpp@${version}`, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', parameters, { cwd: folder, timeout: 300_000 });
  } catch (error) {
    return { reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
  return existsSync(entryFile) ? { entryFile } : { reason: 'its package has no dist/index.js' };
}
