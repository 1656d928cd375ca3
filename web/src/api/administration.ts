/** What the pages beside the chat ask their server. Bodies are the server's own; what is missing shows as missing. */
import { ApiError, errorIn, isRecord } from './api-error.ts';
import { readEventData } from './event-stream.ts';
import { call, getJson, postJson } from './http.ts';

export type ModuleBody = {
  name: string;
  state: string;
  model?: string | null;
  required_bytes?: number | null;
  resident_bytes?: number;
  active_uses?: number;
  reason?: string | null;
  progress?: number | null;
};
export type CatalogueModel = {
  id: string;
  displayName: string;
  description: string;
  licence: string;
  kind?: string;
  installed: boolean;
  installedBytes: number;
  memoryBytes: number;
  files: { sizeBytes?: number }[];
};
export type PullEvent = {
  type: string;
  file?: string;
  source?: string;
  receivedBytes?: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  remainingSeconds?: number;
};
export type ReceiptBody = {
  id: string;
  createdAt: string;
  state: string;
  target?: string;
  model?: string;
  reasons: string[];
  task: string;
  bytesLeft: number;
  timings: { firstTokenMs?: number; totalMs?: number };
};
export type BenchmarkBody = {
  id: string;
  state: string;
  message: string;
  quick: boolean;
  suites: string[];
  targets: string[];
  started_at: string;
  elapsed_ms: number;
  has_report: boolean;
};
export type DifferenceBody = {
  target: string;
  group: string;
  figure: string;
  values: [number, number];
  is_share: boolean;
  change: number;
  p: number;
  counts: [number, number];
  verdict: string;
};
export type UpstreamBody = {
  host: string;
  state: string;
  breaker: string;
  models: string[];
  running: number;
  firstTokenMs: number | null;
  tokensPerSecond: number | null;
  lastFault: string | null;
};
export type KeyBody = {
  id: string;
  name: string;
  key: string;
  state: string;
  created_at: string;
  expires_at: string | null;
  limits: { requests_per_minute: number | null; tokens_per_minute: number | null; monthly_budget: number | null };
  usage: { model: string; requests: number; prompt_tokens: number; completion_tokens: number; cost: number }[];
};

/** @throws ApiError, as all here */
async function list<Item>(path: string, signal?: AbortSignal): Promise<Item[]> {
  const body = await getJson(path, signal);
  return isRecord(body) && Array.isArray(body['data']) ? (body['data'] as Item[]) : [];
}

export const fetchModules = (signal?: AbortSignal): Promise<ModuleBody[]> => list('/v1/modules', signal);
export const fetchCatalogue = (signal?: AbortSignal): Promise<CatalogueModel[]> =>
  list('/v1/duanyun/catalogue', signal);
export const fetchReceipts = (signal?: AbortSignal): Promise<ReceiptBody[]> => list('/v1/receipts?limit=1000', signal);
export const fetchBenchmarks = (signal?: AbortSignal): Promise<BenchmarkBody[]> => list('/v1/benchmarks', signal);
export const fetchUpstreams = (signal?: AbortSignal): Promise<UpstreamBody[]> => list('/v1/gateway/upstreams', signal);
export const fetchKeys = (signal?: AbortSignal): Promise<KeyBody[]> => list('/v1/gateway/keys', signal);

export const moveModule = (name: string, action: 'load' | 'unload'): Promise<unknown> =>
  postJson(`/v1/modules/${encodeURIComponent(name)}/${action}`, {});
export const removeModel = (model: string): Promise<unknown> => postJson('/v1/models/remove', { model });
export const switchModel = (model: string): Promise<unknown> => postJson('/v1/models/switch', { model });
export const startBenchmark = (wishes: object): Promise<unknown> => postJson('/v1/benchmarks', wishes);
export const stopBenchmark = (): Promise<unknown> => postJson('/v1/benchmarks/stop', {});
export const explain = (body: object): Promise<unknown> => postJson('/v1/route', body);
export const checkPolicy = (text: string): Promise<unknown> => postJson('/v1/policy/check', { text });
export const revokeKey = (id: string): Promise<unknown> =>
  postJson(`/v1/gateway/keys/${encodeURIComponent(id)}/revoke`, {});

/** The whole key stands in `secret`, this once. */
export async function createKey(wishes: object): Promise<KeyBody & { secret: string }> {
  return (await postJson('/v1/gateway/keys', wishes)) as KeyBody & { secret: string };
}

export async function compareBenchmarks(first: string, second: string): Promise<DifferenceBody[]> {
  const body = await postJson('/v1/benchmarks/compare', { first, second });
  return isRecord(body) && Array.isArray(body['data']) ? (body['data'] as DifferenceBody[]) : [];
}

export async function fetchReport(id: string, form: 'html' | 'markdown', language: string): Promise<string> {
  const query = `form=${form}&language=${language}`;
  return (await call(`/v1/benchmarks/${encodeURIComponent(id)}/report?${query}`, {})).text();
}

export async function fetchPolicyText(signal?: AbortSignal): Promise<string> {
  const body = await getJson('/v1/policy', signal);
  return isRecord(body) && typeof body['text'] === 'string' ? body['text'] : '';
}

export async function fetchStatistics(signal?: AbortSignal): Promise<{ report: unknown; url?: string }> {
  const body = await getJson('/v1/stats/preview', signal);
  return isRecord(body) ? (body as { report: unknown; url?: string }) : { report: undefined };
}

export async function fetchMetricsText(signal: AbortSignal): Promise<string> {
  return (await call('/metrics', { signal })).text();
}

/** Events until the model is here. A stream that ends before that throws. */
export async function* pullModel(model: string, signal: AbortSignal): AsyncGenerator<PullEvent> {
  yield* progressOf<PullEvent>(
    '/v1/models/pull',
    { body: JSON.stringify({ model }), signal },
    ({ type }) => type === 'pull-done',
  );
}

/** Server-sent events of one POST; ends after `[DONE]` or after the event that `isLast` knows. */
export async function* progressOf<Event extends object>(
  path: string,
  { body, signal }: { body: string | FormData; signal: AbortSignal },
  isDoneAfter: (event: Event) => boolean,
): AsyncGenerator<Event> {
  const headers: Record<string, string> = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const response = await call(path, { method: 'POST', body, signal, headers });
  if (response.body === null) throw new ApiError('stream_broken', '');
  let last: Event | undefined;
  try {
    for await (const data of readEventData(response.body)) {
      if (data === '[DONE]') return;
      const event: unknown = JSON.parse(data);
      const failure = errorIn(event);
      if (failure !== undefined) throw failure;
      last = event as Event;
      yield last;
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw new ApiError('stream_broken', '');
  }
  if (last === undefined || !isDoneAfter(last)) throw new ApiError('stream_broken', '');
}
