import { describe, expect, it } from 'vitest';
import { buildZip } from '../../test/integration/models/zip-builder.ts';
import type { ByteOrigin } from './byte-origin.ts';
import { DownloadFault } from './download-fault.ts';
import { locateZipMember } from './zip-directory.ts';

const { signal } = new AbortController();
const members = [
  { name: 'pkg/__init__.py', bytes: Buffer.from('pass'), method: 'stored' as const },
  { name: 'pkg/data.bin', bytes: Buffer.alloc(5000, 'abc'), method: 'deflate' as const },
];

function inMemory(bytes: Buffer): ByteOrigin {
  return {
    sizeBytes: bytes.length,
    ranged: true,
    async *read(start, end) {
      yield bytes.subarray(start, end);
    },
  };
}

describe('finding a member of a zip file', () => {
  it.each(['', 'PK\u0005\u0006 a comment that looks like an end record, long enough'])(
    'comment: "%s"',
    async (comment) => {
      const zip = buildZip(members, comment);
      const stored = await locateZipMember(inMemory(zip), 'pkg/__init__.py', signal);
      expect(zip.toString('utf8', stored.dataOffset, stored.dataOffset + stored.encodedBytes)).toBe('pass');
      const deflated = await locateZipMember(inMemory(zip), 'pkg/data.bin', signal);
      expect(deflated).toMatchObject({ method: 'deflate', sizeBytes: 5000 });
      expect(deflated.encodedBytes).toBeLessThan(100);
    },
  );

  it('says which member is missing', async () => {
    await expect(locateZipMember(inMemory(buildZip(members)), 'pkg/none', signal)).rejects.toThrow(/no pkg\/none/);
  });

  it('refuses damaged archives with a reason, wherever the damage is', async () => {
    const zip = buildZip(members);
    for (let at = 0; at < zip.length; at++) {
      const damaged = Buffer.from(zip);
      damaged.fill(0xff, at, Math.min(at + 4, zip.length));
      const result = await locateZipMember(inMemory(damaged), 'pkg/data.bin', signal).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(DownloadFault);
      else expect((result as { dataOffset: number }).dataOffset).toBeLessThan(zip.length);
      const cut = await locateZipMember(inMemory(zip.subarray(0, at)), 'pkg/data.bin', signal).catch(
        (error: unknown) => error,
      );
      expect(cut).toBeInstanceOf(DownloadFault);
    }
  });
});
