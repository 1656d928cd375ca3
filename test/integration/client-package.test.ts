/** The client library as its users get it: packed, installed into a project of theirs, compiled, bundled and run. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newServer } from '../support/app-client.ts';
import { projectRoot } from './duanyun-process.ts';

const execute = promisify(execFile);
const compiler = path.join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
const builtFolder = path.join(projectRoot, 'dist', 'client');

/** Uses every export once, as a user would write it. */
const consumer = `
import { audioPart, DuanyunClient, DuanyunClientError, imagePart } from 'duanyun/client';
import type { ChatAnswer, ChatEvent, ChatMessage, FetchFunction, Receipt, Route } from 'duanyun/client';

const own: FetchFunction = (url, init) => fetch(url, init);
const client = new DuanyunClient({ baseUrl: 'http://127.0.0.1:8000', apiKey: 'k', fetch: own, maxRetries: 1 });
export async function ask(picture: Blob, bytes: Uint8Array): Promise<ChatAnswer> {
  const messages: ChatMessage[] = [
    { role: 'user', content: [await imagePart(picture), await audioPart(bytes), { type: 'text', text: '?' }] },
  ];
  const stream = client.stream({ messages, duanyun: { preference: 'only_on_device' } }, { timeoutMs: 1000 });
  for await (const event of stream) show(event);
  return stream.answer();
}
function show(event: ChatEvent): string {
  switch (event.type) {
    case 'start': return event.model;
    case 'waiting': return event.reason;
    case 'text-delta':
    case 'reasoning-delta': return event.text;
    case 'tool-call-delta': return event.arguments;
    case 'read': return String(event.read.pictures.length);
    case 'finish': return event.answer.finishReason;
  }
}
export async function where(route: Route): Promise<Receipt | undefined> {
  try {
    return await client.receipt(route.receiptId);
  } catch (error) {
    if (error instanceof DuanyunClientError && error.code === 'not_found') return undefined;
    throw error;
  }
}
// @ts-expect-error a mistyped wish is refused by the compiler too
void client.chat({ messages: [], duanyun: { preference: 'on_device' } });
// @ts-expect-error no such field
void client.chat({ messages: [], temprature: 1 });
`;
const aiConsumer = `
import { createDuanyun, routeOf, type DuanyunProviderOptions } from 'duanyun/ai-sdk';
import { generateText } from 'ai';
const options = { privacy: 'private' } satisfies DuanyunProviderOptions;
const model = createDuanyun({ baseURL: 'http://127.0.0.1:8000' })('auto');
export const result = generateText({ model, prompt: '?', providerOptions: { duanyun: options } });
export const target = result.then(({ providerMetadata }) => routeOf(providerMetadata)?.target);
`;

const mobileConsumer = `
import { DuanyunError, LlamaBackend, plainRequest, WhisperTranscriber, type Backend, type LlamaContextLike, type StreamEvent, type Transcriber, type WhisperContextLike } from 'duanyun/react-native';
declare const llama: LlamaContextLike;
declare const whisper: WhisperContextLike;
export const backend: Backend = new LlamaBackend({ model: 'small', contextTokens: 4096, open: async () => llama });
export const ears: Transcriber = new WhisperTranscriber({ model: 'base', open: async () => whisper });
export async function ask(): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  try {
    for await (const event of backend.stream(plainRequest('1', '?', { model: 'small' }), new AbortController())) events.push(event);
  } catch (error) {
    if (error instanceof DuanyunError && error.code === 'engine_unavailable') return events;
    throw error;
  }
  return events;
}
// @ts-expect-error a context has to be opened by somebody
export const none = new LlamaBackend({ model: 'small', contextTokens: 4096 });
`;

