/** `npm run bench:NAME -- ARGUMENTS`: set-up, compiles the benchmarks, then runs one in this very process. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, projectRoot, setUp } from './set-up.mjs';

const [name = ''] = process.argv.slice(2);
const folder = path.join(projectRoot, 'bench');
const known = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
if (!known.some((entry) => entry.name === name)) {
  fail(new Error(`There is no benchmark ${name}. There are: ${known.map((entry) => entry.name).join(', ')}.`));
}
await setUp().catch(fail);
const compiler = path.join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.bench.json'], {
  cwd: projectRoot,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
// The product reads its version from there.
copyFileSync(path.join(projectRoot, 'package.json'), path.join(projectRoot, '.bench', 'package.json'));
const main = path.join(projectRoot, '.bench', 'bench', name, 'main.js');
process.argv.splice(1, 2, main);
await import(pathToFileURL(main).href);
