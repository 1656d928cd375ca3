/** Tells whether the installed packages and the built files still belong to the sources. No dependencies. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const packagesStamp = path.join('node_modules', '.duanyun-stamp');
const buildStamp = path.join('dist', '.stamp');

/** @param {string} root */
export function packagesAreFresh(root) {
  if (!existsSync(path.join(root, 'node_modules'))) return false;
  if (readText(path.join(root, packagesStamp)) === packagesFingerprint(root)) return true;
  if (!installedMatchesLock(root)) return false;
  // Someone ran npm by hand, and what it installed is what the lock file wants.
  stampPackages(root);
  return true;
}

/** @param {string} root */
export function stampPackages(root) {
  writeFileSync(path.join(root, packagesStamp), packagesFingerprint(root));
}

/** @param {string} root */
export function buildIsFresh(root) {
  // An installed package has no sources to build from.
  if (!existsSync(path.join(root, 'src'))) return true;
  return (
    existsSync(path.join(root, 'dist', 'main.js')) && readText(path.join(root, buildStamp)) === buildFingerprint(root)
  );
}

/**
 * @param {string} folder of the built files
 * @param {string} fingerprint taken before the build, so that a source saved during it is built again
 */
export function stampBuild(folder, fingerprint) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, '.stamp'), fingerprint);
}

const webStamp = path.join('web', 'dist', '.stamp');

/** @param {string} root */
export function webIsFresh(root) {
  if (!existsSync(path.join(root, 'web', 'vite.config.ts'))) return true;
  return (
    existsSync(path.join(root, 'web', 'dist', 'index.html')) &&
    readText(path.join(root, webStamp)) === webFingerprint(root)
  );
}

/** What the page is built from, besides its own folder. */
const webSources = ['web', 'src/core', 'src/signals', 'src/routing', 'src/hybrid', 'src/cloud'];

/** Hash of names and contents: a file that was only checked out anew builds nothing. About 10 ms. */
export function webFingerprint(root) {
  const hash = createHash('sha256').update(packagesFingerprint(root));
  for (const folder of webSources) {
    if (!existsSync(path.join(root, folder))) continue;
    const names = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
      .filter((name) => !/^web.dist(\.|\/|\\)/.test(name) && !/\.(test\.tsx?|tsv)$/.test(name));
    for (const name of names.toSorted()) {
      const content = readFileSync(path.join(root, name));
      hash.update(`${name}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}

/** Hash of names, sizes and times of everything that the build reads. */
export function buildFingerprint(root) {
  const hash = createHash('sha256').update(packagesFingerprint(root));
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) hash.update(describe(path.join(root, name)));
  for (const name of readdirSync(path.join(root, 'src'), { recursive: true }).map(String).toSorted()) {
    if (/\.(ts|json)$/.test(name) && !name.endsWith('.test.ts'))
      hash.update(name + describe(path.join(root, 'src', name)));
  }
  return hash.digest('hex');
}

/** The native packages differ by platform, so one folder shared by two machines is installed anew. */
function packagesFingerprint(root) {
  const lock = readText(path.join(root, 'package-lock.json')) ?? '';
  return createHash('sha256').update(`${process.platform}-${process.arch}\n${lock}`).digest('hex');
}

function installedMatchesLock(root) {
  const wanted = parse(readText(path.join(root, 'package-lock.json')));
  const installed = parse(readText(path.join(root, 'node_modules', '.package-lock.json')));
  if (wanted?.packages === undefined || installed?.packages === undefined) return false;
  return Object.entries(wanted.packages).every(([name, { version, optional, integrity }]) => {
    if (name === '') return true;
    const found = installed.packages[name];
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function parse(text) {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function describe(file) {
  const status = existsSync(file) ? statSync(file) : undefined;
  return status === undefined ? 'absent' : `${status.size}:${status.mtimeMs}`;
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
