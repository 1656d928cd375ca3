/** Puts the other gateway into a folder of the benchmark's own, since it is no dependency of the product. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const name = '@portkey-ai/gateway';
export const portkeyVersion = '1.15.2';

export async function installPortkey(): Promise<{ entryFile: string } | { reason: string }> {
  const root = path.dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));
  const folder = path.join(root, 'node_modules', '.cache', 'duanyun-bench', `portkey-${portkeyVersion}`);
  const entryFile = path.join(folder, 'node_modules', name, 'build', 'start-server.js');
  if (existsSync(entryFile)) return { entryFile };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"private": true}\n');
  process.stderr.write(`installing ${name} for the comparison\n`);
  try {
    const parameters = ['install', `${name}@${portkeyVersion}`, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', parameters, { cwd: folder, timeout: 300_000 });
  } catch (error) {
    return { reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
  return existsSync(entryFile) ? { entryFile } : { reason: 'its package has no build/start-server.js' };
}
