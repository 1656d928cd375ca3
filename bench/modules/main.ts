/**
 * The life of the modules, watched on a real server: load, use, idle, unload, load again; and what a second question about
 * the same picture costs against the first.
 *
 *     npm run bench:modules -- [--factor 40] [--pixels 448] [--pictures 5] [--idle-seconds 4] [--json]
 *
 * The model is a random one of the GLM-4V architecture, made for the run from a fixture. Targets: memory after unloading at
 * most 1.05 times what it was before the module was ever loaded; time to first token of the second question at most 0.3
 * times the first's.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { residentBytes } from '../engine/memory.js';
import { makePng } from './make-png.js';
import { scaleGguf } from './scale-gguf.js';

const { values } = parseArgs({
  options: {
    factor: { type: 'string', default: '40' },
    pixels: { type: 'string', default: '448' },
    pictures: { type: 'string', default: '5' },
    'idle-seconds': { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const idleSeconds = Number(values['idle-seconds']);
const pixels = Number(values.pixels);
/** Compiled to `.bench/bench/modules`. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-modules-'));

type Module = { name: string; state: string; resident_bytes: number };
type Stage = { stage: string; server: number; engine: number; language: string; vision: string };
const stages: Stage[] = [];

function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<void> {
  const weights = path.join(folder, 'language.gguf');
  const projector = path.join(folder, 'projector.gguf');
  log('making the model …');
  for (const [name, target] of [
    ['glm4v', weights],
    ['glm4v-projector', projector],
  ] as const) {
    await scaleGguf(path.join(root, 'test/fixtures/vision', `${name}.gguf`), target, Number(values.factor));
  }
  const server = start(weights, projector);
  try {
    await measure(server, await server.url);
  } finally {
    server.child.kill('SIGINT');
    await server.ended;
    rmSync(folder, { recursive: true });
  }
}

type Server = { child: ChildProcess; url: Promise<string>; enginePid(): number | undefined; ended: Promise<void> };

function start(weights: string, projector: string): Server {
  const flags = ['--model', weights, '--projector', projector, '--module-idle-seconds', String(idleSeconds)];
  const child = spawn(
    process.execPath,
    [
      path.join(root, '.bench/src/main.js'),
      'serve',
      '--port',
      '0',
      '--log-format',
      'json',
      '--context',
      '2048',
      ...flags,
    ],
    { env: { ...process.env, DUANYUN_HOME: path.join(folder, 'home') }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const url = (async () => {
    for (;;) {
      const found = /listens on (http:\S+)/.exec(output.out)?.[1];
      if (found !== undefined && /^Ready/m.test(output.out)) return found;
      if (child.exitCode !== null) throw new Error(`the server ended: ${output.out}${output.err}`);
      await sleep(50);
    }
  })();
  /** Of the engine that was started last; after an unloading it is nobody's. */
  const enginePid = (): number | undefined => {
    const pid = [...output.err.matchAll(/"pid":(\d+)/g)].at(-1)?.[1];
    return pid === undefined ? undefined : Number(pid);
  };
  return { child, url, enginePid, ended };
}

