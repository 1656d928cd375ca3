/** The one place where the page speaks to its server. */
import { ApiError, errorIn } from './api-error.ts';
import { currentKey } from './api-key.ts';

export async function call(path: string, init: RequestInit & { signal?: AbortSignal }): Promise<Response> {
  const key = currentKey();
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError('unreachable', '');
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  throw errorIn(body, response.status) ?? new ApiError('not_understood', '', response.status);
}

export async function getJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const response = await call(path, signal === undefined ? {} : { signal });
  try {
    return await response.json();
  } catch {
    throw new ApiError('not_understood', '', response.status);
  }
}

/** @throws ApiError */
export async function postJson(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
  const response = await call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  return response.json().catch(() => undefined);
}
