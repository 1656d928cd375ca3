/** What the browser has to fetch before the chat can be used. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { builtPageFolder, readWebPage } from '../../src/server/web-page.ts';

type Chunk = { file: string; isEntry?: boolean; imports?: string[] };

const limitBytes = 250 * 1024;

it('is at most 250 KB of compressed JavaScript', () => {
  const manifest = JSON.parse(readFileSync(path.join(builtPageFolder, '.vite', 'manifest.json'), 'utf8')) as Record<
    string,
    Chunk
  >;
  const needed = new Set<string>();
  const visit = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined || needed.has(chunk.file)) return;
    needed.add(chunk.file);
    chunk.imports?.forEach(visit);
  };
  for (const [name, { isEntry }] of Object.entries(manifest)) if (isEntry === true) visit(name);
  const scripts = [...needed].filter((file) => file.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.map((file) => gzipSync(readFileSync(path.join(builtPageFolder, file)), { level: 9 }).length);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(limitBytes);
  // What the server sends compressed was compressed at build time.
  const { files } = readWebPage(builtPageFolder);
  for (const file of scripts) expect(files.get(`/${file}`)?.brotli).toBeDefined();
});

it('has nothing in its document but links to its own files', () => {
  const document = readFileSync(path.join(builtPageFolder, 'index.html'), 'utf8');
  expect(document).not.toMatch(/<script(?![^>]*\bsrc="\/)[^>]*>|<style|\son\w+=|style=|https?:/);
});
