/**
 * Makes a clone ready: checks Node, installs the packages, builds. Does only what is missing, so that every start may call
 * it. Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  buildFingerprint,
  buildIsFresh,
  packagesAreFresh,
  stampBuild,
  stampPackages,
  webFingerprint,
  webIsFresh,
} from './lib/freshness.mjs';
import { withLock } from './lib/lock.mjs';

export const projectRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const oldestNode = [20, 19, 0];

/**
 * Throws an error with a message for the user when something cannot be made ready.
 * @param {{ quiet?: boolean, root?: string }} [options] `quiet` speaks only of what takes long
 */
export async function setUp({ quiet = false, root = projectRoot } = {}) {
  checkNode(process.versions.node);
  if (packagesAreFresh(root) && buildIsFresh(root) && webIsFresh(root)) return;
  const lockFile = path.join(root, '.duanyun', 'set-up.lock');
  await withLock(lockFile, { onWait: () => say('another set-up is running, waiting for it') }, async () => {
    // Looked at again: the process that held the lock may have done it all.
    if (!packagesAreFresh(root)) await install(root);
    if (!buildIsFresh(root)) await build(root, quiet);
    if (!webIsFresh(root)) await buildWeb(root, quiet);
  });
}

/** @param {string} version such as 20.19.0 */
export function checkNode(version) {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of oldestNode.entries()) {
    if (parts[index] > wanted) return;
    if (parts[index] < wanted) {
      throw new Error(`Node ${oldestNode.join('.')} or later is needed, this is ${version}. See https://nodejs.org.`);
    }
  }
}

async function install(root) {
  const started = Date.now();
  say('installing packages (about 200 MB, once) …');
  await run(npmCommand(), ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], root);
  stampPackages(root);
  say(`packages installed in ${seconds(started)}`);
}

async function build(root, quiet) {
  const started = Date.now();
  if (!quiet) say('building …');
  const fingerprint = buildFingerprint(root);
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await exchange(path.join(root, 'dist'), fingerprint, (next) =>
    run([process.execPath, compiler], ['-p', 'tsconfig.build.json', '--outDir', next], root),
  );
  if (!quiet) say(`built in ${seconds(started)}`);
}

/** The page that the server shows at `/`. */
async function buildWeb(root, quiet) {
  const started = Date.now();
  if (!quiet) say('building the page …');
  const fingerprint = webFingerprint(root);
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const quietly = ['--logLevel', 'warn', '--emptyOutDir'];
  await exchange(path.join(root, 'web', 'dist'), fingerprint, (next) =>
    run([process.execPath, vite], ['build', path.join(root, 'web'), '--outDir', next, ...quietly], root),
  );
  if (!quiet) say(`page built in ${seconds(started)}`);
}

/** Builds beside the old files and then exchanges, so that a server that runs from them never meets half a build. */
async function exchange(folder, fingerprint, work) {
  const next = `${folder}.next`;
  const old = `${folder}.old`;
  rmSync(next, { recursive: true, force: true });
  await work(next);
  stampBuild(next, fingerprint);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(next, folder);
  rmSync(old, { recursive: true, force: true });
}

/** The npm that runs this script where there is one, else the one on the path. */
function npmCommand() {
  const own = process.env.npm_execpath;
  if (own !== undefined && own.endsWith('npm-cli.js')) return [process.execPath, own];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

/** Its output goes to standard error: standard output belongs to the command that follows. */
function run([file, ...first], rest, cwd) {
  return new Promise((resolve, reject) => {
    const shell = file.endsWith('.cmd');
    const child = spawn(file, [...first, ...rest], { cwd, shell, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.pipe(process.stderr, { end: false });
    child.once('error', (error) => reject(new Error(`${path.basename(file)} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `${[path.basename(first.at(-1) ?? file), ...rest].join(' ')} failed (${signal ?? `exit code ${code}`})`,
          ),
        );
    });
  });
}

function say(text) {
  process.stderr.write(`duanyun: ${text}\n`);
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}

/** Prints the one line that a user needs and ends. */
export function fail(error) {
  process.stderr.write(`duanyun: set-up failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setUp().catch(fail);
}
