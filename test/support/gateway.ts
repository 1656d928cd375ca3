/** A whole gateway on a free port, in this process: real store, keys, limits and relay, before a scripted upstream. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CloudBackend } from '../../src/cloud/cloud-backend.ts';
import { EgressGate } from '../../src/cloud/egress-gate.ts';
import type { CloudLimits } from '../../src/cloud/options.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { Admission, type AdmissionOptions } from '../../src/gateway/admission/admission.ts';
import { AuditLog } from '../../src/gateway/audit-log.ts';
import { GatewayAdministration } from '../../src/gateway/gateway-administration.ts';
import { GatewayService } from '../../src/gateway/gateway-service.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createKey } from '../../src/gateway/keys/api-key.ts';
import { KeyRing } from '../../src/gateway/keys/key-ring.ts';
import type { KeyLimits } from '../../src/gateway/keys/key-record.ts';
import { MemoryCounters } from '../../src/gateway/limits/memory-counters.ts';
import { RelayService } from '../../src/gateway/relay-service.ts';
import type { GatewayStore } from '../../src/gateway/state/gateway-store.ts';
import { SqliteStore } from '../../src/gateway/state/sqlite-store.ts';
import { UsageLedger } from '../../src/gateway/usage-ledger.ts';
import { createAddressReader } from '../../src/server/client-address.ts';
import type { WebPage } from '../../src/server/web-page.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { createMetrics, type PrometheusMetrics } from '../../src/telemetry/metrics.ts';
import { FakeCloud, sayAsAsked } from './fake-cloud.ts';

export type GatewayOptions = {
  admission?: Partial<AdmissionOptions>;
  server?: Partial<ServerOptions>;
  limits?: Partial<CloudLimits>;
  clock?: Clock;
  log?: Log;
  store?: (folder: string) => GatewayStore;
  price?: number;
  graceMs?: number;
  trustProxy?: string[];
  web?: WebPage;
};

export class TestGateway {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-gateway-'));
  readonly upstream: FakeCloud;
  readonly metrics: PrometheusMetrics = createMetrics();
  server!: RunningServer;
  store!: GatewayStore;
  ring!: KeyRing;
  ledger!: UsageLedger;
  admission!: Admission;
  audit!: AuditLog;
  cloud!: CloudBackend;
  readonly #ownsUpstream: boolean;

  private constructor(upstream?: FakeCloud) {
    this.#ownsUpstream = upstream === undefined;
    this.upstream = upstream ?? new FakeCloud();
    if (upstream === undefined) this.upstream.play = sayAsAsked('Hello from the cloud.');
  }

  static async start(options: GatewayOptions = {}, upstream?: FakeCloud): Promise<TestGateway> {
    const own = new TestGateway(upstream);
    if (own.#ownsUpstream) await own.upstream.start();
    await own.#start(options);
    return own;
  }

  get url(): string {
    return this.server.url;
  }

  async #start(options: GatewayOptions): Promise<void> {
    const { clock = systemClock, log = silentLog, folder } = { ...options, folder: this.folder };
    this.store = options.store?.(folder) ?? new SqliteStore({ file: path.join(folder, 'gateway.sqlite') });
    await this.store.open();
    this.ring = new KeyRing({
      store: this.store,
      clock,
      log,
      lookMs: 100,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    });
    const price = options.price ?? 0;
    const priceOf = () => ({ inputPerMillion: price, outputPerMillion: price });
    this.ledger = new UsageLedger({ store: this.store, clock, log, priceOf, folder, flushMs: 50 });
    this.admission = new Admission({
      clock,
      maxRunning: 1024,
      maxWaiting: 1024,
      queueMs: 10_000,
      keyRunning: 512,
      keyWaiting: 512,
      ...options.admission,
    });
    this.audit = new AuditLog({ file: path.join(folder, 'audit.jsonl'), log, flushMs: 20 });
    await this.ring.start();
    await this.ledger.start();
    const gate = new EgressGate({ clock });
    this.cloud = new CloudBackend({
      gate,
      clock,
      log,
      upstreams: [{ url: this.upstream.url }],
      limits: { probeMs: 100, downProbeMs: 20, retryDelayMs: 1, ...options.limits },
    });
    await this.cloud.start();
    const service = new GatewayService({ cloud: this.cloud, gate, createdSeconds: 1 });
    const { metrics, ring: keys, ledger, admission, audit } = this;
    const gateway = new Gateway({
      keys,
      ledger,
      admission,
      audit,
      metrics,
      clock,
      counters: new MemoryCounters(clock),
    });
    const relay = new RelayService(this.cloud, service);
    this.server = await startServer({
      service,
      gateway: {
        gateway,
        relay,
        address: createAddressReader(options.trustProxy ?? []),
        administration: new GatewayAdministration({
          store: this.store,
          clock,
          upstreams: () => this.cloud.upstreams(),
        }),
      },
      ...(options.web === undefined ? {} : { web: options.web }),
      options: {
        port: 0,
        requireKey: 'always',
        maxConcurrentRequests: 10_000,
        maxConnections: 10_000,
        ...options.server,
      },
      log,
      metrics,
      renderMetrics: () => metrics.render(),
      clock,
    });
  }

  async newKey(limits: KeyLimits = {}, more: { expiresAt?: number } = {}): Promise<{ key: string; id: string }> {
    const { key, id, hash } = createKey();
    const createdAt = Date.now();
    await this.store.insertKey({
      id,
      name: 'test',
      hash,
      createdAt,
      expiresAt: more.expiresAt,
      revokedAt: undefined,
      limits,
    });
    await this.ring.look();
    return { key, id };
  }

  /** POSTs a chat. */
  ask(key: string | undefined, more: object = {}, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(init.headers as Record<string, string> | undefined),
      },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...more }),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
  }

  async close(): Promise<void> {
    await this.server.close(0);
    await this.cloud.dispose();
    this.ring.stop();
    await this.ledger.close();
    await this.audit.close();
    await this.store.close();
    if (this.#ownsUpstream) await this.upstream.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function errorCode(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}
