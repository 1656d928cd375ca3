import type { Hono } from 'hono';
import type { BackendHealth } from '../../core/backend.ts';
import { makeError } from '../../core/errors.ts';
import { modelBody, modelListBody } from '../../protocol/model-list.ts';
import { openApiDocument } from '../../protocol/openapi.ts';
import type { Entry, EntryEnv } from '../entry.ts';
import { checkOperator } from '../gateway-side.ts';
import { baseHeaders, json } from '../respond.ts';

export type InformationParts = {
  renderMetrics?: (() => Promise<{ contentType: string; text: string }>) | undefined;
  /** The paths that this server has, for the OpenAPI document. */
  paths: () => string[];
};

export function addInformationRoutes(app: Hono<EntryEnv>, entry: Entry, parts: InformationParts): void {
  app.get('/', (c) =>
    json(c, {
      name: 'duanyun',
      version: entry.options.version,
      api: '/v1',
      documentation: '/openapi.json',
      health: '/health',
    }),
  );

  app.get('/health', (c) => {
    const health = entry.drain.leaving ? { status: 'shutting_down' as const } : entry.service.health();
    if (health.status === 'ready') return json(c, { status: 'ok' });
    return json(c, healthBody(health), { 'retry-after': '1' }, 503);
  });

  app.get('/v1/models', (c) => json(c, modelListBody(entry.service.models())));

  app.get('/v1/models/:id', (c) => {
    const id = c.req.param('id');
    const models = entry.service.models();
    const model = models.find((candidate) => candidate.id === id || candidate.aliases.includes(id));
    if (model !== undefined) return json(c, modelBody(model));
    const available = models.map((candidate) => candidate.id).join(', ');
    throw makeError('model_not_found', { model: id.slice(0, 100), available }, { param: 'model' });
  });

  let document: object | undefined;
  app.get('/openapi.json', (c) => {
    document ??= openApiDocument(entry.options.version, parts.paths());
    return json(c, document);
  });

  const { renderMetrics } = parts;
  if (renderMetrics === undefined) return;
  app.get('/metrics', async (c) => {
    if (entry.gateway !== undefined) checkOperator(c);
    const { contentType, text } = await renderMetrics();
    return new Response(text, { headers: { ...baseHeaders(c), 'content-type': contentType } });
  });
}

function healthBody(health: Exclude<BackendHealth, { status: 'ready' }> | { status: 'shutting_down' }): object {
  if (health.status === 'shutting_down') return { status: health.status, reason: 'the server is shutting down' };
  if (health.status === 'unavailable') return { status: health.status, reason: health.reason };
  const progress = health.progress === undefined ? {} : { progress: health.progress };
  return { status: health.status, reason: health.reason, ...progress };
}
