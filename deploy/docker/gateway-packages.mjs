/**
 * Writes the package files of the gateway: those of the project without what only a device or a developer needs, so that
 * `npm ci` in that folder installs some twenty megabytes instead of hundreds.
 *
 * usage: node gateway-packages.mjs PROJECT OUT
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Native code for models, pictures and speech, and the charts of `duanyun bench`. The role `cloud` never loads them;
 * `test/deploy/gateway-image.test.ts` runs it without.
 */
const notForGateway = /^(@qvac\/|koffi$|@koromix\/koffi-|sharp$|@img\/|sherpa-onnx|onnxruntime-|echarts$)/;

const [project = '.', out = 'gateway'] = process.argv.slice(2);
const manifest = readJson('package.json');
const lock = readJson('package-lock.json');

manifest.dependencies = keep(manifest.dependencies);
if (manifest.optionalDependencies !== undefined) manifest.optionalDependencies = keep(manifest.optionalDependencies);
for (const name of ['devDependencies', 'scripts', 'exports', 'peerDependencies', 'peerDependenciesMeta']) {
  delete manifest[name];
}

const root = { ...lock.packages[''], dependencies: manifest.dependencies };
if (manifest.optionalDependencies !== undefined) root.optionalDependencies = manifest.optionalDependencies;
for (const name of ['devDependencies', 'peerDependencies', 'peerDependenciesMeta']) delete root[name];
const reachable = packagesOf(root);
lock.packages = {
  '': root,
  ...Object.fromEntries(Object.entries(lock.packages).filter(([place]) => reachable.has(place))),
};

mkdirSync(out, { recursive: true });
for (const [name, content] of [
  ['package.json', manifest],
  ['package-lock.json', lock],
]) {
  writeFileSync(path.join(out, name), `${JSON.stringify(content, undefined, 2)}\n`);
}

function keep(dependencies) {
  return Object.fromEntries(Object.entries(dependencies ?? {}).filter(([name]) => !notForGateway.test(name)));
}

/** Places in the lock file that the root still reaches; a name is looked up from the folder of who needs it, as Node does. */
function packagesOf(start) {
  const found = new Set();
  const waiting = [['', start]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [place, entry] = next;
    const wanted = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies };
    for (const name of Object.keys(wanted)) {
      const target = resolve(place, name);
      if (target === undefined || found.has(target) || notForGateway.test(name)) continue;
      found.add(target);
      waiting.push([target, lock.packages[target]]);
    }
  }
  return found;
}

function resolve(place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (lock.packages[candidate] !== undefined) return candidate;
    if (folder === '') return undefined;
  }
}

function readJson(name) {
  return JSON.parse(readFileSync(path.join(project, name), 'utf8'));
}
