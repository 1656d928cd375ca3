/** What goes between the load client and its receiving thread. All times are `monotonicMs()`. */

import type { Standing } from './run-ahead.ts';

export type Sending = {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** An answer with more events than this is cut off. */
  maxEvents: number;
  /** An answer that has not ended by then is cut off. */
  timeoutMs: number;
  /** Note with each piece how long the thread has waited for a processor so far: a system call each, so only to measure overhead. */
  probe?: boolean;
};

export type ToReceiver =
  | ({ type: 'send'; id: number } & Sending)
  | { type: 'abort'; id: number }
  | { type: 'describe'; id: number };

export type Ending = 'complete' | 'too-many' | 'too-large' | 'timeout' | 'aborted' | 'failed';

/** One answer as it came, not yet read. */
export type Exchange = {
  sentMs: number;
  status?: number;
  headersMs?: number;
  contentType?: string;
  retryAfter?: string;
  /** Which side of a hybrid entry answered: its `x-duanyun-target`. */
  servedBy?: string;
  /** `sizes[i]` of the bytes came at `atMs[i]`. */
  bytes: Uint8Array;
  sizes: Uint32Array;
  atMs: Float64Array;
  /** With `probe`: the thread's whole wait for a processor up to each piece. Empty where the system does not tell. */
  waitedMs: Float64Array;
  /** Whether the request went out over a connection at all. */
  connected: boolean;
  endMs: number;
  ended: Ending;
  message?: string;
};

/** The receiving thread of itself, since it started. */
export type ReceiverState = {
  standing: Standing;
  pieces: number;
  /** Linux only: what the thread computed, and how long it was ready to and had no processor. */
  computedMs?: number;
  waitedMs?: number;
};

export type FromReceiver =
  | ({ type: 'exchange'; id: number } & Exchange)
  | ({ type: 'description'; id: number } & ReceiverState);
