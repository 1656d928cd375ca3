import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { DownloadFault } from './download-fault.ts';
import type { Segment } from './file-sources.ts';
import { PartialFile, readReceivedBytes, removePartialFile, type Interval } from './partial-file.ts';

/** Small enough to spread over connections and to keep the hash close behind, large enough to make few requests. */
const smallestRangeBytes = 8 * 1024 * 1024;
const largestRangeBytes = 64 * 1024 * 1024;
/** Bytes gathered before they go to the disk; what a kill can cost on each connection. */
const writeBytes = 256 * 1024;

export type TransferOptions = {
  segments: readonly Segment[];
  target: PartialFile;
  /** Holds the compressed bytes of deflated segments until they are complete. */
  scratchDirectory: string;
  /** Connections at once. */
  parallel: number;
  signal: AbortSignal;
  /** After each write, with the received share of the whole file in bytes. */
  onProgress: (receivedBytes: number) => void;
};

/** Bytes that did not decompress: like a wrong hash, the fault lies in the content. */
export class CorruptContent extends DownloadFault {}

/**
 * Fetches what `target` does not hold yet, over several connections, ranges in order. Deflated segments are kept
 * compressed until they are whole, because a cut inflate stream cannot be resumed and cut bytes can. Throws a
 * `DownloadFault`, an error of the disk, or the signal's reason; everything written so far stays.
 */
export async function transfer(options: TransferOptions): Promise<void> {
  const { segments, target, signal } = options;
  const scratch = await openScratch(options);
  const report = (): void => {
    let received = target.receivedBytes;
    for (const { file, segment } of scratch.values()) {
      // What is already decompressed of this segment counts once.
      received -= segment.sizeBytes - bytesIn(target.missing(segment.offset, segment.offset + segment.sizeBytes));
      received += (file.receivedBytes / segment.encodedBytes) * segment.sizeBytes;
    }
    options.onProgress(Math.floor(received));
  };
  const rangeBytes = Math.min(
    largestRangeBytes,
    Math.max(smallestRangeBytes, Math.ceil(target.sizeBytes / (options.parallel * 4))),
  );
  const unfinished = new Set(scratch.values());
  const jobs: ((signal: AbortSignal) => Promise<void>)[] = [];
  for (const segment of segments) {
    const deflated = scratch.get(segment);
    if (segment.encoding === 'stored') {
      const ranges = cutRanges(target.missing(segment.offset, segment.offset + segment.sizeBytes), rangeBytes, segment);
      // Positions in the target and in the origin differ by a constant.
      const shift = segment.originOffset - segment.offset;
      for (const range of ranges) jobs.push((abort) => fetchRange(segment, range, shift, target, abort, report));
    } else if (deflated !== undefined) {
      const finish = async (): Promise<void> => {
        if (deflated.file.missing(0, segment.encodedBytes).length > 0 || !unfinished.delete(deflated)) return;
        await inflateInto(target, deflated, signal);
        scratch.delete(segment);
        await deflated.file.close();
        await removePartialFile(deflated.file.path);
        report();
      };
      const ranges = cutRanges(deflated.file.missing(0, segment.encodedBytes), rangeBytes, segment);
      // Complete since an earlier run that ended before it was decompressed.
      if (ranges.length === 0) jobs.push(finish);
      for (const range of ranges) {
        jobs.push(async (abort) => {
          await fetchRange(segment, range, segment.originOffset, deflated.file, abort, report);
          await finish();
        });
      }
    }
  }
  try {
    report();
    const parallel = segments.every(({ origin }) => origin.ranged) ? options.parallel : 1;
    await runJobs(jobs, parallel, signal);
  } finally {
    await Promise.all([...scratch.values()].map(({ file }) => file.close()));
  }
}

/** Bytes of disk that a transfer still needs beside what is there: the rest, and the compressed segments in flight. */
export async function diskBytesNeeded(
  options: Pick<TransferOptions, 'segments' | 'target' | 'scratchDirectory' | 'parallel'>,
): Promise<number> {
  const { segments, target } = options;
  const missing = bytesIn(target.missing(0, target.sizeBytes));
  const encoded = await Promise.all(
    segments
      .filter((segment) => segment.encoding === 'deflate' && isMissing(target, segment))
      .map(async (segment) => {
        const there = await readReceivedBytes(scratchPath(options.scratchDirectory, segment), segment.encodedBytes);
        return segment.encodedBytes - there;
      }),
  );
  const largest = encoded.sort((a, b) => b - a).slice(0, options.parallel);
  return missing + largest.reduce((sum, bytes) => sum + bytes, 0);
}

