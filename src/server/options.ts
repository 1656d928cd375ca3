import type { Clock } from '../core/clock.ts';
import type { TlsFiles } from './tls.ts';
import type { GatewaySide } from './gateway-side.ts';
import type { HybridControl, StatisticsControl } from './hybrid-routes.ts';
import type { InferenceService } from '../core/inference.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { BenchmarkRuns } from '../core/benchmark.ts';
import type { DeviceModelSwitch, ModelAdministration } from '../core/model-store.ts';
import type { ModuleAdministration } from '../core/modules.ts';
import type { MinutesMaker } from '../core/minutes.ts';
import type { Transcriber, VoiceWatcher } from '../core/perception.ts';
import type { WebPage } from './web-page.ts';

export type ServerOptions = {
  /** Address to listen on. Default 127.0.0.1. Any other than loopback needs a key. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Any of these opens the door. Empty: no key is asked for, which only a loopback address may do. */
  apiKeys: readonly string[];
  /** `never`: no key is asked for on any address, which somebody has decided. Default `auto`. */
  requireKey: 'auto' | 'always' | 'never';
  /** Absent: plain HTTP. */
  tls?: TlsFiles;
  /** Further Host headers to accept, without port; `*` accepts all. Default none. */
  allowedHosts: readonly string[];
  /** Further origins of web pages, such as `https://app.example`; `*` accepts all. Default none. */
  allowedOrigins: readonly string[];
  /** Default 32 MiB: pictures and sound travel in the body. */
  maxBodyBytes: number;
  /** The whole body must arrive within this. Default 60 s. */
  bodyTimeoutMs: number;
  /** Silence after which a comment keeps the connection open. Default 10 s. Until the first one errors have a status. */
  keepAliveMs: number;
  /** How long a client may refuse to read before its request is aborted. Default 60 s. */
  writeStallMs: number;
  /** Requests for an answer at once, waiting ones included. Above it: 429. Default 256. */
  maxConcurrentRequests: number;
  /** Connections at once; further ones are closed. Default 1024. */
  maxConnections: number;
  /** The headers of a request must arrive within this. Default 15 s. */
  headersTimeoutMs: number;
  /** An idle connection is closed after this. Default 60 s. */
  idleConnectionMs: number;
  /** All headers of a request together. Default 16 KiB. */
  maxHeaderBytes: number;
  /** Dictations at once; further ones are told 429. Default 4: each asks the speech module every second. */
  maxDictations: number;
  /** A dictation without sound for so long is closed. Default 60 s. */
  dictationIdleMs: number;
  /** Shown by `GET /`. */
  version: string;
};

export const defaultServerOptions: ServerOptions = {
  host: '127.0.0.1',
  port: 8131,
  apiKeys: [],
  requireKey: 'auto',
  allowedHosts: [],
  allowedOrigins: [],
  maxBodyBytes: 32 * 1024 * 1024,
  bodyTimeoutMs: 60_000,
  keepAliveMs: 10_000,
  writeStallMs: 60_000,
  maxConcurrentRequests: 256,
  maxConnections: 1024,
  headersTimeoutMs: 15_000,
  idleConnectionMs: 60_000,
  maxHeaderBytes: 16 * 1024,
  maxDictations: 4,
  dictationIdleMs: 60_000,
  version: '0.0.0',
};

/** What the entry is made of. */
export type AppParts = {
  service: InferenceService;
  /** Without it the routes of the model store are not there. */
  admin?: ModelAdministration;
  /** Without it the model that answers cannot be changed while the server runs. */
  deviceModel?: DeviceModelSwitch;
  /** Without it no benchmark can be started from outside. */
  benchmarks?: BenchmarkRuns;
  /** Without it the routes of the modules are not there. */
  modules?: ModuleAdministration;
  /** Without it the routes of sound are not there. */
  transcriber?: Transcriber;
  /** Without it nobody dictates. */
  dictation?: Transcriber & VoiceWatcher;
  /** Without it there are no minutes of meetings. */
  minutes?: MinutesMaker;
  options?: Partial<ServerOptions>;
  log: Log;
  metrics: Metrics;
  /** Without it there are no routes for receipts and explanations. */
  hybrid?: HybridControl;
  /** In the role `cloud`. */
  gateway?: GatewaySide;
  /** Without it `/v1/stats` is not there. */
  statistics?: StatisticsControl;
  /** The page that browsers get at `/`. Without it `/` says what the API is, to browsers too. */
  web?: WebPage;
  /** The text of `GET /metrics`. Without it there is no such route. */
  renderMetrics?: () => Promise<{ contentType: string; text: string }>;
  clock: Clock;
};
