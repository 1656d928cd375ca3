/** Build step: the icons of the installed page, and the service worker with the list of all files of this very build. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Plugin, transformWithOxc } from 'vite';

/** Needed only by those who run a model in the page. */
const enginePart = /^\/assets\/(?:in-page-worker-|wllama-)/;
const source = path.join(import.meta.dirname, '../src/offline/service-worker.ts');
const drawing = path.join(import.meta.dirname, '../public/icon.svg');

export function offlinePage(): Plugin {
  let folder = '';
  return {
    name: 'duanyun-offline-page',
    apply: 'build',
    configResolved({ root, build }) {
      folder = path.resolve(root, build.outDir);
    },
    closeBundle: {
      // One after the other: what comes after this compresses the files.
      sequential: true,
      async handler() {
        await drawIcons(path.join(folder, 'icons'));
        const files = filesOf(folder);
        const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
        const { code } = await transformWithOxc(readFileSync(source, 'utf8'), source, { lang: 'ts' });
        const head = `const offlineVersion = ${JSON.stringify(version)};\nconst offlineFiles = ${JSON.stringify(files)};\n`;
        // Not a module: Firefox takes none as a service worker.
        writeFileSync(
          path.join(folder, 'service-worker.js'),
          `(() => {\n${head}${code.replace(/^export \{\};?$/m, '')}})();\n`,
        );
      },
    },
  };
}

function filesOf(folder: string): { path: string; sha256: string; part: 'page' | 'engine' }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => !name.split('/').some((part) => part.startsWith('.')) && name !== 'service-worker.js')
    .filter((name) => /\.(html|js|css|svg|png|ico|json|webmanifest|wasm|woff2)$/.test(name))
    .toSorted()
    .map((name) => {
      const address = name === 'index.html' ? '/' : `/${name}`;
      const sha256 = createHash('sha256')
        .update(readFileSync(path.join(folder, name)))
        .digest('hex');
      return { path: address, sha256, part: enginePart.test(address) ? 'engine' : 'page' };
    });
}

/** A maskable icon may be cut to a circle: the drawing fills the whole and keeps its middle. */
async function drawIcons(folder: string): Promise<void> {
  // Where it has no build for this machine (Android), the page has its drawn icon only.
  const sharp = await import('sharp').then(
    (module) => module.default,
    () => undefined,
  );
  if (sharp === undefined) return;
  mkdirSync(folder, { recursive: true });
  const svg = readFileSync(drawing);
  for (const size of [192, 512]) {
    const icon = await sharp(svg, { density: 72 * (size / 64) })
      .resize(size, size)
      .png()
      .toBuffer();
    writeFileSync(path.join(folder, `icon-${size}.png`), icon);
  }
  const inner = await sharp(svg, { density: 72 * 6 })
    .resize(384, 384)
    .png()
    .toBuffer();
  const full = sharp({ create: { width: 512, height: 512, channels: 4, background: '#1f5fd0' } });
  writeFileSync(
    path.join(folder, 'icon-maskable-512.png'),
    await full
      .composite([{ input: inner }])
      .png()
      .toBuffer(),
  );
}
