/** What the server's process and a worker process say to each other. */
import type { WireError } from './messages.ts';

export type ToWorker =
  | { type: 'load'; options: unknown }
  | { type: 'call'; id: number; request: unknown; fileBytes: number }
  | { type: 'bytes'; id: number; read: number; bytes: Uint8Array }
  | { type: 'cancel'; id: number }
  | { type: 'shutdown' };

/** `residentBytes` is the memory of the whole worker process. */
export type FromWorker =
  | { type: 'ready'; info: unknown; residentBytes: number }
  | { type: 'load-failed'; error: WireError }
  | { type: 'read'; id: number; read: number; start: number; end: number }
  | { type: 'progress'; id: number; progress: unknown }
  | { type: 'done'; id: number; result: unknown; residentBytes: number }
  | { type: 'failed'; id: number; error: WireError; residentBytes: number }
  | { type: 'memory'; residentBytes: number };
