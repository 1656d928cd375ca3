import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { requireSuccess } from './byte-origin.ts';
import { DownloadFault } from './download-fault.ts';
import type { HttpClient } from './http-client.ts';

/** One wheel as an index lists it. */
export type WheelLink = { url: string; filename: string; sha256?: string; sizeBytes?: number };

/** A project page is some kilobytes; the largest on PyPI are a few MB. */
const maximumPageBytes = 32 * 1024 * 1024;
const accept = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/**
 * Finds the wheel of exactly this version on the first index that has it (Simple API, PEP 503 and 691; JSON or HTML,
 * `file:` too). Throws `DownloadFault` that names what each index said.
 */
export async function findWheel(
  client: HttpClient,
  indexUrls: readonly string[],
  name: string,
  version: string,
  signal: AbortSignal,
): Promise<WheelLink> {
  const reasons: DownloadFault[] = [];
  for (const indexUrl of indexUrls) {
    try {
      const links = await listFiles(client, `${indexUrl}/${normaliseName(name)}/`, signal);
      const wheel = chooseWheel(links, name, version);
      if (wheel !== undefined) return wheel;
      reasons.push(new DownloadFault(`no wheel of ${name} ${version}`, { permanent: true }));
    } catch (error) {
      if (!(error instanceof DownloadFault)) throw error;
      reasons.push(error);
    }
  }
  if (reasons.length === 0) throw new DownloadFault('pip is configured to use no index', { permanent: true });
  throw new DownloadFault([...new Set(reasons.map((reason) => reason.message))].join('; '), {
    permanent: reasons.every((reason) => reason.permanent),
  });
}

/** PEP 503. */
function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

function chooseWheel(links: WheelLink[], name: string, version: string): WheelLink | undefined {
  const matching = links.filter(({ filename }) => {
    const [distribution, wheelVersion] = filename.split('-');
    return (
      filename.endsWith('.whl') && normaliseName(distribution ?? '') === normaliseName(name) && wheelVersion === version
    );
  });
  return matching.find(({ filename }) => filename.endsWith('-none-any.whl')) ?? matching[0];
}

async function listFiles(client: HttpClient, pageUrl: string, signal: AbortSignal): Promise<WheelLink[]> {
  if (pageUrl.startsWith('file:')) {
    const path = fileURLToPath(`${pageUrl}index.html`);
    const page = await readFile(path, { encoding: 'utf8', signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new DownloadFault('the local index has no such package', { cause: error, permanent: true });
    });
    return parseHtml(page, pageUrl);
  }
  const response = await client.request(pageUrl, { headers: { accept }, signal });
  requireSuccess(response);
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body()) {
    received += chunk.length;
    if (received > maximumPageBytes) throw new DownloadFault('the index page is too large', { permanent: true });
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  // Links that carry no credentials of their own use those of the index, on the same origin only.
  const base = withCredentialsOf(pageUrl, response.url);
  const isJson = /json/i.test(response.header('content-type') ?? '');
  return isJson ? parseJson(text, base) : parseHtml(text, base);
}

function withCredentialsOf(from: string, to: string): string {
  const source = new URL(from);
  const target = new URL(to);
  if (source.origin === target.origin) {
    target.username = source.username;
    target.password = source.password;
  }
  return target.href;
}

function parseJson(text: string, base: string): WheelLink[] {
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch (error) {
    throw new DownloadFault('the index page is not valid JSON', { cause: error });
  }
  const files = (page as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) throw new DownloadFault('the index page lists no files');
  return files.flatMap((file: { url?: unknown; filename?: unknown; hashes?: { sha256?: unknown }; size?: unknown }) => {
    if (typeof file?.url !== 'string' || typeof file.filename !== 'string') return [];
    const url = resolveLink(file.url, base);
    if (url === undefined) return [];
    const link: WheelLink = { url, filename: file.filename };
    if (typeof file.hashes?.sha256 === 'string') link.sha256 = file.hashes.sha256;
    if (typeof file.size === 'number') link.sizeBytes = file.size;
    return [link];
  });
}

function parseHtml(text: string, base: string): WheelLink[] {
  const links: WheelLink[] = [];
  for (const anchor of text.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)) {
    const href = (anchor[1] ?? anchor[2] ?? '').replaceAll('&amp;', '&').trim();
    const resolved = resolveLink(href, base);
    if (resolved === undefined) continue;
    const url = new URL(resolved);
    const sha256 = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]?.toLowerCase();
    url.hash = '';
    // Wheel names are plain ASCII; a name that needs decoding is none of ours.
    const filename = (url.pathname.split('/').at(-1) ?? '').replace(/%2B/i, '+');
    links.push({ url: url.href, filename, ...(sha256 === undefined ? {} : { sha256 }) });
  }
  return links;
}

/** The absolute address, or `undefined` for what is none or would lead from the network to this machine's files. */
function resolveLink(href: string, base: string): string | undefined {
  if (!URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  const from = new URL(base);
  if (url.protocol === 'file:') return from.protocol === 'file:' ? url.href : undefined;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  return url.username === '' ? withCredentialsOf(base, url.href) : url.href;
}
