/**
 * Keeps the page for the time without a server. A version is a list of files with their sha256, written in at the build
 * (`web/build/offline-page.ts`): it is taken whole or not at all, so a page never gets one half of one build and one half of
 * another. What is no file of the page (`/v1`, `/health`) is never touched.
 *
 * One script without imports: it is compiled alone.
 */
type OfflineFile = { path: string; sha256: string; part: 'page' | 'engine' };
/** The part of the browser's interface that is used here; the types of pages do not have it. */
type Lifetime = Event & { waitUntil(work: Promise<unknown>): void };
type Fetch = Lifetime & { request: Request; respondWith(response: Promise<Response>): void };
type Scope = {
  addEventListener(type: 'install' | 'activate', listener: (event: Lifetime) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetch) => void): void;
  addEventListener(type: 'message', listener: (event: Lifetime & MessageEvent<unknown>) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
};

/** Replaced at the build. */
declare const offlineFiles: readonly OfflineFile[];
declare const offlineVersion: string;

const scope = globalThis as unknown as Scope;
const prefix = 'duanyun-';
const cacheName = prefix + offlineVersion;
const fileByPath = new Map(offlineFiles.map((file) => [file.path, file]));

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === '/') event.respondWith(documentOf(request));
    return;
  }
  if (fileByPath.has(url.pathname) || url.pathname.startsWith('/assets/'))
    event.respondWith(fileOf(request, url.pathname));
});
scope.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') event.waitUntil(scope.skipWaiting());
  if (event.data !== 'keep-engine') return;
  const [port] = event.ports;
  const work = keep('engine').then(
    () => port?.postMessage('kept'),
    (error: unknown) => port?.postMessage(String(error)),
  );
  event.waitUntil(work);
});

/** Where a file is wrong or missing nothing is kept, and the version before goes on. */
async function install(): Promise<void> {
  try {
    await keep('page');
    // Somebody has a model: the engine belongs to what must work without a server.
    if (await hasEngine()) await keep('engine');
  } catch (error) {
    await caches.delete(cacheName);
    throw error;
  }
}

/** Pages that are open still ask for files of the version before. Older ones go. */
async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(prefix));
  const old = names.filter((name) => name !== cacheName);
  await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
  await scope.clients.claim();
}

async function hasEngine(): Promise<boolean> {
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix) || name === cacheName) continue;
    const kept = await (await caches.open(name)).keys();
    if (kept.some(({ url }) => /\/in-page-worker-[\w-]+\.js$/.test(url))) return true;
  }
  return false;
}

async function keep(part: OfflineFile['part']): Promise<void> {
  const cache = await caches.open(cacheName);
  await Promise.all(
    offlineFiles
      .filter((file) => file.part === part)
      .map(async (file) => {
        if ((await cache.match(file.path)) === undefined) await cache.put(file.path, await checked(file));
      }),
  );
}

/** From an older version where its name says that it is the same file, else from the server; checked either way. */
async function checked(file: OfflineFile): Promise<Response> {
  const before = file.path.startsWith('/assets/') ? await caches.match(file.path) : undefined;
  const accept = file.path === '/' ? { accept: 'text/html' } : { accept: '*/*' };
  const response = before ?? (await fetch(file.path, { cache: 'no-cache', headers: accept, redirect: 'error' }));
  if (!response.ok) throw new Error(`${file.path}: ${response.status}`);
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== file.sha256) throw new Error(`${file.path} is of another version`);
  const headers = new Headers(response.headers);
  // The bytes are unpacked here.
  headers.delete('content-encoding');
  headers.delete('content-length');
  return new Response(bytes, { headers });
}

async function documentOf(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  return (await cache.match('/')) ?? fetch(request);
}

async function fileOf(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(cacheName);
  const own = await cache.match(path);
  if (own !== undefined) return own;
  // A page of the version before.
  if (path.startsWith('/assets/')) {
    const old = await caches.match(path);
    if (old !== undefined) return old;
  }
  return fetch(request);
}
