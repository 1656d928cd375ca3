/**
 * `duanyun/react-native` against the real packages' own types. They bring React Native and native code of 60 MB, so they are no
 * dependency of this project: the test takes them, without their install scripts, into a folder of its own.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const versions = { 'llama.rn': '0.12.9', 'whisper.rn': '0.7.4' };
const folder = path.join(root, 'node_modules', '.cache', 'duanyun-test', 'react-native');

/** What an application writes. */
const application = `
import { initLlama, type LlamaContext } from 'llama.rn';
import { initWhisper, type WhisperContext } from 'whisper.rn';
import { type Backend, LlamaBackend, type LlamaContextLike, type Transcriber, WhisperTranscriber, type WhisperContextLike } from 'duanyun/react-native';

export const backend: Backend = new LlamaBackend({
  model: 'qwen2.5-coder-0.5b',
  contextTokens: 4096,
  open: () => initLlama({ model: '/model.gguf', n_ctx: 4096, n_gpu_layers: 99 }),
});
export const transcriber: Transcriber = new WhisperTranscriber({
  model: 'whisper-base',
  open: () => initWhisper({ filePath: '/whisper.bin' }),
});
export const context = (real: LlamaContext): LlamaContextLike => real;
export const speech = (real: WhisperContext): WhisperContextLike => real;
`;

async function install(): Promise<string | undefined> {
  const isThere = Object.keys(versions).every((name) => existsSync(path.join(folder, 'node_modules', name)));
  if (isThere) return undefined;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"private": true}\n');
  const names = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
  try {
    await run('npm', ['install', ...names, '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'], {
      cwd: folder,
      timeout: 100_000,
    });
    return undefined;
  } catch (error) {
    return `the packages cannot be fetched: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
  }
}

it('takes the real contexts of llama.rn and whisper.rn', { timeout: 300_000 }, async ({ skip }) => {
  const missing = await install();
  if (missing !== undefined) skip(missing);
  writeFileSync(path.join(folder, 'application.ts'), application);
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'ES2023',
    lib: ['ES2023', 'DOM'],
    module: 'esnext',
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    types: [],
    // whisper.rn exports its parts and not itself; React Native's own tools read the older fields.
    resolvePackageJsonExports: false,
    paths: { 'duanyun/react-native': [path.join(root, 'src', 'mobile', 'index.ts')] },
  };
  const configuration = path.join(folder, 'tsconfig.json');
  writeFileSync(configuration, JSON.stringify({ compilerOptions: options, files: ['application.ts'] }));
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const said = await run(process.execPath, [compiler, '-p', configuration]).then(
    () => '',
    (error: { stdout?: string }) => error.stdout ?? 'the compiler did not start',
  );
  expect(said).toBe('');
});
