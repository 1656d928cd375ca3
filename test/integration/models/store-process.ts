/** Runs the model store in a real process of its own, for tests that kill it or run several. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const source = fileURLToPath(new URL('../../../src/models/model-store.ts', import.meta.url));

export type StoreProcess = {
  process: ChildProcess;
  /** One parsed event for each line so far. */
  events: { type: string; [field: string]: unknown }[];
  /** Exit code; `null` after a signal. */
  exited: Promise<number | null>;
  errors: () => string;
};

/** Node 20 runs no TypeScript, so the store is bundled once. Returns the script's path. */
export async function bundleStore(directory: string): Promise<string> {
  const bundle = await rolldown({ input: source, platform: 'node', logLevel: 'silent' });
  await bundle.write({ file: join(directory, 'store.mjs'), format: 'esm', codeSplitting: false });
  await bundle.close();
  const script = join(directory, 'pull.mjs');
  await mkdir(directory, { recursive: true });
  await writeFile(
    script,
    `import { ModelStore } from './store.mjs';
const { options, model } = JSON.parse(process.argv[2]);
const store = new ModelStore(options);
for await (const event of store.pull(model, { signal: new AbortController().signal })) console.log(JSON.stringify(event));
await store.dispose();`,
  );
  return script;
}

export function startPull(script: string, options: object, model: string): StoreProcess {
  const child = spawn(process.execPath, [script, JSON.stringify({ options, model })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: StoreProcess['events'] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line) => JSON.parse(line) as StoreProcess['events'][number]));
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { process: child, events, exited, errors: () => errors };
}
