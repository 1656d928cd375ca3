/**
 * `npm run pack:client -- [FOLDER]`: what applications import as a package of its own, without the server and what the server
 * needs. It has the same name, so `duanyun/client`, `duanyun/ai-sdk` and `duanyun/react-native` are imported as from the whole
 * project.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fail, projectRoot, setUp } from './set-up.mjs';

/**
 * @param {string} folder where the package is to lie
 * @returns {Promise<{ file: string, sizeBytes: number, bundleBytes: number, gzipBytes: number }>}
 */
export async function packClient(folder) {
  const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8'));
  const stage = mkdtempSync(path.join(os.tmpdir(), 'duanyun-client-'));
  try {
    const isCode = (name) => /\.(js|d\.ts)$/.test(name);
    copyBuilt('client', stage, isCode);
    copyBuilt('mobile', stage, isCode);
    // The client takes only types of core; `react-native` a few files of it.
    const needed = neededOfCore('mobile');
    copyBuilt('core', stage, (name) => name.endsWith('.d.ts') || needed.has(name));
    cpSync(path.join(projectRoot, 'LICENSE'), path.join(stage, 'LICENSE'));
    cpSync(path.join(projectRoot, 'docs', 'client.md'), path.join(stage, 'README.md'));
    cpSync(path.join(projectRoot, 'docs', 'react-native.md'), path.join(stage, 'react-native.md'));
    const { name, version, license, type, exports, peerDependencies, peerDependenciesMeta } = manifest;
    const description =
      'Client of Duanyun for browsers, Node and React Native, a provider for the AI SDK, and models inside a React Native application.';
    writeFileSync(
      path.join(stage, 'package.json'),
      `${JSON.stringify({ name, version, description, license, type, sideEffects: false, exports, peerDependencies, peerDependenciesMeta }, undefined, 2)}\n`,
    );
    mkdirSync(folder, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: stage,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    });
    const file = path.join(folder, `duanyun-client-${version}.tgz`);
    renameSync(path.join(folder, JSON.parse(packed)[0].filename), file);
    return {
      file,
      sizeBytes: statSync(file).size,
      ...(await bundleSize(path.join(stage, 'dist', 'client', 'index.js'))),
    };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function copyBuilt(name, stage, wanted) {
  const from = path.join(projectRoot, 'dist', name);
  const to = path.join(stage, 'dist', name);
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from).filter(wanted)) {
    const text = readFileSync(path.join(from, file), 'utf8');
    // The maps stay behind, and with them the lines that name them.
    writeFileSync(path.join(to, file), `${text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '').trimEnd()}\n`);
  }
}

/** Names of the scripts of core that the scripts of a folder import, and those that they import. */
function neededOfCore(name) {
  const found = new Set();
  const visit = (folder, file) => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    for (const [, specifier] of text.matchAll(/from '(\.[^']+)'/g)) {
      const target = path.resolve(folder, specifier);
      const isCore = path.dirname(target) === path.join(projectRoot, 'dist', 'core');
      if (!isCore || found.has(path.basename(target))) continue;
      found.add(path.basename(target));
      visit(path.dirname(target), path.basename(target));
    }
  };
  const folder = path.join(projectRoot, 'dist', name);
  for (const file of readdirSync(folder).filter((each) => each.endsWith('.js'))) visit(folder, file);
  return found;
}

/** What it adds to a page: one minified file, and that compressed. */
async function bundleSize(input) {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({ input, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const [{ code, imports }, ...more] = output;
  if (more.length > 0 || imports.length > 0) throw new Error(`the bundle needs ${imports.join(', ')}`);
  return { bundleBytes: Buffer.byteLength(code), gzipBytes: gzipSync(code).length };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setUp().catch(fail);
  const { file, sizeBytes, bundleBytes, gzipBytes } = await packClient(path.resolve(process.argv[2] ?? '.')).catch(
    fail,
  );
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  process.stdout.write(
    `${path.relative('', file)}: ${kilobytes(sizeBytes)}; duanyun/client in a bundle: ${kilobytes(bundleBytes)}, ${kilobytes(gzipBytes)} with gzip\n`,
  );
}
