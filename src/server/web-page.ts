/** The built page: read once into memory, so that a path is a key of a table and never a place on the disk. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export type WebFile = {
  contentType: string;
  /** Strong, of the bytes before compression. */
  etag: string;
  /** The name holds a hash of the content: it never changes. */
  immutable: boolean;
  bytes: Uint8Array<ArrayBuffer>;
  /** Compressed when the page was built; absent where that saves nothing. */
  brotli?: Uint8Array<ArrayBuffer>;
  gzip?: Uint8Array<ArrayBuffer>;
};

export type WebPage = {
  /** By path, such as `/assets/index-1a2b3c4d.js`; the document is `/`. Empty: the page is not built. */
  files: ReadonlyMap<string, WebFile>;
};

/** Where `npm run build:web` puts it, beside `dist/` and `src/`. */
export const builtPageFolder = fileURLToPath(new URL('../../web/dist', import.meta.url));

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** What is built into `folder`. A folder that is not there gives a page without files; what has no known type is left out. */
export function readWebPage(folder: string): WebPage {
  const files = new Map<string, WebFile>();
  if (!existsSync(path.join(folder, 'index.html'))) return { files };
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
  for (const name of names) {
    const contentType = contentTypes[path.extname(name)];
    // Folders that begin with a dot belong to the build.
    if (contentType === undefined || name.split('/').some((part) => part.startsWith('.'))) continue;
    const bytes = new Uint8Array(readFileSync(path.join(folder, name)));
    const compressed = (suffix: string): Uint8Array<ArrayBuffer> | undefined =>
      names.includes(name + suffix) ? new Uint8Array(readFileSync(path.join(folder, name + suffix))) : undefined;
    const brotli = compressed('.br');
    const gzip = compressed('.gz');
    files.set(name === 'index.html' ? '/' : `/${name}`, {
      contentType,
      etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`,
      immutable: name.startsWith('assets/'),
      bytes,
      ...(brotli === undefined ? {} : { brotli }),
      ...(gzip === undefined ? {} : { gzip }),
    });
  }
  return { files };
}
