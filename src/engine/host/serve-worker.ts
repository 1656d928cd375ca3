/**
 * The child's side of a worker process: a script that owns native code calls `serveWorker` once and answers calls from
 * then on. The parent's side is `WorkerProcess`.
 */
import { makeError } from '../../core/errors.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { toWireError } from './wire-error.ts';

export type CallContext<Progress> = {
  /** Aborted when nobody waits for the result any more. */
  signal: AbortSignal;
  onProgress(progress: Progress): void;
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

  async function call(id: number, request: Request): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const onProgress = (progress: Progress): void => send({ type: 'progress', id, progress });
      const result = await service.call(request, { signal: controller.signal, onProgress });
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
        void call(message.id, message.request as Request);
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
