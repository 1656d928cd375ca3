import { describe, expect, it } from 'vitest';
import { chunksOf, newApp, postJson } from '../../test/support/app-client.ts';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import type { ModelEntry } from '../core/catalogue.ts';
import { makeError } from '../core/errors.ts';
import type { LogFields } from '../core/log.ts';
import type { ModelAdministration } from '../core/model-store.ts';
import type { ModuleStatus } from '../core/modules.ts';
import { createMetrics } from '../telemetry/metrics.ts';

const get = async (app: ReturnType<typeof newApp>, path: string) => app.request(`http://localhost${path}`);
const entry = { id: 'small', displayName: 'Small', aliases: [] } as unknown as ModelEntry;
const admin: ModelAdministration = {
  catalogue: () => [entry],
  installed: () => Promise.resolve([{ entry, weightsPath: '/x', sizeBytes: 5, source: 'sha256:0' }]),
  async *pull(name) {
    await Promise.resolve();
    if (name !== 'small') throw makeError('model_not_found', { model: name, available: 'small' });
    yield { type: 'pull-start', model: name, file: 'f', totalBytes: 5, resumedBytes: 0 };
    throw makeError('download_failed', { file: 'f', reason: 'cut' });
  },
  remove: () => Promise.resolve(0),
};

describe('the modules', () => {
  const status: ModuleStatus = {
    name: 'speech',
    state: 'ready',
    residentBytes: 7,
    activeUses: 0,
    loads: 1,
    loadMs: 12.4,
    lastUsedAt: 1_700_000_000_500,
  };
  const app = newApp(new ScriptedBackend(), {
    modules: {
      list: () => [status],
      async load(name) {
        if (name === 'speech') return status;
        throw makeError('module_not_found', { module: name, available: 'speech' });
      },
      unload: async () => ({ ...status, state: 'unloaded', residentBytes: 0 }),
    },
  });

  it('are listed, loaded and unloaded', async () => {
    const shown = { object: 'module', name: 'speech', state: 'ready', resident_bytes: 7, load_ms: 12 };
    expect(await (await get(app, '/v1/modules')).json()).toMatchObject({
      object: 'list',
      data: [{ ...shown, last_used_at: 1_700_000_000 }],
    });
    expect(await (await postJson(app, '/v1/modules/speech/load', '')).json()).toMatchObject(shown);
    expect(await (await postJson(app, '/v1/modules/speech/unload', '')).json()).toMatchObject({ state: 'unloaded' });
  });

  it('have names that are known', async () => {
    const response = await postJson(app, '/v1/modules/smell/load', '');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'module_not_found' } });
  });
});

describe('GET /health', () => {
  it('says ok exactly when requests can be answered', async () => {
    const backend = new ScriptedBackend();
    const app = newApp(backend);
    const ready = await get(app, '/health');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok' }]);
    backend.currentHealth = { status: 'loading', reason: 'reading weights', progress: 0.4 };
    const loading = await get(app, '/health');
    expect(loading.status).toBe(503);
    expect(await loading.json()).toEqual({ status: 'loading', reason: 'reading weights', progress: 0.4 });
    backend.currentHealth = { status: 'unavailable', reason: 'crashed' };
    expect(await (await get(app, '/health')).json()).toEqual({ status: 'unavailable', reason: 'crashed' });
  });
});

