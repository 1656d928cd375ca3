import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TunedFacts, TunedFiles } from './tuned-files.ts';

const spread = { median: 1.5, least: 1.4, most: 1.6 };
const facts: TunedFacts = {
  model: 'some-model',
  goal: 'balanced',
  recipe: { id: 'iq4_nl', base: 'iq4_nl', overrides: [] },
  source: 'sha256:abc',
  measured: {
    kl: 0.02,
    klError: 0.001,
    sameTop: 0.95,
    perplexity: 26,
    sourcePerplexity: 25,
    prefill: spread,
    decode: spread,
    eightStreams: spread,
  },
};
const signal = new AbortController().signal;
let root: string;
let files: TunedFiles;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'duanyun-tuned-'));
  files = new TunedFiles(root, 'this device');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function adopt(content: string, changed: Partial<TunedFacts> = {}): Promise<void> {
  const candidate = join(await files.newWorkFolder('some-model'), 'candidate.gguf');
  await writeFile(candidate, content);
  await files.adopt(candidate, { ...facts, ...changed }, new Date(0), signal);
}

describe('TunedFiles', () => {
  it('finds what was adopted, for the same source on the same device only', async () => {
    await adopt('weights');
    const found = await files.find('some-model', 'sha256:abc');
    expect(await readFile(found?.path ?? '', 'utf8')).toBe('weights');
    expect(found?.tuned.recipe.id).toBe('iq4_nl');
    expect(await files.find('some-model', 'sha256:other')).toBeUndefined();
    expect(await files.find('another-model', 'sha256:abc')).toBeUndefined();
    expect(await new TunedFiles(root, 'another device').find('some-model', 'sha256:abc')).toBeUndefined();
  });

  it('replaces the file that was there before and leaves no second one', async () => {
    await adopt('first');
    await adopt('second', { goal: 'speed' });
    const found = await files.find('some-model', 'sha256:abc');
    expect(await readFile(found?.path ?? '', 'utf8')).toBe('second');
    const left = await readdir(join(root, 'tuned', 'some-model'));
    expect(left.filter((name) => name.endsWith('.gguf'))).toHaveLength(1);
  });

  it('does not serve a file that was cut, and notices changed bytes', async () => {
    await adopt('weights');
    const path = (await files.find('some-model', 'sha256:abc'))?.path ?? '';
    await writeFile(path, 'Weights');
    expect(await files.verify('some-model', signal)).toBe(false);
    await truncate(path, 3);
    expect(await files.find('some-model', 'sha256:abc')).toBeUndefined();
  });

  it('takes a damaged or unknown recipe as none', async () => {
    await adopt('weights');
    const manifest = join(root, 'tuned', 'some-model', 'tuned.json');
    await writeFile(manifest, '{"version": 1');
    expect(await files.find('some-model', 'sha256:abc')).toBeUndefined();
    await writeFile(manifest, JSON.stringify({ ...facts, version: 2 }));
    expect(await files.find('some-model', 'sha256:abc')).toBeUndefined();
  });

  it('refuses a recipe whose file name leads elsewhere', async () => {
    await adopt('weights');
    const manifest = join(root, 'tuned', 'some-model', 'tuned.json');
    const tuned = JSON.parse(await readFile(manifest, 'utf8')) as { file: { name: string } };
    await writeFile(manifest, JSON.stringify({ ...tuned, file: { ...tuned.file, name: '../../other.gguf' } }));
    expect(await files.find('some-model', 'sha256:abc')).toBeUndefined();
  });

  it('throws away what a killed run left, and keeps what was in use', async () => {
    await adopt('weights');
    const folder = await files.newWorkFolder('some-model');
    await writeFile(join(folder, 'half.gguf'), 'half');
    expect(await readdir(await files.newWorkFolder('some-model'))).toEqual([]);
    expect(await files.find('some-model', 'sha256:abc')).toBeDefined();
  });

  it('goes back to the published file', async () => {
    await adopt('weights');
    expect(await files.remove('some-model')).toBe('weights'.length);
    expect(await files.find('some-model', 'sha256:abc')).toBeUndefined();
    expect(await files.remove('some-model')).toBe(0);
  });
});
