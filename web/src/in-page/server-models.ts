/** What the page's server offers for the page's own engine. */
import { errorIn, isRecord } from '../api/api-error.ts';
import { readEventData } from '../api/event-stream.ts';
import { call, getJson } from '../api/http.ts';
import type { PageModel } from './engine/page-model.ts';

export type ServerModel = PageModel & { installed: boolean };

/** None where the server has no store of models (the role `cloud`). @throws ApiError */
export async function offeredByServer(): Promise<ServerModel[]> {
  const body = await getJson('/v1/duanyun/weights');
  if (!isRecord(body) || !Array.isArray(body['data'])) return [];
  return body['data'] as ServerModel[];
}

/** Lets the server fetch a model into its own store. @throws ApiError, the signal's reason */
export async function pullOnServer(
  model: string,
  onProgress: (receivedBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await call('/v1/models/pull', { method: 'POST', headers, body: JSON.stringify({ model }), signal });
  if (response.body === null) return;
  for await (const data of readEventData(response.body)) {
    if (data === '[DONE]') return;
    const event: unknown = JSON.parse(data);
    const failure = errorIn(event);
    if (failure !== undefined) throw failure;
    if (isRecord(event) && typeof event['receivedBytes'] === 'number') onProgress(event['receivedBytes']);
  }
}
