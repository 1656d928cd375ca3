import { DuanyunError, toDuanyunError } from '../../core/errors.ts';
import type { WireError } from './messages.ts';

export function toWireError(error: unknown, requestId: string): WireError {
  const { code, message, param, detail, retryAfterSeconds } = toDuanyunError(error, requestId);
  return {
    code,
    message,
    ...(param === undefined ? {} : { param }),
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

export function fromWireError(error: WireError): DuanyunError {
  const { code, message, ...options } = error;
  return new DuanyunError(code, message, options);
}
