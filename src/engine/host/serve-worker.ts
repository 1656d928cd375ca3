/**
 * The child's side of a worker process: a script that owns native code calls `serveWorker` once and answers calls from
 * then on. The parent's side is `WorkerProcess`.
 */
import { makeError } from '../../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { toWireError } from './wire-error.ts';

export type CallContext<Progress> = {
  /** Aborted when nobody waits for the result any more. */
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** The file that came with the call; it stays with the parent. */
  file: ByteSource;
};

export type WorkerService<Options, Info, Request, Result, Progress> = {
  /** Called once, before any call. What it returns is the `info` of the parent. */
  load(options: Options): Promise<Info>;
  /** Calls may overlap; a service that can do one thing at a time queues them itself. */
  call(request: Request, context: CallContext<Progress>): Promise<Result>;
};

/** The longest silence about the memory while something runs. */
const memoryEveryMs = 1_000;

export function serveWorker<Options, Info, Request, Result, Progress = never>(
  service: WorkerService<Options, Info, Request, Result, Progress>,
): void {
  const running = new Map<number, AbortController>();
  const reads = new Map<number, (bytes: Uint8Array) => void>();
  let lastRead = 0;
  const send = (message: FromWorker): void => {
    if (process.connected) process.send?.(message);
  };
  const residentBytes = (): number => process.memoryUsage.rss();

  async function load(options: Options): Promise<void> {
    try {
      const info = await service.load(options);
      send({ type: 'ready', info, residentBytes: residentBytes() });
      setInterval(() => send({ type: 'memory', residentBytes: residentBytes() }), memoryEveryMs).unref();
    } catch (error) {
      send({ type: 'load-failed', error: toWireError(error, 'load') });
    }
  }

  function fileOf(id: number, sizeBytes: number, signal: AbortSignal): ByteSource {
    const read = (start: number, end: number): Promise<Uint8Array> => {
      signal.throwIfAborted();
      const number = ++lastRead;
      let onAbort = (): void => {};
      return new Promise<Uint8Array>((resolve, reject) => {
        onAbort = () => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        reads.set(number, resolve);
        send({ type: 'read', id, read: number, start, end });
      }).finally(() => {
        reads.delete(number);
        signal.removeEventListener('abort', onAbort);
      });
    };
    return { sizeBytes, read: async (start, end) => read(start, end) };
  }

  async function call(id: number, request: Request, fileBytes: number): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    running.set(id, controller);
    try {
      const onProgress = (progress: Progress): void => send({ type: 'progress', id, progress });
      const result = await service.call(request, { signal, onProgress, file: fileOf(id, fileBytes, signal) });
      send({ type: 'done', id, result, residentBytes: residentBytes() });
    } catch (error) {
      send({ type: 'failed', id, error: toWireError(error, String(id)), residentBytes: residentBytes() });
    } finally {
      running.delete(id);
    }
  }

  process.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'load':
        void load(message.options as Options);
        return;
      case 'call':
        void call(message.id, message.request as Request, message.fileBytes);
        return;
      case 'bytes':
        reads.get(message.read)?.(message.bytes);
        return;
      case 'cancel':
        running.get(message.id)?.abort(makeError('client_closed', {}));
        return;
      case 'shutdown':
        process.exit(0);
    }
  });
  // Without its parent it has nobody to work for, and must not stay behind holding memory.
  process.on('disconnect', () => process.exit(0));
  // A terminal or a service manager signals the whole process group; the parent decides when this process ends.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
}
