/** The whole server in the role `cloud`: entry and pool, no store and no engine. */
import { CloudBackend } from '../../cloud/cloud-backend.ts';
import { EgressGate } from '../../cloud/egress-gate.ts';
import type { CloudLimits } from '../../cloud/options.ts';
import type { Config } from '../../config/load-config.ts';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { GatewayService } from '../../gateway/gateway-service.ts';
import { StatisticsReceiver } from '../../hybrid/statistics-totals.ts';
import type { RunningServer } from '../../server/start.ts';
import type { Application, Telemetry } from '../application.ts';
import { upstreamsOf } from '../hybrid/open-hybrid.ts';
import { serverOptions } from '../open-entry.ts';

export type OpenGateway = {
  server: RunningServer;
  /** Resolves when an upstream has answered. */
  ready: Promise<void>;
  close(graceMs: number): Promise<void>;
};

/** How often `ready` looks. */
const lookMs = 100;

/** Throws `config_invalid`, `port_in_use`, `insecure_bind`. */
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
  const gate = new EgressGate({ clock });
  const cloud = new CloudBackend({ gate, upstreams, clock, log, limits: cloudLimits(config) });
  const service = new GatewayService({ cloud, gate, createdSeconds: Math.floor(clock.wallTime() / 1000) });
  let server: RunningServer;
  try {
    server = await application.startServer({
      service,
      statistics: new StatisticsReceiver(),
      options: { ...serverOptions(config, application.version), requireKey: config.requireKey },
      log,
      metrics,
      renderMetrics,
      clock,
    });
  } catch (error) {
    await cloud.dispose();
    throw error;
  }
  void cloud.start();
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
    ready,
    async close(graceMs) {
      clearInterval(look);
      await server.close(graceMs);
      await cloud.dispose();
    },
  };
}

function cloudLimits(config: Config): Partial<CloudLimits> {
  const { cloudFirstTokenSeconds: first, cloudSilenceSeconds: silence } = config;
  return {
    firstTokenMs: (first === 'auto' ? 300 : first) * 1000,
    silenceMs: (silence === 'auto' ? 60 : silence) * 1000,
  };
}
