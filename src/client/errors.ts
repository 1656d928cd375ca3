/** What goes wrong, as a caller sees it: the codes of docs/errors.md, whether from the wire or from this side of it. */
import type { ErrorCode, errorCatalogue } from '../core/errors.ts';
import type { AnswerHead } from './transport.ts';

export type { ErrorCode } from '../core/errors.ts';

/** Where an answer was made, and why; from the headers of the answer. */
export type Route = {
  /** `device` or `cloud`. */
  target: string;
  reasons: string[];
  /** For `DuanyunClient.receipt`. */
  receiptId: string;
};

export type ClientErrorDetails = {
  status?: number | undefined;
  retryable?: boolean | undefined;
  retryAfterSeconds?: number | undefined;
  param?: string | undefined;
  requestId?: string | undefined;
  route?: Route | undefined;
  cause?: unknown;
};

export class DuanyunClientError extends Error {
  /** A code of docs/errors.md. A newer server may send others. */
  readonly code: ErrorCode | (string & {});
  /** Of the HTTP answer; absent where there was none. An error in the middle of a stream came with 200. */
  readonly status: number | undefined;
  /** Whether the same request may work later. The library has tried by itself where it was allowed to. */
  readonly retryable: boolean;
  /** What the server asked to wait. */
  readonly retryAfterSeconds: number | undefined;
  /** The field at fault: `messages[0].content`. */
  readonly param: string | undefined;
  /** Under which the server's log has it. */
  readonly requestId: string | undefined;
  /** Where it ran, if it came that far. */
  readonly route: Route | undefined;

  constructor(code: ErrorCode | (string & {}), message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DuanyunClientError';
    this.code = code;
    this.status = details.status;
    this.retryable = details.retryable ?? isRetryable(code, details.status);
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.param = details.param;
    this.requestId = details.requestId;
    this.route = details.route;
  }
}

type RetryableCode = {
  [Code in ErrorCode]: (typeof errorCatalogue)[Code]['retryable'] extends true ? Code : never;
}[ErrorCode];

/**
 * The catalogue's `retry` column. Only its types are imported, because its texts would double the size of this library;
 * `satisfies` refuses to compile when a code is missing here or one too many.
 */
const retryableCodes = {
  module_crashed: true,
  request_timeout: true,
  queue_full: true,
  rate_limited: true,
  concurrency_limited: true,
  client_closed: true,
  stream_broken: true,
  engine_unavailable: true,
  engine_crashed: true,
  engine_overloaded: true,
  cloud_unavailable: true,
  overloaded: true,
  queue_timeout: true,
  state_unavailable: true,
  no_route: true,
  shutting_down: true,
  download_failed: true,
  store_locked: true,
  server_unreachable: true,
  client_timeout: true,
  optimize_failed: true,
  training_failed: true,
} satisfies Record<RetryableCode, true>;

/** What a proxy on the way answers while what is behind it is away. */
const retryableStatuses = new Set([408, 425, 429, 502, 503, 504]);
/** What this library calls an answer that it does not understand: there the status decides. */
const unknownCode = 'response_invalid';

function isRetryable(code: string, status: number | undefined): boolean {
  if (code in retryableCodes) return true;
  return code === unknownCode && status !== undefined && retryableStatuses.has(status);
}

/** The error of an answer whose status is not 2xx. `text` is its body. */
export function errorFromAnswer(head: AnswerHead, text: string): DuanyunClientError {
  const details: ClientErrorDetails = {
    status: head.status,
    retryAfterSeconds: retryAfterSeconds(head.header('retry-after'), Date.now()),
    requestId: head.header('x-request-id'),
    route: routeFrom(head),
  };
  const told = toldError(parsed(text));
  if (told !== undefined) return wireError(told, details);
  const kind = head.header('content-type') ?? 'no content type';
  const message = `The server answered with status ${head.status} and ${kind}, which is no answer of Duanyun. Is the address right, and is a proxy in between?`;
  return new DuanyunClientError(unknownCode, message, details);
}

type ToldError = { message?: unknown; code?: unknown; param?: unknown };

/** `{"error": {…}}`, in the body of an answer or as an event of a stream. */
export function toldError(value: unknown): ToldError | undefined {
  if (typeof value !== 'object' || value === null || !('error' in value)) return undefined;
  const { error } = value;
  if (typeof error === 'string') return { message: error };
  return typeof error === 'object' && error !== null ? error : undefined;
}

export function wireError(told: ToldError, details: ClientErrorDetails): DuanyunClientError {
  const code = typeof told.code === 'string' || typeof told.code === 'number' ? String(told.code) : '';
  const message = typeof told.message === 'string' ? told.message : 'The server gave no reason.';
  return new DuanyunClientError(code === '' ? unknownCode : code, message, {
    ...details,
    param: typeof told.param === 'string' ? told.param : undefined,
  });
}

export function routeFrom(head: AnswerHead): Route | undefined {
  const target = head.header('x-duanyun-target');
  if (target === undefined || target === '') return undefined;
  const reasons = (head.header('x-duanyun-reasons') ?? '').split(',').filter((reason) => reason !== '');
  return { target, reasons, receiptId: head.header('x-duanyun-receipt') ?? '' };
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). `undefined` where it is neither. */
export function retryAfterSeconds(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
