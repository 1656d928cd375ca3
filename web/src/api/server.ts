/** What the page asks its server beside answers. */
import type { Policy } from '../../../src/routing/policy.ts';
import type { RouteState } from '../../../src/routing/types.ts';
import { ApiError, isRecord } from './api-error.ts';
import { call, getJson } from './http.ts';

export type Situation = { policy: Policy; hasWords: boolean; state: RouteState };
export type ServerHealth = { status: string; reason?: string; progress?: number };

/** What routing decides from; `undefined` where the server does not route (a gateway). @throws ApiError */
export async function fetchSituation(signal: AbortSignal): Promise<Situation | undefined> {
  let body: unknown;
  try {
    body = await getJson('/v1/route', signal);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 405)) return undefined;
    throw error;
  }
  if (!isRecord(body) || !isRecord(body['state']) || !isRecord(body['policy'])) return undefined;
  const situation = body as Situation;
  const { device } = situation.state;
  // JSON has no infinity.
  const queueCapacity = (device.queueCapacity as number | null) ?? Number.POSITIVE_INFINITY;
  return { ...situation, state: { ...situation.state, device: { ...device, queueCapacity } } };
}

/** @throws ApiError `unreachable` */
export async function fetchHealth(signal: AbortSignal): Promise<ServerHealth> {
  let response: Response;
  try {
    response = await fetch('/health', { cache: 'no-store', signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError('unreachable', '');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!isRecord(body) || typeof body['status'] !== 'string') throw new ApiError('unreachable', '', response.status);
  return {
    status: body['status'],
    ...(typeof body['reason'] === 'string' ? { reason: body['reason'] } : {}),
    ...(typeof body['progress'] === 'number' ? { progress: body['progress'] } : {}),
  };
}

/** Ids of the models a user can name. @throws ApiError */
export async function fetchModels(signal: AbortSignal): Promise<string[]> {
  const body = await getJson('/v1/models', signal);
  if (!isRecord(body) || !Array.isArray(body['data'])) return [];
  return body['data'].flatMap((each: unknown) =>
    isRecord(each) && typeof each['id'] === 'string' ? [each['id']] : [],
  );
}

/** @throws ApiError `not_found` where the server has forgotten it */
export async function fetchReceipt(id: string, signal?: AbortSignal): Promise<Record<string, unknown>> {
  const response = await call(`/v1/receipts/${encodeURIComponent(id)}`, signal === undefined ? {} : { signal });
  const body: unknown = await response.json();
  return isRecord(body) ? body : {};
}

/**
 * Among the newest: the receipt of the answer that the server calls `answerId`. Every choice of an answer has a receipt; a
 * page asks for one, the first. @throws ApiError
 */
export async function findReceipt(answerId: string): Promise<Record<string, unknown> | undefined> {
  const body = await getJson('/v1/receipts?limit=20');
  const data: unknown = isRecord(body) ? body['data'] : undefined;
  return Array.isArray(data) ? data.filter(isRecord).find((each) => each['requestId'] === `${answerId}-0`) : undefined;
}
