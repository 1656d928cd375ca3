/** The whole server in the role `cloud`: entry, keys, limits and pool; no model store and no engine. */
import path from 'node:path';
import { CloudBackend } from '../../cloud/cloud-backend.ts';
import { EgressGate } from '../../cloud/egress-gate.ts';
import type { CloudLimits } from '../../cloud/options.ts';
import type { Config } from '../../config/load-config.ts';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import { Admission } from '../../gateway/admission/admission.ts';
import { AuditLog } from '../../gateway/audit-log.ts';
import { GatewayAdministration } from '../../gateway/gateway-administration.ts';
import { GatewayService } from '../../gateway/gateway-service.ts';
import { Gateway } from '../../gateway/gateway.ts';
import { KeyRing } from '../../gateway/keys/key-ring.ts';
import { MemoryCounters } from '../../gateway/limits/memory-counters.ts';
import type { RateCounters } from '../../gateway/limits/rate-counters.ts';
import { RedisCounters } from '../../gateway/limits/redis-counters.ts';
import { RelayService } from '../../gateway/relay-service.ts';
import type { GatewayStore } from '../../gateway/state/gateway-store.ts';
import { type Prices, UsageLedger } from '../../gateway/usage-ledger.ts';
import { openPolicy } from '../../hybrid/policy-file.ts';
import { StatisticsReceiver } from '../../hybrid/statistics-totals.ts';
import { isLoopback } from '../../server/bind.ts';
import { createAddressReader } from '../../server/client-address.ts';
import type { ServerOptions } from '../../server/options.ts';
import type { RunningServer } from '../../server/start.ts';
import { builtPageFolder, readWebPage } from '../../server/web-page.ts';
import type { Application, Telemetry } from '../application.ts';
import { stateFile, upstreamsOf } from '../hybrid/open-hybrid.ts';
import { serverOptions } from '../open-entry.ts';
import { countersAddress, newStore } from './open-state.ts';

export type OpenGateway = {
  server: RunningServer;
  /** Where keys and usage are. */
  place: string;
  /** Resolves when an upstream has answered. */
  ready: Promise<void>;
  close(graceMs: number, announceMs?: number): Promise<void>;
};

/** How often `ready` looks, and how often gauges are set. */
const lookMs = 100;
const gaugeMs = 1000;
/** Connections beside those that have a request running or waiting. */
const spareConnections = 1024;

/** Throws `config_invalid`, `port_in_use`, `state_unavailable`, `policy_invalid`. */
export async function openGateway(
  application: Application,
  { config, telemetry }: { config: Config; telemetry: Telemetry },
): Promise<OpenGateway> {
  const upstreams = upstreamsOf(config);
  if (upstreams.length === 0) {
    throw makeError('config_invalid', {
      reason: 'the role cloud needs --cloud-url, the servers that it stands before',
    });
  }
  const { log, metrics, renderMetrics } = telemetry;
  const clock = systemClock;
  const address = createAddressReader(config.trustProxy);
  const gate = new EgressGate({ clock });
  const parts = await openParts(config, log, metrics);
  const cloud = new CloudBackend({ gate, upstreams, clock, log, limits: cloudLimits(config) });
  const service = new GatewayService({ cloud, gate, createdSeconds: Math.floor(clock.wallTime() / 1000) });
  let server: RunningServer;
  try {
    server = await application.startServer({
      service,
      gateway: {
        gateway: parts.gateway,
        relay: new RelayService(cloud, service),
        address,
        administration: new GatewayAdministration({ store: parts.store, clock, upstreams: () => cloud.upstreams() }),
      },
      statistics: new StatisticsReceiver(),
      ...(config.web === 'on' ? { web: readWebPage(builtPageFolder) } : {}),
      options: { ...serverOptions(config, application.version), ...gatewayOptions(config) },
      log,
      metrics,
      renderMetrics,
      clock,
    });
  } catch (error) {
    await cloud.dispose();
    await parts.close();
    throw error;
  }
  void cloud.start();
  const gauges = setInterval(() => parts.gateway.observe(), gaugeMs).unref();
  let look: NodeJS.Timeout | undefined;
  const ready = new Promise<void>((resolve) => {
    look = setInterval(() => {
      if (service.health().status !== 'ready') return;
      clearInterval(look);
      resolve();
    }, lookMs);
  });
  return {
    server,
    place: parts.place,
    ready,
    async close(graceMs, announceMs) {
      clearInterval(look);
      await server.close(graceMs, announceMs);
      clearInterval(gauges);
      await cloud.dispose();
      await parts.close();
    },
  };
}

