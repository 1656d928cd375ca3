import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newApp } from '../../../test/support/app-client.ts';
import { ScriptedBackend } from '../../../test/support/scripted-backend.ts';
import type { ModelAdministration } from '../../core/model-store.ts';
import { loadCatalogue } from '../../models/catalogue.ts';
import type { AppParts } from '../options.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-weights-'));
const file = path.join(folder, 'weights');
writeFileSync(file, 'GGUF and more');
afterAll(() => rmSync(folder, { recursive: true }));
const catalogue = loadCatalogue().models;
const small = catalogue.find(({ id }) => id === 'smollm2-135m');
if (small === undefined) throw new Error('the catalogue has no SmolLM2');
const sha256 = small.files[0]?.sha256 ?? '';
const admin = {
  catalogue: () => catalogue,
  // As after `duanyun optimize`: the page gets the published file.
  installed: async () => [
    {
      entry: small,
      weightsPath: '/nowhere',
      sizeBytes: 13,
      source: '',
      tuned: { goal: '', recipe: '', sourcePath: file },
    },
  ],
} as unknown as ModelAdministration;

describe('weights for the page', () => {
  const app = (options: Partial<AppParts['options']> = {}) =>
    newApp(new ScriptedBackend(), { admin, web: { files: new Map() }, options: { ...options } });
  const get = (headers: Record<string, string> = {}, options: Partial<AppParts['options']> = {}, name = sha256) =>
    app(options).request(`http://127.0.0.1/v1/duanyun/weights/${name}`, { headers });

  it('lists what a page can run, and what of it is here', async () => {
    const response = await app().request('http://127.0.0.1/v1/duanyun/weights');
    const { data } = (await response.json()) as { data: { id: string; installed: boolean; sizeBytes: number }[] };
    expect(data.find(({ id }) => id === 'smollm2-135m')).toMatchObject({
      installed: true,
      sha256,
      sizeBytes: 98362432,
    });
    expect(data.find(({ id }) => id === 'qwen2.5-coder-0.5b')?.installed).toBe(false);
    // Too large for a page, no conversations, no language model.
    for (const id of ['qwen3-4b', 'gemma-3-270m', 'whisper-base'])
      expect(data.map((each) => each.id)).not.toContain(id);
  });

  it('gives the whole file, and the rest of it from a byte on', async () => {
    const whole = await get();
    expect([whole.status, await whole.text()]).toEqual([200, 'GGUF and more']);
    expect(whole.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    const rest = await get({ range: 'bytes=5-' });
    expect([rest.status, await rest.text()]).toEqual([206, 'and more']);
    expect(rest.headers.get('content-range')).toBe('bytes 5-12/13');
    for (const range of ['bytes=13-', 'bytes=5-7', 'bytes=-3', 'lines=1-', 'bytes=1-,3-']) {
      expect((await get({ range })).status, range).toBe(416);
    }
  });

  it('gives it to its own page alone, and to who has the key', async () => {
    for (const site of ['cross-site', 'same-site']) {
      expect((await get({ 'sec-fetch-site': site })).status, site).toBe(403);
    }
    expect((await get({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    const locked = { apiKeys: ['secret'] };
    expect((await get({}, locked)).status).toBe(401);
    expect((await get({ authorization: 'Bearer secret' }, locked)).status).toBe(200);
  });

  it('knows files by their hash and by nothing else', async () => {
    for (const name of ['smollm2-135m', '..%2f..%2fetc%2fpasswd', '0'.repeat(64), `${sha256}x`]) {
      expect((await get({}, {}, name)).status, name).toBe(404);
    }
  });
});
