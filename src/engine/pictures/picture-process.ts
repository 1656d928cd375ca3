/**
 * Pictures in, safely: the header is checked here, the decoding happens in a process of its own that is started by the
 * first picture, ended when none has come for a while, and ended at once when a picture does not let go of it.
 */
import { fileURLToPath } from 'node:url';
import { DuanyunError, makeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { DecodedPicture, PictureDecoder, PictureGuard } from '../../core/perception.ts';
import { WorkerProcess } from '../host/worker-process.ts';
import { checkPicture, type PictureLimits } from './picture-header.ts';
import type { PictureRequest, PictureResult } from './picture-worker.ts';

export type PictureProcessOptions = {
  limits: PictureLimits;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** Default 60 s. */
  idleMs?: number;
  /** For one picture, the start of the process included. Default 30 s. */
  timeoutMs?: number;
  /** For tests, which run without the built code. */
  script?: string;
};

/** What leaves is at most this large: more than any model looks at. Pixels. */
const maxLeavingPixels = 4_000_000;

export class PictureProcess implements PictureDecoder, PictureGuard {
  readonly #options: PictureProcessOptions;
  readonly #worker: WorkerProcess<object, object, PictureRequest, PictureResult>;
  #start: Promise<unknown> | undefined;
  #uses = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: PictureProcessOptions) {
    this.#options = options;
    this.#worker = new WorkerProcess({
      name: 'pictures',
      script: options.script ?? fileURLToPath(new URL('./picture-worker.js', import.meta.url)),
      environment: options.environment,
      log: options.log,
      onLost: () => {
        this.#start = undefined;
      },
    });
  }

  get pid(): number | undefined {
    return this.#worker.pid;
  }

  check(bytes: Uint8Array): void {
    checkPicture(bytes, this.#options.limits);
  }

  async decode(bytes: Uint8Array, options: { signal: AbortSignal; maxPixels: number }): Promise<DecodedPicture> {
    this.check(bytes);
    const { signal, maxPixels } = options;
    const request = { kind: 'decode', bytes, maxPixels, maxFilePixels: this.#options.limits.maxPixels } as const;
    return (await this.#call(request, signal)) as DecodedPicture;
  }

  async withoutMetadata(
    bytes: Uint8Array,
    { signal }: { signal: AbortSignal },
  ): Promise<{ bytes: Uint8Array; mediaType: string }> {
    const { format } = checkPicture(bytes, this.#options.limits);
    const request = {
      kind: 'clean',
      bytes,
      lossless: format === 'png' || format === 'gif',
      maxPixels: maxLeavingPixels,
      maxFilePixels: this.#options.limits.maxPixels,
    } as const;
    return (await this.#call(request, signal)) as { bytes: Uint8Array; mediaType: string };
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker.stop();
  }

  async #call(request: PictureRequest, signal: AbortSignal): Promise<PictureResult> {
    const { timeoutMs = 30_000, idleMs = 60_000 } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, limit]);
    clearTimeout(this.#idle);
    this.#uses++;
    try {
      await this.#started(either);
      return await this.#worker.call(request, { signal: either });
    } catch (error) {
      if (limit.aborted && !signal.aborted) {
        // A decoder cannot be asked to stop.
        await this.#end();
        throw makeError('image_invalid', { reason: `it was not decoded within ${timeoutMs / 1000} s` });
      }
      signal.throwIfAborted();
      throw error;
    } finally {
      if (--this.#uses === 0) this.#idle = setTimeout(() => void this.#end(), idleMs).unref();
    }
  }

  async #started(signal: AbortSignal): Promise<void> {
    this.#start ??= this.#worker.start({}, AbortSignal.timeout(this.#options.timeoutMs ?? 30_000));
    const start = this.#start;
    try {
      await start;
    } catch (error) {
      if (this.#start === start) this.#start = undefined;
      throw error instanceof DuanyunError ? error : makeError('module_crashed', { module: 'pictures' });
    }
    signal.throwIfAborted();
  }

  async #end(): Promise<void> {
    this.#start = undefined;
    await this.#worker.stop();
  }
}