let said = '';
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-consumer-'));
  said = (await execute(process.execPath, [path.join(projectRoot, 'scripts', 'pack-client.mjs'), folder])).stdout;
  const file = path.join(folder, readdirSync(folder).find((name) => /^duanyun-client-.*\.tgz$/.test(name)) ?? 'none');
  writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
  // Nothing is asked of a registry: the package needs no other.
  await execute('npm', ['install', '--offline', '--no-audit', '--no-fund', file], {
    cwd: folder,
    shell: process.platform === 'win32',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function compile(file: string, text: string, options: object): Promise<string> {
  writeFileSync(path.join(folder, file), text);
  const compilerOptions = { noEmit: true, strict: true, target: 'ES2022', types: [], ...options };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  return execute(process.execPath, [compiler, '-p', folder]).then(
    () => '',
    (error: unknown) => String((error as { stdout?: string }).stdout ?? error),
  );
}

describe('the package of the client library', () => {
  it('is small, holds nothing of the server, and needs no other package', () => {
    process.stderr.write(said);
    const kilobytes = Number(/([\d.]+) kB with gzip\n$/.exec(said)?.[1]);
    expect(kilobytes).toBeLessThan(10);
    // What the documents say.
    const stated = readFileSync(path.join(projectRoot, 'docs', 'client.md'), 'utf8');
    expect(Math.abs(kilobytes - Number(/([\d.]+) kB with gzip/.exec(stated)?.[1]))).toBeLessThan(0.5);
    const root = path.join(folder, 'node_modules', 'duanyun');
    expect(readdirSync(path.join(root, 'dist')).toSorted()).toEqual(['client', 'core', 'mobile']);
    // No more of core than `react-native` runs on.
    expect(readdirSync(path.join(root, 'dist', 'core')).filter((name) => name.endsWith('.js'))).toEqual([
      'errors.js',
      'event-queue.js',
      'in-order.js',
      'plain-request.js',
    ]);
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).toMatchObject({
      name: 'duanyun',
      peerDependenciesMeta: { '@ai-sdk/openai-compatible': { optional: true } },
    });
  });

  it('imports only its own files, the provider for the AI SDK excepted', () => {
    const imported = readdirSync(builtFolder)
      .filter((name) => name.endsWith('.js'))
      .flatMap((name) => {
        const text = readFileSync(path.join(builtFolder, name), 'utf8');
        return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, what = '']) => ({ name, what }));
      });
    expect(imported.length).toBeGreaterThan(5);
    const foreign = imported.filter(({ what }) => !/^\.\/[\w-]+\.js$/.test(what));
    expect(foreign).toEqual([{ name: 'ai-sdk.js', what: '@ai-sdk/openai-compatible' }]);
    const text = readdirSync(builtFolder)
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(path.join(builtFolder, name), 'utf8'))
      .join('\n');
    expect(text).not.toMatch(/\b(Buffer|process|require|setImmediate|__dirname)\b\s*[.(]/);
  });

  it.each([
    [
      'bundler, for a browser',
      { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2023', 'DOM', 'DOM.AsyncIterable'] },
    ],
    [
      'node16, for a browser',
      { module: 'node16', moduleResolution: 'node16', lib: ['ES2023', 'DOM', 'DOM.AsyncIterable'] },
    ],
    ['node16, for Node', { module: 'node16', moduleResolution: 'node16', lib: ['ES2023'], types: ['node'] }],
  ])('is type-checked in a project of a user: %s', async (_, options) => {
    const typeRoots = [path.join(projectRoot, 'node_modules', '@types')];
    expect(await compile('consumer.ts', consumer, { ...options, typeRoots })).toBe('');
  });

  it('carries the adapter for React Native, with types that name no other package', async () => {
    const options = { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2023', 'DOM'] };
    expect(await compile('mobile.ts', mobileConsumer, options)).toBe('');
  });

  it('is type-checked with the AI SDK', async () => {
    for (const name of [
      'ai',
      '@ai-sdk',
      'zod',
      '@opentelemetry',
      '@vercel',
      '@standard-schema',
      'eventsource-parser',
      'json-schema',
    ]) {
      symlinkSync(path.join(projectRoot, 'node_modules', name), path.join(folder, 'node_modules', name));
    }
    const typeRoots = [path.join(projectRoot, 'node_modules', '@types')];
    const options = {
      module: 'esnext',
      moduleResolution: 'bundler',
      types: ['node'],
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    };
    expect(await compile('ai.ts', aiConsumer, { ...options, typeRoots, skipLibCheck: true })).toBe('');
  });

  it('runs the adapter for React Native over a context that is given to it', async () => {
    const script = `
      import { LlamaBackend, plainRequest } from 'duanyun/react-native';
      const backend = new LlamaBackend({
        model: 'small',
        contextTokens: 64,
        open: () => Promise.reject(new Error('no model')),
      });
      const events = backend.stream(plainRequest('1', 'hi', { model: 'small' }), new AbortController());
      await events[Symbol.asyncIterator]().next().catch((error) => console.log(error.name, error.code));`;
    writeFileSync(path.join(folder, 'mobile.mjs'), script);
    const { stdout } = await execute(process.execPath, [path.join(folder, 'mobile.mjs')]);
    expect(stdout.trim()).toBe('DuanyunError engine_unavailable');
  });

  it('runs', async () => {
    const server = await newServer();
    try {
      const script = `
        import { DuanyunClient } from 'duanyun/client';
        const { text } = await new DuanyunClient({ baseUrl: process.argv[2] }).chat('hi');
        console.log(text);`;
      writeFileSync(path.join(folder, 'run.mjs'), script);
      const { stdout } = await execute(process.execPath, [path.join(folder, 'run.mjs'), server.url]);
      expect(stdout.trim()).toBe('You said: hi');
    } finally {
      await server.close(0);
    }
  });
});

it('the whole package carries what its exports name', async () => {
  const { stdout } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: projectRoot,
    maxBuffer: 32 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const names = files.map((file) => file.path);
  const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  const targets = Object.values(manifest.exports).flatMap((each) =>
    typeof each === 'string' ? [each] : Object.values(each),
  );
  expect(targets.map((target) => target.replace('./', '')).filter((target) => !names.includes(target))).toEqual([]);
  expect(names.filter((name) => name.startsWith('src/') || name.startsWith('test/'))).toEqual([]);
});
