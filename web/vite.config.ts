import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { offlinePage } from './build/offline-page.ts';

/** Below this many bytes a compressed answer is hardly smaller. */
const worthBytes = 512;

/** Writes `.br` and `.gz` beside each file that shrinks, so that the server never compresses. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'duanyun-precompress',
    apply: 'build',
    configResolved({ root, build }) {
      folder = path.resolve(root, build.outDir);
    },
    closeBundle: {
      sequential: true,
      handler() {
        for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile() || !/\.(html|js|css|svg|json|webmanifest|wasm)$/.test(entry.name)) continue;
          const file = path.join(entry.parentPath, entry.name);
          const bytes = readFileSync(file);
          if (bytes.length < worthBytes) continue;
          writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
          writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        }
      },
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  resolve: {
    alias: {
      // `src/hybrid/` runs in the page as well, for a model inside it.
      'node:crypto': path.join(import.meta.dirname, 'src/in-page/platform/node-crypto.ts'),
      'node:timers/promises': path.join(import.meta.dirname, 'src/in-page/platform/node-timers-promises.ts'),
    },
  },
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['chrome111', 'firefox114', 'safari16.4'],
    // Which file needs which: `test/web` weighs what is loaded before the chat can be used.
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: 'es' },
  plugins: [offlinePage(), precompress()],
});