function bytesIn(intervals: Interval[]): number {
  return intervals.reduce((sum, { start, end }) => sum + end - start, 0);
}

type Scratch = { segment: Segment; file: PartialFile };

async function openScratch(options: TransferOptions): Promise<Map<Segment, Scratch>> {
  const scratch = new Map<Segment, Scratch>();
  await mkdir(options.scratchDirectory, { recursive: true });
  try {
    for (const segment of options.segments) {
      if (segment.encoding !== 'deflate' || !isMissing(options.target, segment)) continue;
      const file = await PartialFile.open(scratchPath(options.scratchDirectory, segment), segment.encodedBytes);
      scratch.set(segment, { segment, file });
    }
    return scratch;
  } catch (error) {
    await Promise.all([...scratch.values()].map(({ file }) => file.close()));
    throw error;
  }
}

/** Named by what identifies the compressed bytes as far as we know it; the final hash decides. */
function scratchPath(directory: string, segment: Segment): string {
  return join(directory, `deflate-${segment.offset}-${segment.encodedBytes}`);
}

function isMissing(target: PartialFile, { offset, sizeBytes }: Segment): boolean {
  return target.missing(offset, offset + sizeBytes).length > 0;
}

function cutRanges(gaps: Interval[], rangeBytes: number, { origin }: Segment): Interval[] {
  // Without ranges each request starts at byte 0, so one request must do.
  if (!origin.ranged) {
    const [first] = gaps;
    return first === undefined ? [] : [{ start: first.start, end: gaps.at(-1)?.end ?? first.end }];
  }
  return gaps.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / rangeBytes) }, (_, index) => ({
      start: start + index * rangeBytes,
      end: Math.min(end, start + (index + 1) * rangeBytes),
    })),
  );
}

async function fetchRange(
  { origin }: Segment,
  range: Interval,
  shift: number,
  target: PartialFile,
  signal: AbortSignal,
  onWrite: () => void,
): Promise<void> {
  let position = range.start;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  const flush = async (): Promise<void> => {
    if (gatheredBytes === 0) return;
    const bytes = gathered.length === 1 && gathered[0] !== undefined ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    gatheredBytes = 0;
    await target.write(position, bytes);
    position += bytes.length;
    onWrite();
  };
  try {
    for await (const chunk of origin.read(range.start + shift, range.end + shift, signal)) {
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes >= writeBytes) await flush();
    }
  } finally {
    // A mirror that breaks off has still given these bytes.
    await flush();
  }
  if (position !== range.end) throw new DownloadFault('a range came back too short');
}

async function inflateInto(target: PartialFile, { segment, file }: Scratch, signal: AbortSignal): Promise<void> {
  let position = segment.offset;
  const end = segment.offset + segment.sizeBytes;
  try {
    await pipeline(
      readAll(file),
      createInflateRaw({ chunkSize: 1024 * 1024 }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          if (position + chunk.length > end) throw new CorruptContent('a part is longer than its wheel says');
          await target.write(position, chunk);
          position += chunk.length;
        }
      },
      { signal },
    );
  } catch (error) {
    const isZlib = String((error as { code?: unknown }).code).startsWith('Z_');
    throw isZlib ? new CorruptContent('a part cannot be decompressed', { cause: error }) : error;
  }
  if (position !== end) throw new CorruptContent('a part is shorter than its wheel says');
}

async function* readAll(file: PartialFile): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < file.sizeBytes;) {
    const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, file.sizeBytes - position));
    const bytesRead = await file.read(buffer, position);
    if (bytesRead === 0) throw new CorruptContent('a part on the disk is shorter than its journal says');
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** The first failure stops the other workers; all have ended when this returns. */
async function runJobs(
  jobs: ((signal: AbortSignal) => Promise<void>)[],
  parallel: number,
  signal: AbortSignal,
): Promise<void> {
  const abort = new AbortController();
  const either = AbortSignal.any([signal, abort.signal]);
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < jobs.length && !either.aborted) {
      const job = jobs[next++];
      try {
        await job?.(either);
      } catch (error) {
        failures.push(error);
        abort.abort(new DownloadFault('another connection failed'));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, jobs.length) }, worker));
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
