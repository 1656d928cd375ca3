/** The hybrid service as the configuration wants it: gate, cloud, policy, receipts, statistics. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CloudBackend } from '../../cloud/cloud-backend.ts';
import { EgressGate } from '../../cloud/egress-gate.ts';
import type { UpstreamOptions } from '../../cloud/options.ts';
import type { Config } from '../../config/load-config.ts';
import type { Backend } from '../../core/backend.ts';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Transcriber } from '../../core/perception.ts';
import type { EngineStatistics } from '../../engine/host/messages.ts';
import { createHybridControl } from '../../hybrid/control.ts';
import type { DeviceConditions } from '../../hybrid/device-observer.ts';
import { HybridService } from '../../hybrid/hybrid-service.ts';
import { Perception } from '../../hybrid/perception.ts';
import { openPolicy } from '../../hybrid/policy-file.ts';
import { receiptFile } from '../../hybrid/receipt-file.ts';
import { ReceiptStore } from '../../hybrid/receipts.ts';
import { StatisticsSender } from '../../hybrid/statistics-sender.ts';
import { StatisticsReceiver } from '../../hybrid/statistics-totals.ts';
import { Statistics } from '../../hybrid/statistics.ts';
import { openTaint } from '../../hybrid/taint-file.ts';
import type { Pictures } from '../application.ts';
import { statisticsReportSchema } from '../../protocol/statistics-report.ts';
import type { HybridControl, StatisticsControl } from '../../server/hybrid-routes.ts';

export type HybridParts = {
  config: Config;
  log: Log;
  metrics: Metrics;
  device: Backend;
  /** Absent where nothing hears speech. */
  transcriber?: Transcriber;
  /** Absent where this process takes no pictures in. */
  pictures?: Pictures;
  aliasesOf: (modelId: string) => readonly string[];
  /** Why an adapter that is on this machine cannot be used with the model that runs. */
  adapterFault?: (name: string) => Error | undefined;
};

export type OpenHybrid = {
  service: HybridService;
  control: HybridControl;
  /** Only where other servers' statistics are received. */
  statistics?: StatisticsControl;
  /** Begins to probe the cloud and, where switched on, to send statistics. */
  start(): void;
  /** What the engine says of its load, once a second. */
  report(statistics: EngineStatistics): void;
  close(): Promise<void>;
};

/** Where the files of the hybrid side lie. */
export function stateFile(config: Config, name: string): string {
  return path.join(config.home, 'state', name);
}

/** Throws `policy_invalid`, `config_invalid`. */
export function openHybrid({
  config,
  log,
  metrics,
  device,
  pictures,
  transcriber,
  aliasesOf,
  adapterFault,
}: HybridParts): OpenHybrid {
  const clock = systemClock;
  const gate = new EgressGate({ clock });
  const policy = openPolicy(config.policy, clock, log);
  const upstreams = upstreamsOf(config);
  const { cloudFirstTokenSeconds: first, cloudSilenceSeconds: silence } = config;
  const limits = {
    ...(first === 'auto' ? {} : { firstTokenMs: first * 1000 }),
    ...(silence === 'auto' ? {} : { silenceMs: silence * 1000 }),
  };
  const cloud = upstreams.length === 0 ? undefined : new CloudBackend({ gate, upstreams, clock, log, limits });
  const receipts = new ReceiptStore({
    log,
    ...(config.receiptFile ? { append: receiptFile(stateFile(config, 'receipts.jsonl')) } : {}),
  });
  const statistics = new Statistics({ clock, log, file: stateFile(config, 'statistics.json') });
  const receiver = config.receiveStats ? new StatisticsReceiver() : undefined;
  let conditions: DeviceConditions = {};
  const perception = new Perception({
    ...(pictures === undefined ? {} : { guard: pictures.decoder, reader: pictures.reader }),
    ...(pictures?.fetcher === undefined ? {} : { fetcher: pictures.fetcher }),
    ...(transcriber === undefined ? {} : { transcriber }),
    maxPictures: config.maxImages,
    clock,
    log,
  });
  const service = new HybridService({
    device,
    perception,
    ...(cloud === undefined ? {} : { cloud }),
    gate,
    policy,
    aliasesOf,
    ...(adapterFault === undefined ? {} : { adapterFault }),
    createdSeconds: Math.floor(clock.wallTime() / 1000),
    receipts,
    // Without a cloud nothing can leave, so there is nothing to remember.
    ...(cloud === undefined ? {} : { taint: openTaint(stateFile(config, 'private-conversations'), log) }),
    conditions: () => conditions,
    onReceipt: (receipt) => statistics.add(receipt),
    clock,
    log,
    metrics,
  });
  const sender =
    config.statsUrl === ''
      ? undefined
      : new StatisticsSender({
          statistics,
          gate,
          url: config.statsUrl,
          isClosed: (report) => statisticsReportSchema.safeParse(report).success,
          log,
        });
  return {
    service,
    control: createHybridControl({ service, statistics, statsUrl: config.statsUrl }),
    ...(receiver === undefined ? {} : { statistics: receiver }),
    start() {
      service.warmUp();
      if (cloud !== undefined) service.expectCloud(cloud.start());
      sender?.start();
    },
    report({ running, queued, limitReasons }) {
      conditions = {
        running,
        queued,
        queueCapacity: config.queue,
        load: limitReasons.includes('cpu') ? 0.9 : 0,
        thermal: limitReasons.includes('temperature') ? 'serious' : 'nominal',
        ...(limitReasons.includes('battery') ? { battery: 0 } : {}),
      };
    },
    async close() {
      perception.clear();
      statistics.save();
      await sender?.dispose();
      await cloud?.dispose();
      await receipts.flush();
    },
  };
}

/** Throws `config_invalid`. */
export function upstreamsOf(config: Config): UpstreamOptions[] {
  const apiKey = config.cloudApiKeyFile === '' ? config.cloudApiKey : readSecret(config.cloudApiKeyFile);
  const certificatePem = config.cloudCaFile === '' ? undefined : readText(config.cloudCaFile, 'cloud-ca-file');
  const { httpProxy, httpsProxy, noProxy } = config;
  const models = config.cloudModel.map((id) => ({
    id,
    modalities: [...config.cloudModalities],
    embeddings: config.cloudEmbeddings,
  }));
  return config.cloudUrl.map((url) => ({
    url,
    models,
    modelDefaults: { modalities: [...config.cloudModalities], embeddings: config.cloudEmbeddings },
    ...(apiKey === '' ? {} : { apiKey }),
    ...(certificatePem === undefined ? {} : { certificatePem }),
    ...(httpProxy === '' && httpsProxy === '' ? {} : { proxy: { httpProxy, httpsProxy, noProxy } }),
  }));
}

function readSecret(file: string): string {
  const key = readText(file, 'cloud-api-key-file').trim();
  if (key === '' || /\s/.test(key)) {
    throw makeError('config_invalid', { reason: `cloud-api-key-file: ${file} must hold one key and nothing else` });
  }
  return key;
}

function readText(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw makeError('config_invalid', { reason: `${setting}: ${file} cannot be read` }, { cause });
  }
}
