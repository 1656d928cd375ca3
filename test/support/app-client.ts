/** What the tests of the HTTP entry share: an app on a scripted backend, and readers of its answers. */
import type { Hono } from 'hono';
import type { Clock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { createApp } from '../../src/server/app.ts';
import type { EntryEnv } from '../../src/server/entry.ts';
import type { AppParts } from '../../src/server/options.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { ScriptedBackend } from './scripted-backend.ts';

/** Stands still unless it is moved. */
export class HandClock implements Clock {
  nowMs = 1000;
  wallMs = 1_760_000_000_000;
  now(): number {
    return this.nowMs;
  }
  wallTime(): number {
    return this.wallMs;
  }
}

type PartsOverride = Partial<Omit<AppParts, 'service'>>;

export function appParts(backend: ScriptedBackend, parts: PartsOverride = {}): AppParts {
  return { service: backend, log: silentLog, metrics: noMetrics, clock: new HandClock(), ...parts };
}

export function newApp(backend = new ScriptedBackend(), parts: PartsOverride = {}): Hono<EntryEnv> {
  return createApp(appParts(backend, parts)).hono;
}

/** A server on a free port of the loopback address. */
export function newServer(backend = new ScriptedBackend(), parts: PartsOverride = {}): Promise<RunningServer> {
  return startServer(appParts(backend, { ...parts, options: { port: 0, ...parts.options } }));
}

export function postJson(
  app: Hono<EntryEnv>,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const init: RequestInit = {
    method: 'POST',
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  };
  if (signal !== undefined) init.signal = signal;
  return Promise.resolve(app.request(`http://localhost${path}`, init));
}

export type Frame = { event?: string; data: string };

/** The events of a stream, comments left out. */
export function framesOf(text: string): Frame[] {
  return text
    .split('\n\n')
    .map((block) => block.split('\n').filter((line) => !line.startsWith(':') && line !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const name = field('event');
      return name === undefined ? { data: field('data') ?? '' } : { event: name, data: field('data') ?? '' };
    });
}

/** Parsed `data:` objects, without `[DONE]`. */
export function chunksOf<T = Record<string, unknown>>(text: string): T[] {
  return framesOf(text)
    .filter((frame) => frame.data !== '[DONE]')
    .map((frame) => JSON.parse(frame.data) as T);
}
