/** The whole server: entry, service, store and engine. `serve` shows it to the network, `chat` keeps it to itself. */
import path from 'node:path';
import { systemClock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { PullEvent } from '../core/model-store.ts';
import type { Config } from '../config/load-config.ts';
import { LateBackend } from '../hybrid/late-backend.ts';
import type { ServerOptions } from '../server/options.ts';
import type { RunningServer } from '../server/start.ts';
import { builtPageFolder, readWebPage } from '../server/web-page.ts';
import type { Application, Telemetry } from './application.ts';
import { otherModel } from '../models/adapters/model-adapters.ts';
import { OwnBenchmarkRuns } from './benchmark-runs.ts';
import type { BringUpHooks, BroughtUp } from './device/bring-up.ts';
import { DeviceModel } from './device/device-model.ts';
import { createEngineMetrics } from './device/engine-metrics.ts';
import { openHybrid, type OpenHybrid } from './hybrid/open-hybrid.ts';
import { progressText } from './pull-progress.ts';

export type EntryOptions = {
  config: Config;
  telemetry: Telemetry;
  /** Instead of what the configuration says. */
  server?: Partial<ServerOptions>;
  hooks: Pick<BringUpHooks, 'onPull' | 'onModel'>;
  /** Why `default` means this model. */
  onDefaultChosen(reason: string): void;
};

export type OpenEntry = {
  server: RunningServer;
  /** Resolves when questions are answered; rejects with what is in the way. */
  ready: Promise<BroughtUp>;
  /** Process id of the engine while one runs. */
  enginePid(): number | undefined;
  /** Stops what is being fetched or loaded, lets answers end for `graceMs`, frees everything. */
  close(graceMs: number, announceMs?: number): Promise<void>;
};

/** Listens first and brings the model up behind it. Throws `port_in_use`, `insecure_bind`, `config_invalid`. */
export async function openEntry(application: Application, options: EntryOptions): Promise<OpenEntry> {
  const { config, telemetry } = options;
  const { log, metrics, renderMetrics } = telemetry;
  const device = new LateBackend('device');
  const store = application.openStore(config, {
    ...log,
    info(fields, message) {
      // The store decides what `default` means and says why in its log only.
      if (message === 'default model chosen') options.onDefaultChosen(String(fields['reason']));
      log.info(fields, message);
    },
  });
  const aliases = new Map(store.catalogue().map(({ id, aliases: names }) => [id, names]));
  const abort = new AbortController();
  const modules = application.createModules(config, { log, metrics });
  const pictures = application.createPictures(config, { log, modules });
  const speech = application.createSpeech(config, { log, modules, store });
  for (const module of speech.managedModules()) modules.register(module);
  let adapterFault: ((name: string) => Error | undefined) | undefined;
  let server: RunningServer;
  let hybrid: OpenHybrid | undefined;
  const reportMetrics = createEngineMetrics(metrics);
  const model = new DeviceModel({
    application,
    store,
    config,
    log,
    signal: abort.signal,
    modules,
    decoder: pictures.decoder,
    device,
    hooks: {
      onPull(event) {
        reportPull(device, event);
        options.hooks.onPull(event);
      },
      onModel(chosen, plan) {
        device.report({ status: 'loading', reason: `loading ${chosen.entry.id}` });
        aliases.set(chosen.entry.id, chosen.entry.aliases);
        adapterFault = (name) => {
          const adapter = store.adapters.list().find((each) => each.name === name);
          return adapter === undefined || adapter.base === chosen.source
            ? undefined
            : otherModel(adapter, chosen.entry.id);
        };
        options.hooks.onModel(chosen, plan);
      },
      onStatistics(statistics) {
        reportMetrics(statistics);
        hybrid?.report(statistics);
      },
    },
  });
  const benchmarks = new OwnBenchmarkRuns({
    folder: path.join(config.home, 'benchmarks'),
    port: () => server.port,
    keyFile: config.apiKeyFile,
    ...(config.tlsCert === ''
      ? {}
      : { unreachable: 'Benchmarks from the page need plain HTTP; use `duanyun bench --target NAME=URL`.' }),
    clock: systemClock,
    log,
  });
  try {
    hybrid = openHybrid({
      config,
      log,
      metrics,
      device,
      pictures,
      transcriber: speech,
      aliasesOf: (id) => aliases.get(id) ?? [],
      adapterFault: (name) => adapterFault?.(name),
    });
    server = await application.startServer({
      service: hybrid.service,
      hybrid: hybrid.control,
      ...(hybrid.statistics === undefined ? {} : { statistics: hybrid.statistics }),
      admin: store,
      deviceModel: model,
      benchmarks,
      modules,
      transcriber: speech,
      dictation: speech,
      minutes: application.createMinutes(config, {
        log,
        service: hybrid.service,
        transcriber: speech,
        speakers: speech,
      }),
      ...(config.web === 'on' ? { web: readWebPage(builtPageFolder) } : {}),
      options: { ...serverOptions(config, application.version), ...options.server },
      log,
      metrics,
      renderMetrics,
      clock: systemClock,
    });
  } catch (error) {
    await modules.dispose();
    await pictures.dispose();
    await hybrid?.close();
    await store.dispose();
    throw error;
  }
  const running = hybrid;
  running.start();
  const ready = model.start();
  // Whoever awaits `ready` gets the error; until then it must not count as unhandled.
  ready.catch((error: unknown) => {
    device.report({
      status: 'unavailable',
      reason: error instanceof Error ? error.message : 'the model could not start',
    });
  });
  return {
    server,
    ready,
    enginePid: () => model.enginePid,
    async close(graceMs, announceMs) {
      abort.abort(new Error('closing'));
      await benchmarks.dispose();
      await server.close(graceMs, announceMs);
      await ready.catch(() => {});
      await model.settled();
      await modules.dispose();
      await pictures.dispose();
      await device.dispose();
      await running.close();
      await store.dispose();
    },
  };
}

/** What the HTTP side takes from the configuration, in both roles. */
export function serverOptions(config: Config, version: string): Partial<ServerOptions> {
  return {
    host: config.host,
    port: config.port,
    apiKeys: config.apiKeys,
    allowedHosts: config.allowHost,
    allowedOrigins: config.allowOrigin,
    maxBodyBytes: Math.round(config.maxBodyMib * 1024 * 1024),
    ...tlsOptions(config),
    version,
  };
}

/** Throws `config_invalid` where only one of the two files is named. */
function tlsOptions({ tlsCert, tlsKey }: Config): Partial<ServerOptions> {
  if (tlsCert === '' && tlsKey === '') return {};
  if (tlsCert === '' || tlsKey === '') {
    throw makeError('config_invalid', { reason: 'tls-cert and tls-key belong together: give both or none' });
  }
  return { tls: { certFile: tlsCert, keyFile: tlsKey } };
}

function reportPull(device: LateBackend, event: PullEvent): void {
  if (event.type === 'pull-progress') {
    const { file, receivedBytes, totalBytes } = event;
    device.report({
      status: 'loading',
      reason: `fetching ${file}: ${progressText(event)}`,
      ...(totalBytes === undefined ? {} : { progress: receivedBytes / totalBytes }),
    });
  } else if (event.type === 'pull-start') {
    device.report({ status: 'loading', reason: `fetching ${event.file}` });
  }
}