type Parts = { gateway: Gateway; store: GatewayStore; place: string; close(): Promise<void> };

async function openParts(config: Config, log: Log, metrics: Metrics): Promise<Parts> {
  const clock = systemClock;
  const policy = openPolicy(config.policy, clock, log);
  const store = newStore(config);
  await openStore(store);
  const keys = new KeyRing({ store, clock, log, graceMs: config.keyGraceMinutes * 60_000 });
  const priceOf = (model: string): Prices => {
    const { prices } = policy.current();
    const price = prices.models[model] ?? prices.cloud;
    return { inputPerMillion: price.input_per_million, outputPerMillion: price.output_per_million };
  };
  const ledger = new UsageLedger({ store, clock, log, priceOf, folder: path.join(config.home, 'state') });
  const counters = await openCounters(config, log);
  const { maxRunning, maxWaiting, queueSeconds } = config;
  const keyRunning = config.keyRunning === 'auto' ? Math.max(1, Math.ceil(maxRunning / 2)) : config.keyRunning;
  const admission = new Admission({
    clock,
    maxRunning,
    maxWaiting,
    queueMs: queueSeconds * 1000,
    keyRunning,
    keyWaiting: Math.min(keyRunning, maxWaiting),
  });
  const audit = openAudit(config, log, metrics);
  await keys.start();
  await ledger.start();
  const { keyRequestsPerMinute, keyTokensPerMinute } = config;
  const gateway = new Gateway({
    keys,
    ledger,
    counters,
    admission,
    ...(audit === undefined ? {} : { audit }),
    metrics,
    clock,
    defaults: {
      ...(keyRequestsPerMinute === 0 ? {} : { requestsPerMinute: keyRequestsPerMinute }),
      ...(keyTokensPerMinute === 0 ? {} : { tokensPerMinute: keyTokensPerMinute }),
    },
  });
  return {
    gateway,
    store,
    place: store.place,
    async close() {
      keys.stop();
      await ledger.close();
      await audit?.close();
      await counters.close();
      await store.close();
    },
  };
}

/** Throws `state_unavailable`: a gateway that could not check a single key should say so at the start. */
export async function openStore(store: GatewayStore): Promise<void> {
  try {
    await store.open();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw makeError('state_unavailable', { reason: `${store.place} cannot be opened` }, { cause, detail: why });
  }
}

async function openCounters(config: Config, log: Log): Promise<RateCounters> {
  const memory = new MemoryCounters(systemClock);
  const url = countersAddress(config);
  if (url === '') return memory;
  const counters = new RedisCounters({ url, log, fallback: memory });
  await counters.open();
  return counters;
}

function openAudit(config: Config, log: Log, metrics: Metrics): AuditLog | undefined {
  if (config.auditFile === 'off') return undefined;
  return new AuditLog({
    file: config.auditFile === 'auto' ? stateFile(config, 'audit.jsonl') : path.resolve(config.auditFile),
    log,
    rotateBytes: Math.round(config.auditMib * 1024 * 1024),
    onDropped: (count) => metrics.count('duanyun_gateway_audit_dropped_total', {}, count),
  });
}

function gatewayOptions(config: Config): Partial<ServerOptions> {
  const places = config.maxRunning + config.maxWaiting;
  // An address that others reach asks for a key even before the first one is made.
  const requireKey = config.requireKey === 'auto' && !isLoopback(config.host) ? 'always' : config.requireKey;
  return {
    requireKey,
    maxConcurrentRequests: places,
    maxConnections: places + spareConnections,
    // Where a key is asked for, a page of a browser that was led here by a false name has none to send.
    ...(requireKey === 'always' ? { allowedHosts: [...config.allowHost, '*'] } : {}),
  };
}

function cloudLimits(config: Config): Partial<CloudLimits> {
  const { cloudFirstTokenSeconds: first, cloudSilenceSeconds: silence } = config;
  return {
    probeMs: 2000,
    firstTokenMs: (first === 'auto' ? 300 : first) * 1000,
    silenceMs: (silence === 'auto' ? 60 : silence) * 1000,
  };
}
