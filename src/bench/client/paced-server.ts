/**
 * A server in a thread of its own that sends tokens at set times: the truth that the load client is held against, and the
 * measure of what the client itself adds. Each token's time is counted from the request's arrival, so that lateness does
 * not add up. Each chunk carries the moment it was written, by the clock that all threads of this machine share.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { roomyHeap, threadScript } from './thread-script.ts';

export type Pace = {
  /** Request → first token. */
  firstMs: number;
  /** Between two tokens. */
  gapMs: number;
  tokens: number;
  /** Default: a free one. */
  port?: number;
};

/** Opened by the caller, who disposes of it. @returns the address with `/v1` */
export async function startPacedServer(pace: Pace): Promise<{ url: string; dispose(): Promise<void> }> {
  const worker = new Worker(threadScript('paced-server-worker'), { workerData: pace, resourceLimits: roomyHeap });
  const [port] = (await once(worker, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async dispose() {
      await worker.terminate();
    },
  };
}
