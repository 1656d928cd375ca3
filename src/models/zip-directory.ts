import type { ByteOrigin } from './byte-origin.ts';
import { readExactly } from './byte-origin.ts';
import { DownloadFault } from './download-fault.ts';

/** Where the bytes of one zip member lie. */
export type ZipMember = {
  method: 'stored' | 'deflate';
  /** Offset of the first byte of its (compressed) data in the archive. */
  dataOffset: number;
  encodedBytes: number;
  sizeBytes: number;
};

const endRecordBytes = 22;
const maximumCommentBytes = 0xffff;
const localHeaderBytes = 30;
/** Wheels have a directory of a few kilobytes; more than this is not one of ours. */
const maximumDirectoryBytes = 64 * 1024 * 1024;

/**
 * Finds one member through the archive's end record and central directory (PKWARE APPNOTE 4.3), with at most four small
 * reads. Members over 4 GiB (zip64) are read too. Throws `DownloadFault` where the archive or the member is unusable.
 */
export async function locateZipMember(archive: ByteOrigin, member: string, signal: AbortSignal): Promise<ZipMember> {
  const tailStart = Math.max(0, archive.sizeBytes - endRecordBytes - maximumCommentBytes);
  const tail = await readExactly(archive, tailStart, archive.sizeBytes, signal);
  const end = findEndRecord(tail);
  if (end < 0) throw invalid('it has no end record');
  let directoryBytes = tail.readUInt32LE(end + 12);
  let directoryOffset = tail.readUInt32LE(end + 16);
  if (directoryOffset === 0xffffffff || directoryBytes === 0xffffffff) {
    ({ directoryBytes, directoryOffset } = await readZip64End(archive, tail, end, signal));
  }
  const directoryEnd = directoryOffset + directoryBytes;
  if (directoryEnd > archive.sizeBytes || directoryBytes > maximumDirectoryBytes) {
    throw invalid('its directory lies outside the file');
  }
  const directory =
    directoryOffset >= tailStart
      ? tail.subarray(directoryOffset - tailStart, directoryEnd - tailStart)
      : await readExactly(archive, directoryOffset, directoryEnd, signal);
  const entry = findEntry(directory, member);
  const header = await readExactly(archive, entry.headerOffset, entry.headerOffset + localHeaderBytes, signal);
  if (header.readUInt32LE(0) !== 0x04034b50) throw invalid('a member does not start where the directory says');
  const dataOffset = entry.headerOffset + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (dataOffset + entry.encodedBytes > archive.sizeBytes) throw invalid('a member lies outside the file');
  const { method, encodedBytes, sizeBytes } = entry;
  if (method === 'stored' && encodedBytes !== sizeBytes) throw invalid('a stored member has two sizes');
  return { method, dataOffset, encodedBytes, sizeBytes };
}

function findEndRecord(tail: Buffer): number {
  for (let at = tail.length - endRecordBytes; at >= 0; at--) {
    // The comment must reach exactly to the end, else the signature is part of something else.
    if (tail.readUInt32LE(at) === 0x06054b50 && at + endRecordBytes + tail.readUInt16LE(at + 20) === tail.length)
      return at;
  }
  return -1;
}

async function readZip64End(
  archive: ByteOrigin,
  tail: Buffer,
  end: number,
  signal: AbortSignal,
): Promise<{ directoryBytes: number; directoryOffset: number }> {
  const locator = end - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) throw invalid('its zip64 locator is missing');
  const recordOffset = Number(tail.readBigUInt64LE(locator + 8));
  if (recordOffset + 56 > archive.sizeBytes) throw invalid('its zip64 record lies outside the file');
  const record = await readExactly(archive, recordOffset, recordOffset + 56, signal);
  if (record.readUInt32LE(0) !== 0x06064b50) throw invalid('its zip64 record is damaged');
  return { directoryBytes: Number(record.readBigUInt64LE(40)), directoryOffset: Number(record.readBigUInt64LE(48)) };
}

type DirectoryEntry = { method: 'stored' | 'deflate'; encodedBytes: number; sizeBytes: number; headerOffset: number };

function findEntry(directory: Buffer, member: string): DirectoryEntry {
  for (let at = 0; at + 46 <= directory.length;) {
    if (directory.readUInt32LE(at) !== 0x02014b50) throw invalid('its directory is damaged');
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const next = at + 46 + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw invalid('its directory is damaged');
    if (directory.toString('utf8', at + 46, at + 46 + nameBytes) === member) {
      return readEntry(directory, at, directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes));
    }
    at = next;
  }
  throw new DownloadFault(`the wheel has no ${member}`, { permanent: true });
}

function readEntry(directory: Buffer, at: number, extra: Buffer): DirectoryEntry {
  if ((directory.readUInt16LE(at + 8) & 1) !== 0) throw invalid('the member is encrypted');
  const code = directory.readUInt16LE(at + 10);
  if (code !== 0 && code !== 8) throw invalid(`it is compressed by method ${code}`);
  const large = zip64Values(extra);
  // Each field that overflows takes the next value of the zip64 extra field, in this order.
  const read = (offset: number): number => {
    const value = directory.readUInt32LE(at + offset);
    return value === 0xffffffff ? (large.shift() ?? Infinity) : value;
  };
  const sizeBytes = read(24);
  const encodedBytes = read(20);
  return { method: code === 0 ? 'stored' : 'deflate', encodedBytes, sizeBytes, headerOffset: read(42) };
}

function zip64Values(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const bytes = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1 && at + 4 + bytes <= extra.length) {
      return Array.from({ length: Math.floor(bytes / 8) }, (_, index) =>
        Number(extra.readBigUInt64LE(at + 4 + index * 8)),
      );
    }
    at += 4 + bytes;
  }
  return [];
}

function invalid(reason: string): DownloadFault {
  return new DownloadFault(`the wheel is not a usable zip file: ${reason}`, { permanent: true });
}
