import type { DuanyunError } from '../core/errors.ts';

export type ErrorBody = { error: { message: string; type: string; param: string | null; code: string } };

/** The body of every error, in OpenAI's form. See `docs/errors.md`. */
export function errorBody(error: DuanyunError): ErrorBody {
  return {
    error: { message: error.message, type: errorType(error.status), param: error.param ?? null, code: error.code },
  };
}

function errorType(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
