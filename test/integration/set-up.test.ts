/** The set-up of a clone, in a small project with an npm and a compiler that only note that they were called. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from './duanyun-process.ts';

/** Installs a compiler that builds after a while, as the real npm would. */
const fakeNpm = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync('calls.log', 'npm ' + process.argv.slice(2).join(' ') + '\\n');
await new Promise((resolve) => setTimeout(resolve, 300));
mkdirSync('node_modules/typescript/bin', { recursive: true });
writeFileSync('node_modules/typescript/bin/tsc', \`
  const { appendFileSync, mkdirSync, writeFileSync, readFileSync } = require('node:fs');
  const out = process.argv[process.argv.indexOf('--outDir') + 1];
  appendFileSync('calls.log', 'tsc\\\\n');
  const source = readFileSync('src/main.ts', 'utf8');
  if (source.includes('mistake')) { console.log('src/main.ts(1,1): error'); process.exit(2); }
  mkdirSync(out, { recursive: true });
  writeFileSync(out + '/main.js', source);
\`);
mkdirSync('node_modules/vite/bin', { recursive: true });
writeFileSync('node_modules/vite/bin/vite.js', \`
  const { appendFileSync, mkdirSync, writeFileSync, readFileSync } = require('node:fs');
  const out = process.argv[process.argv.indexOf('--outDir') + 1];
  appendFileSync('calls.log', 'vite\\\\n');
  const source = readFileSync('web/index.html', 'utf8');
  mkdirSync(out, { recursive: true });
  writeFileSync(out + '/index.html', source);
  if (source.includes('mistake')) process.exit(1);
\`);
`;

function newProject(): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'duanyun-set-up-'));
  cpSync(path.join(projectRoot, 'scripts'), path.join(root, 'scripts'), { recursive: true });
  mkdirSync(path.join(root, 'src'));
  writeFileSync(path.join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(
    path.join(root, 'package-lock.json'),
    '{"packages":{"":{},"node_modules/typescript":{"version":"1.0.0"}}}',
  );
  writeFileSync(path.join(root, 'tsconfig.json'), '{}');
  writeFileSync(path.join(root, 'src', 'main.ts'), 'process.stdout.write(JSON.stringify(process.argv.slice(2)));');
  writeFileSync(path.join(root, 'npm-cli.js'), fakeNpm);
  return root;
}

async function run(root: string, script = 'set-up.mjs', args: string[] = []) {
  const child = spawn(process.execPath, [path.join(root, 'scripts', script), ...args], {
    cwd: root,
    env: { ...process.env, npm_execpath: path.join(root, 'npm-cli.js') },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

function calls(root: string): string[] {
  return readFileSync(path.join(root, 'calls.log'), 'utf8').trim().split('\n');
}

const install = 'npm ci --include=dev --no-audit --no-fund --loglevel=error';

describe('the set-up of a clone', () => {
  it('installs and builds once, then costs nothing', async () => {
    const root = newProject();
    const first = await run(root);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/installing packages[^]*building/);
    expect(await run(root)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(calls(root)).toEqual([install, 'tsc']);
  });

  it('builds again when a source changed, and installs again when the lock file did', async () => {
    const root = newProject();
    await run(root);
    utimesSync(path.join(root, 'src', 'main.ts'), new Date(), new Date(Date.now() + 5_000));
    await run(root);
    expect(calls(root)).toEqual([install, 'tsc', 'tsc']);
    writeFileSync(path.join(root, 'package-lock.json'), '{"packages":{"node_modules/typescript":{"version":"2.0.0"}}}');
    await run(root);
    expect(calls(root)).toEqual([install, 'tsc', 'tsc', install, 'tsc']);
  });

  it('does not install what was installed by hand from the same lock file', async () => {
    const root = newProject();
    await run(root);
    mkdirSync(path.join(root, 'node_modules', 'x'), { recursive: true });
    writeFileSync(path.join(root, 'node_modules', '.duanyun-stamp'), 'of another day');
    writeFileSync(
      path.join(root, 'node_modules', '.package-lock.json'),
      '{"packages":{"node_modules/typescript":{"version":"1.0.0"}}}',
    );
    await run(root);
    expect(calls(root)).toEqual([install, 'tsc']);
  });

  it('two at once do the work once', async () => {
    const root = newProject();
    const results = await Promise.all([run(root), run(root), run(root)]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(calls(root)).toEqual([install, 'tsc']);
    expect(results.filter(({ stderr }) => stderr.includes('waiting for it'))).toHaveLength(2);
  });

  it('does not wait for a process that is gone', async () => {
    const root = newProject();
    mkdirSync(path.join(root, '.duanyun'));
    const lock = JSON.stringify({ pid: 2 ** 22 + 1, host: os.hostname() });
    writeFileSync(path.join(root, '.duanyun', 'set-up.lock'), lock);
    expect((await run(root)).code).toBe(0);
    expect(existsSync(path.join(root, '.duanyun', 'set-up.lock'))).toBe(false);
  });

  it('keeps the last build when the new one fails, and says why', async () => {
    const root = newProject();
    await run(root);
    writeFileSync(path.join(root, 'src', 'main.ts'), 'a mistake');
    const { code, stderr } = await run(root);
    expect(code).toBe(1);
    expect(stderr).toContain('src/main.ts(1,1): error');
    expect(stderr).toMatch(/duanyun: set-up failed: tsc .* failed \(exit code 2\)\n$/);
    expect(readFileSync(path.join(root, 'dist', 'main.js'), 'utf8')).toContain('argv');
  });

  it('builds the page by its content: what is only checked out anew costs nothing, and a failure keeps the last one', async () => {
    const root = newProject();
    mkdirSync(path.join(root, 'web'));
    writeFileSync(path.join(root, 'web', 'vite.config.ts'), '');
    const document = path.join(root, 'web', 'index.html');
    writeFileSync(document, 'one');
    await run(root);
    utimesSync(document, new Date(), new Date(Date.now() + 5_000));
    await run(root);
    expect(calls(root)).toEqual([install, 'tsc', 'vite']);
    writeFileSync(document, 'two');
    await run(root);
    expect(calls(root)).toEqual([install, 'tsc', 'vite', 'vite']);
    writeFileSync(document, 'a mistake');
    const { code, stderr } = await run(root);
    expect(code).toBe(1);
    expect(stderr).toMatch(/set-up failed: vite.js build .* failed/);
    expect(readFileSync(path.join(root, 'web', 'dist', 'index.html'), 'utf8')).toBe('two');
  });

  it('npm start passes its arguments on to serve', async () => {
    const root = newProject();
    const { stdout } = await run(root, 'start.mjs', ['--port', '8131', '--model', 'smollm2-135m']);
    expect(JSON.parse(stdout)).toEqual(['serve', '--port', '8131', '--model', 'smollm2-135m']);
  });

  it('refuses an old Node in words', async () => {
    const root = newProject();
    writeFileSync(
      path.join(root, 'scripts', 'old.mjs'),
      "import { checkNode, fail } from './set-up.mjs'; try { checkNode('20.18.3'); } catch (error) { fail(error); }",
    );
    const { code, stderr } = await run(root, 'old.mjs');
    expect(code).toBe(1);
    expect(stderr).toContain('Node 20.19.0 or later is needed, this is 20.18.3');
  });
});
