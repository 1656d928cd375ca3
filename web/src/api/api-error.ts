/** What went wrong, in the server's words and with its code (docs/errors.md), or one of the page's own codes. */
export class ApiError extends Error {
  readonly code: string;
  /** Absent where no answer came. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
  }
}

/** The page's own codes: no answer at all, a stream that ended before its end, an answer that is not understood. */
export type OwnErrorCode = 'unreachable' | 'stream_broken' | 'not_understood';

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The error that a body or an event of the API holds; `undefined` where it holds none. */
export function errorIn(body: unknown, status?: number): ApiError | undefined {
  if (!isRecord(body) || !isRecord(body['error'])) return undefined;
  const { code, message } = body['error'];
  return new ApiError(
    typeof code === 'string' ? code : 'not_understood',
    typeof message === 'string' ? message : '',
    status,
  );
}
