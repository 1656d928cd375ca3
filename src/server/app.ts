import { Hono } from 'hono';
import { makeError } from '../core/errors.ts';
import { operations } from '../protocol/openapi.ts';
import { type Access, createAccess } from './access.ts';
import { addDictationRoutes } from './dictation/routes.ts';
import { Drain } from './drain.ts';
import { type Entry, type EntryContext, type EntryEnv, finishRequest, newId } from './entry.ts';
import { errorResponse, normalised } from './error-response.ts';
import { addHybridRoutes, addStatisticsRoutes } from './hybrid-routes.ts';
import { type AppParts, defaultServerOptions } from './options.ts';
import { baseHeaders } from './respond.ts';
import { addAdministrationRoutes } from './routes/administration.ts';
import { addAudioRoutes } from './routes/audio.ts';
import { addBenchmarkRoutes } from './routes/benchmarks.ts';
import { addEmbeddingRoutes } from './routes/embeddings.ts';
import { addGatewayRoutes } from './routes/gateway.ts';
import { addGenerationRoutes } from './routes/generation.ts';
import { addInformationRoutes } from './routes/information.ts';
import { addMinutesRoutes } from './routes/minutes.ts';
import { addModuleRoutes } from './routes/modules.ts';
import { addWebRoutes, isWebRequest } from './routes/web.ts';
import { addWeightRoutes } from './routes/weights.ts';

export type App = {
  /** Answers requests, with or without a connection behind them (`hono.request` in tests). */
  hono: Hono<EntryEnv>;
  /** What is being answered now. */
  drain: Drain;
  /** For connections that are no requests. */
  entry: Entry;
  access: Access;
};

/** The HTTP entry without a port. Every request passes the guard, then its route; every error ends in one mapper. */
export function createApp(parts: AppParts): App {
  const options = { ...defaultServerOptions, ...parts.options };
  const { service, log, metrics, clock } = parts;
  const entry: Entry = {
    service,
    options,
    log,
    metrics,
    clock,
    drain: new Drain(),
    ...(parts.gateway === undefined ? {} : { gateway: parts.gateway }),
  };
  const access = createAccess(options, parts.gateway?.gateway.keys);
  const app = new Hono<EntryEnv>();

  app.onError((error, c) => {
    const own = normalised(error, c.get('requestId'), c.req.raw.signal);
    finishRequest(entry, c, own.status, own);
    return errorResponse(own, baseHeaders(c));
  });
  app.notFound((c) => {
    const path = c.req.path.slice(0, 200);
    const allowed = allowedMethods(served(app), c.req.path);
    const error =
      allowed.length === 0
        ? makeError('route_not_found', { method: c.req.method, path })
        : makeError('method_not_allowed', { method: c.req.method, path });
    return errorResponse(error, { ...baseHeaders(c), ...(allowed.length === 0 ? {} : { allow: allowed.join(', ') }) });
  });

  app.use(async (c, next) => {
    c.set('requestId', requestId(c));
    c.set('startedMs', clock.now());
    const preflight = checkPlace(access, c);
    if (preflight !== undefined) return preflight;
    if (c.req.path !== '/health' && !isWebRequest(parts.web, c)) {
      const caller = access.identify(c.req.header('authorization'));
      c.set('caller', caller instanceof Promise ? await caller : caller);
    }
    await next();
    if (c.error === undefined && c.get('streaming') !== true) finishRequest(entry, c, c.res.status);
    return undefined;
  });

  if (parts.web !== undefined) addWebRoutes(app, parts.web);
  addInformationRoutes(app, entry, { renderMetrics: parts.renderMetrics, paths: () => [...served(app).keys()] });
  addGenerationRoutes(app, entry);
  addEmbeddingRoutes(app, entry);
  if (parts.admin !== undefined) addAdministrationRoutes(app, entry, parts.admin, parts.deviceModel);
  if (parts.admin !== undefined && parts.web !== undefined) addWeightRoutes(app, parts.admin);
  if (parts.transcriber !== undefined) addAudioRoutes(app, entry, parts.transcriber);
  if (parts.dictation !== undefined) addDictationRoutes(app);
  if (parts.minutes !== undefined) addMinutesRoutes(app, entry, parts.minutes);
  if (parts.modules !== undefined) addModuleRoutes(app, entry, parts.modules);
  if (parts.benchmarks !== undefined) addBenchmarkRoutes(app, entry, parts.benchmarks);
  if (parts.gateway?.administration !== undefined) addGatewayRoutes(app, entry, parts.gateway.administration);
  if (parts.hybrid !== undefined) addHybridRoutes(app, entry, parts.hybrid);
  if (parts.statistics !== undefined) addStatisticsRoutes(app, entry, parts.statistics);
  return { hono: app, drain: entry.drain, entry, access };
}

/** Host, then origin; the key comes after them. Returns the answer to a preflight. */
function checkPlace(access: Access, c: EntryContext): Response | undefined {
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  access.checkHost(host);
  const origin = c.req.header('origin');
  if (origin !== undefined) {
    access.checkOrigin(origin, host);
    c.set('originAllowed', true);
    const method = c.req.header('access-control-request-method');
    if (c.req.method === 'OPTIONS' && method !== undefined) return preflightAnswer(c);
  }
  return undefined;
}

function preflightAnswer(c: EntryContext): Response {
  const asked = c.req.header('access-control-request-headers');
  const local = c.req.header('access-control-request-private-network') === 'true';
  return new Response(null, {
    status: 204,
    headers: {
      ...baseHeaders(c),
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': asked ?? 'authorization, content-type',
      'access-control-max-age': '600',
      ...(local ? { 'access-control-allow-private-network': 'true' } : {}),
    },
  });
}

/** The client's own id where it is harmless, so that both sides' logs can be joined. */
function requestId(c: EntryContext): string {
  const given = c.req.header('x-request-id');
  return given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : newId('req_');
}

/** Methods by path, in the form of OpenAPI: `/v1/models/{id}`. */
function served(app: Hono<EntryEnv>): Map<string, Set<string>> {
  const paths = new Map<string, Set<string>>();
  for (const route of app.routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    if (!(path in operations)) continue;
    const methods = paths.get(path) ?? new Set();
    paths.set(path, methods.add(route.method));
  }
  return paths;
}

function allowedMethods(paths: Map<string, Set<string>>, path: string): string[] {
  const allowed = new Set<string>();
  for (const [pattern, methods] of paths) {
    const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    if (expression.test(path)) for (const method of methods) allowed.add(method);
  }
  return [...allowed].sort();
}