async function measure(server: Server, url: string): Promise<void> {
  const mark = async (stage: string): Promise<Stage> => {
    // What the last request left in buffers of the kernel and the collector settles.
    await sleep(1_500);
    const { data } = (await (await fetch(`${url}/v1/modules`)).json()) as { data: Module[] };
    const state = (name: string): string => data.find((each) => each.name === name)?.state ?? '-';
    const marked: Stage = {
      stage,
      server: residentBytes(server.child.pid),
      engine: state('language') === 'unloaded' ? 0 : memoryOf(server.enginePid()),
      language: state('language'),
      vision: state('vision'),
    };
    stages.push(marked);
    log(
      `${stage.padEnd(40)} server ${mib(marked.server)}, engine ${mib(marked.engine)}, ${marked.language}, ${marked.vision}`,
    );
    return marked;
  };
  const until = async (name: string, wanted: string): Promise<void> => {
    for (;;) {
      const { data } = (await (await fetch(`${url}/v1/modules`)).json()) as { data: Module[] };
      if (data.find((each) => each.name === name)?.state === wanted) return;
      await sleep(100);
    }
  };

  // As long as the prompts with pictures, so that what the language model itself takes for them counts as before.
  for (let round = 0; round < 6; round++) await ask(url, undefined, `${round} what is it? `.repeat(50));
  const before = await mark('text only, vision never loaded');
  await ask(url, makePng(pixels, pixels, 1_000), 'what is it?');
  await mark('vision loaded and used');
  await until('vision', 'idle');
  await mark('vision idle');
  await until('vision', 'unloaded');
  const idled = await mark('vision unloaded after its idle time');
  const ratios: { first: number; second: number }[] = [];
  for (let index = 0; index < Number(values.pictures); index++) {
    const picture = makePng(pixels, pixels, index);
    const first = await ask(url, picture, 'what is it?');
    const second = await ask(url, picture, 'which colour is it?');
    ratios.push({ first, second });
    log(`picture ${index + 1}: first question ${first.toFixed(0)} ms, second ${second.toFixed(0)} ms`);
  }
  await mark('vision loaded again and used');
  await fetch(`${url}/v1/modules/vision/unload`, { method: 'POST' });
  const unloaded = await mark('vision unloaded by hand');
  await fetch(`${url}/v1/modules/language/unload`, { method: 'POST' });
  const without = await mark('language unloaded by hand');
  await ask(url, undefined, 'hello');
  await mark('language loaded again by a request');
  // The first picture of a run also loads the projector.
  report(before, [idled, unloaded], without, ratios.slice(1));
}

function report(before: Stage, after: Stage[], without: Stage, asked: { first: number; second: number }[]): void {
  const ratios = asked.map(({ first, second }) => second / first).toSorted((left, right) => left - right);
  const result = {
    engineAfterUnloadingVision: Math.max(...after.map(({ engine }) => engine)) / before.engine,
    treeAfterUnloadingVision:
      Math.max(...after.map(({ engine, server }) => engine + server)) / (before.engine + before.server),
    engineAfterUnloadingLanguage: without.engine,
    secondQuestion: { median: ratios[Math.floor(ratios.length / 2)], lowest: ratios[0], highest: ratios.at(-1) },
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ stages, asked, ...result }, null, 2)}\n`);
    return;
  }
  const rows = stages.map(
    ({ stage, server, engine, language, vision }) =>
      `| ${stage} | ${mib(server)} | ${mib(engine)} | ${language} | ${vision} |`,
  );
  const { median = Number.NaN, lowest = Number.NaN, highest = Number.NaN } = result.secondQuestion;
  process.stdout.write(
    [
      '| stage | server | engine | language | vision |',
      '|---|---|---|---|---|',
      ...rows,
      '',
      `engine after unloading vision ÷ before it was ever loaded: ${result.engineAfterUnloadingVision.toFixed(3)} (target ≤ 1.05)`,
      `server and engine together: ${result.treeAfterUnloadingVision.toFixed(3)}`,
      `engine after unloading the language model: ${mib(without.engine)}`,
      `time to first token, second question ÷ first: median ${median.toFixed(3)}, ${lowest.toFixed(3)}–${highest.toFixed(3)} (target ≤ 0.3)`,
      '',
    ].join('\n'),
  );
}

/** Milliseconds to the first token. */
async function ask(url: string, picture: Buffer | undefined, question: string): Promise<number> {
  const image =
    picture === undefined
      ? []
      : [{ type: 'image_url', image_url: { url: `data:image/png;base64,${picture.toString('base64')}` } }];
  const body = JSON.stringify({
    model: 'edge',
    stream: true,
    max_tokens: 4,
    messages: [{ role: 'user', content: [...image, { type: 'text', text: question }] }],
  });
  const startedMs = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}: ${await response.text()}`);
  let firstMs: number | undefined;
  let text = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    // The opening chunk has no content yet.
    if (firstMs === undefined && /"content":"[^"]/.test(text)) firstMs = performance.now() - startedMs;
  }
  if (!text.includes('[DONE]')) throw new Error(`a broken answer: ${text.slice(-300)}`);
  return firstMs ?? performance.now() - startedMs;
}

function memoryOf(pid: number | undefined): number {
  try {
    return residentBytes(pid);
  } catch {
    return 0;
  }
}

function mib(sizeBytes: number): string {
  return `${(sizeBytes / 1024 ** 2).toFixed(1)} MiB`;
}

await main();