describe('GET /v1/models', () => {
  it('lists the models and shows one', async () => {
    const app = newApp(new ScriptedBackend({ models: ['a', 'b'] }));
    const list = (await (await get(app, '/v1/models')).json()) as { object: string; data: { id: string }[] };
    expect([list.object, list.data.map((model) => model.id)]).toEqual(['list', ['a', 'b']]);
    expect(await (await get(app, '/v1/models/b')).json()).toMatchObject({
      id: 'b',
      object: 'model',
      context_tokens: 4096,
    });
  });

  it.each(['nobody', '..%2F..%2Fetc%2Fpasswd', '%00', '%E0%A4%A'])('has no %s', async (id) => {
    const response = await get(newApp(), `/v1/models/${id}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'model_not_found' } });
  });
});

describe('other paths', () => {
  it('are told apart from wrong methods', async () => {
    const missing = await get(newApp(), '/v1/nothing');
    expect([missing.status, ((await missing.json()) as { error: { code: string } }).error.code]).toEqual([
      404,
      'route_not_found',
    ]);
    const wrong = await get(newApp(), '/v1/chat/completions');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await postJson(newApp(), '/v1/models', {})).status).toBe(405);
  });

  it('GET / points to the documentation', async () => {
    expect(await (await get(newApp(), '/')).json()).toMatchObject({ name: 'duanyun', documentation: '/openapi.json' });
  });
});

describe('the id of a request', () => {
  it('is the client’s own where it is harmless', async () => {
    const app = newApp();
    const id = async (given: string) =>
      (await app.request('http://localhost/health', { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      );
    expect(await id('abc-1')).toBe('abc-1');
    expect(await id('a b')).toMatch(/^req_/);
    expect(await id('x'.repeat(65))).toMatch(/^req_/);
    const failed = await postJson(app, '/v1/chat/completions', '{', { 'x-request-id': 'mine' });
    expect(failed.headers.get('x-request-id')).toBe('mine');
  });
});

describe('GET /openapi.json', () => {
  it('is OpenAPI 3.1 whose references all resolve, and lists what is served', async () => {
    const metrics = createMetrics();
    const app = newApp(new ScriptedBackend(), { admin, metrics, renderMetrics: () => metrics.render() });
    const document = (await (await get(app, '/openapi.json')).json()) as {
      openapi: string;
      info: { title: string; version: string };
      paths: Record<string, Record<string, { operationId: string; responses: object; requestBody?: object }>>;
      components: { schemas: Record<string, { properties?: Record<string, { minimum?: number }> }> };
    };
    expect(document.openapi).toBe('3.1.0');
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      const target = (reference ?? '')
        .slice(2)
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
      expect(target, reference).toBeTypeOf('object');
    }
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    const ids = operations.map((operation) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(operations.every((operation) => 'default' in operation.responses)).toBe(true);
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of Object.keys(item)) {
        const url = `http://localhost${path.replace('{id}', 'scripted-1')}`;
        const response = await app.request(url, { method: method.toUpperCase() });
        expect([404, 405], `${method} ${path}`).not.toContain(response.status);
      }
    }
    expect(Object.keys(document.paths)).toHaveLength(13);
    expect(document.components.schemas['ChatCompletionRequest']?.properties?.['temperature']).toBeDefined();
    expect(document.components.schemas['CompletionRequest']).toMatchObject({ required: ['prompt'] });
    expect(document.components.schemas['ChatCompletionRequest']).toMatchObject({ required: ['messages'] });
  });

  it('leaves out what this server does not have', async () => {
    const document = (await (await get(newApp(), '/openapi.json')).json()) as { paths: object };
    expect(Object.keys(document.paths)).not.toContain('/metrics');
    expect(Object.keys(document.paths)).not.toContain('/v1/models/pull');
  });
});

describe('the model store', () => {
  const app = newApp(new ScriptedBackend(), { admin });

  it('shows its catalogue with what is installed', async () => {
    expect(await (await get(app, '/v1/duanyun/catalogue')).json()).toMatchObject({
      data: [{ id: 'small', installed: true, installedBytes: 5 }],
    });
  });

  it('sends progress, and a failure as an event without an end mark', async () => {
    const text = await (await postJson(app, '/v1/models/pull', { model: 'small' })).text();
    expect(chunksOf(text)).toMatchObject([{ type: 'pull-start' }, { error: { code: 'download_failed' } }]);
    expect(text).not.toContain('[DONE]');
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'a/b', '', '.hidden'])('opens no path: %s', async (model) => {
    const response = await postJson(app, '/v1/models/pull', { model });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'model' } });
  });

  it('answers an unknown name with a status', async () => {
    expect((await postJson(app, '/v1/models/pull', { model: 'big' })).status).toBe(404);
  });

  it('is not there without a store', async () => {
    // The path still reads as the model named "pull", which can be looked at.
    expect((await postJson(newApp(), '/v1/models/pull', { model: 'small' })).status).toBe(405);
  });
});

describe('metrics and log', () => {
  it('count requests, tokens and errors by route, and never hold what was said', async () => {
    const metrics = createMetrics();
    const lines: [string, LogFields][] = [];
    const write = (fields: LogFields, message: string) => void lines.push([message, fields]);
    const log = { debug: write, info: write, warn: write, error: write };
    const app = newApp(new ScriptedBackend(), { metrics, log, renderMetrics: () => metrics.render() });
    const secret = { model: 'scripted-1', stream: true, messages: [{ role: 'user', content: 'my secret' }] };
    await (await postJson(app, '/v1/chat/completions', secret)).text();
    await postJson(app, '/v1/chat/completions', { ...secret, temperature: 9 });
    await get(app, '/no/such/path');
    const response = await get(app, '/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    expect(text).toContain('duanyun_http_requests_total{route="/v1/chat/completions",method="POST",status="200"} 1');
    expect(text).toContain('duanyun_http_requests_total{route="/v1/chat/completions",method="POST",status="400"} 1');
    expect(text).toContain('duanyun_completion_tokens_total{model="scripted-1",target="device"} 4');
    expect(text).toContain('duanyun_time_to_first_token_seconds_count{model="scripted-1",target="device"} 1');
    expect(text).toContain('duanyun_http_in_flight 0');
    expect(text).not.toContain('no/such');
    expect(lines.map(([message]) => message)).toEqual(['request', 'request refused', 'request', 'request']);
    expect(lines[0]?.[1]).toMatchObject({ status: 200, model: 'scripted-1', promptTokens: 7, completionTokens: 4 });
    expect(lines[1]?.[1]).toMatchObject({ code: 'invalid_request', param: 'temperature' });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});
