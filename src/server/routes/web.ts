/** The page at `/` and the files it is made of. Public: the key is asked for by the API that the page calls. */
import type { Hono } from 'hono';
import type { EntryContext, EntryEnv } from '../entry.ts';
import { baseHeaders } from '../respond.ts';
import type { WebFile, WebPage } from '../web-page.ts';

/**
 * The page runs its own scripts and speaks to its own server; nothing else. Pictures from elsewhere cannot be loaded at
 * all: the answer of a model could name one whose address carries the conversation away.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types duanyun',
].join('; ');

/**
 * The engine inside the page is a worker with a policy of its own, so that the document's stays as strict as it is: it
 * compiles WebAssembly and starts workers from its own memory, which inherit this. It reaches the same server and no other.
 */
const enginePolicy = [
  "default-src 'none'",
  "script-src 'self' blob: 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
].join('; ');
const engineScript = /^\/assets\/in-page-worker-[\w-]+\.js$/;

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  // Both together isolate the page from others, which shared memory (threads of an engine in the page) asks for.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'permissions-policy':
    'camera=(self), microphone=(self), geolocation=(), display-capture=(), payment=(), usb=(), browsing-topics=()',
  'x-content-type-options': 'nosniff',
};

/** One line, for somebody who opened the address of a server whose page was never built. */
const notBuilt = 'The page of this server is not built: run `npm run build:web` in its folder and start it again.\n';

/** Whether the request is for the page and not for the API. */
export function isWebRequest(page: WebPage | undefined, c: EntryContext): boolean {
  if (page === undefined || (c.req.method !== 'GET' && c.req.method !== 'HEAD')) return false;
  return c.req.path === '/' ? wantsPage(c) : page.files.has(c.req.path);
}

/** To be added before the routes of information: programs that ask for `/` get JSON as before. */
export function addWebRoutes(app: Hono<EntryEnv>, page: WebPage): void {
  app.get('/', async (c, next) => {
    if (!wantsPage(c)) {
      await next();
      c.res.headers.append('vary', 'accept');
      return undefined;
    }
    const file = page.files.get('/');
    if (file !== undefined) return send(c, file);
    return new Response(notBuilt, {
      status: 503,
      headers: { ...baseHeaders(c), ...pageHeaders, 'content-type': 'text/plain; charset=utf-8' },
    });
  });
  for (const [path, file] of page.files) if (path !== '/') app.get(path, (c) => send(c, file));
}

/** Browsers name it when somebody opens an address; curl and the SDKs do not. */
function wantsPage(c: EntryContext): boolean {
  return c.req.header('accept')?.includes('text/html') === true;
}

function send(c: EntryContext, file: WebFile): Response {
  const encoding = chooseEncoding(c.req.header('accept-encoding'), file);
  const body = encoding === 'br' ? file.brotli : encoding === 'gzip' ? file.gzip : file.bytes;
  const bytes = body ?? file.bytes;
  // Each encoding is another representation, and a strong tag names exactly one.
  const etag = encoding === undefined ? file.etag : `${file.etag.slice(0, -1)}-${encoding}"`;
  const headers: Record<string, string> = {
    ...baseHeaders(c),
    ...pageHeaders,
    ...(engineScript.test(c.req.path) ? { 'content-security-policy': enginePolicy } : {}),
    etag,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: c.req.path === '/' ? 'accept, accept-encoding' : 'accept-encoding',
  };
  if (isKnown(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  headers['content-type'] = file.contentType;
  headers['content-length'] = String(bytes.byteLength);
  if (encoding !== undefined) headers['content-encoding'] = encoding;
  return new Response(bytes, { headers });
}

function chooseEncoding(accepted: string | undefined, file: WebFile): 'br' | 'gzip' | undefined {
  const offered = new Map(
    (accepted ?? '').split(',').map((each): [string, boolean] => {
      const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
      return [name, !parameters.some((part) => /^q=0(\.0*)?$/.test(part))];
    }),
  );
  if (offered.get('br') === true && file.brotli !== undefined) return 'br';
  if (offered.get('gzip') === true && file.gzip !== undefined) return 'gzip';
  return undefined;
}

/** RFC 9110, 13.1.2: a list of tags, compared without their weakness, or `*`. */
function isKnown(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, ''))) === true;
}
