/** Wires the concrete classes; nothing else does. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from './core/clock.ts';
import type { Config } from './config/load-config.ts';
import type { Application } from './cli/application.ts';
import { EngineBackend } from './engine/engine-backend.ts';
import { OcrModule, OcrReader } from './engine/modules/ocr/ocr-module.ts';
import { PictureProcess } from './engine/pictures/picture-process.ts';
import { AddressFetcher } from './cloud/picture-fetcher.ts';
import { countPhysicalCores } from './cli/device/physical-cores.ts';
import { SpeechModule } from './engine/modules/speech/speech-module.ts';
import { ModuleManager } from './engine/modules/module-manager.ts';
import { sessionOptions } from './cli/device/session-options.ts';
import { finetune } from './engine/finetune/finetune.ts';
import { optimize } from './engine/optimize/optimizer.ts';
import { availableMemoryBytes } from './models/available-memory.ts';
import { readGgufHeader } from './models/gguf.ts';
import { HttpClient, type HttpClientOptions } from './models/http-client.ts';
import { ModelStore } from './models/model-store.ts';
import { readPipConfiguration, type PipConfiguration } from './models/pip-configuration.ts';
import { LocalMinutes } from './minutes/make-minutes.ts';
import { startServer } from './server/start.ts';
import { createLog } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';

/** A model of this size gains little from more. */
const mostSpeechThreads = 4;

export const application: Application = {
  version: (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
    .version,
  openTelemetry(config) {
    const { logLevel: level, logFormat } = config;
    const metrics = createMetrics({ processMetrics: true });
    const log = createLog({ level, ...(logFormat === 'auto' ? {} : { pretty: logFormat === 'text' }) });
    return { log, metrics, renderMetrics: () => metrics.render() };
  },
  openStore(config, log) {
    return new ModelStore({
      root: config.home,
      offline: config.offline,
      hubs: {
        huggingfaceEndpoints: [...config.hfEndpoint],
        modelscopeEndpoint: config.modelscopeEndpoint,
        indexUrls: pipConfiguration(config).indexUrls,
      },
      http: httpOptions(config),
      clock: systemClock,
      log,
      availableMemoryBytes,
      useTuned: !config.published,
    });
  },
  packageIndexes: (config) => pipConfiguration(config).indexUrls,
  openHttpProbe(config) {
    const client = new HttpClient(httpOptions(config));
    return {
      async probe(url, signal) {
        const response = await client.request(url, { method: 'HEAD', signal });
        response.discard();
        return response.status;
      },
      dispose: () => client.dispose(),
    };
  },
  readHeader: readGgufHeader,
  createEngine: (engine, config, parts) =>
    new EngineBackend({
      engine: config.sessionsMib === 0 ? engine : { ...engine, sessions: sessionOptions(config) },
      clock: systemClock,
      environment: config.childEnvironment,
      languageStaysLoaded: !config.unloadLanguage,
      ...parts,
    }),
  createPictures(config, { log, modules }) {
    const { childEnvironment: environment, imageUrlHost: hosts } = config;
    const maxBytes = Math.round(config.maxImageMib * 1024 * 1024);
    const limits = { maxBytes, maxPixels: Math.round(config.maxImageMegapixels * 1e6) };
    const decoder = new PictureProcess({ limits, environment, log });
    const threads = config.threads === 'auto' ? Math.min(4, countPhysicalCores()) : config.threads;
    const ocr = new OcrModule({ threads, environment, log });
    modules.register(ocr);
    return {
      decoder,
      reader: new OcrReader(ocr, modules, decoder),
      ...(hosts.length === 0 ? {} : { fetcher: new AddressFetcher({ hosts, maxBytes }) }),
      dispose: () => decoder.dispose(),
    };
  },
  createModules: (config, { log, metrics }) =>
    new ModuleManager({
      clock: systemClock,
      log,
      metrics,
      budgetBytes: config.memoryBudget === 'auto' ? 'auto' : config.memoryBudget * 1024 * 1024,
      availableBytes: availableMemoryBytes,
      idleMs: config.moduleIdleSeconds * 1000,
    }),
  createSpeech: (config, { log, modules, store }) =>
    new SpeechModule({
      modules,
      log,
      installed: () => store.installed(),
      model: config.speechModel,
      threads: config.threads === 'auto' ? Math.min(countPhysicalCores(), mostSpeechThreads) : config.threads,
      mostSeconds: config.maxAudioMinutes * 60,
      environment: config.childEnvironment,
    }),
  optimize: (options, config) => optimize({ ...options, environment: config.childEnvironment }),
  finetune: (options, config) => finetune({ ...options, environment: config.childEnvironment }),
  createMinutes: (config, { log, service, transcriber, speakers }) =>
    new LocalMinutes({
      service,
      transcriber,
      speakers,
      stateDirectory: join(config.home, 'state', 'minutes'),
      clock: systemClock,
      log,
      newId: () => `minutes-${randomUUID()}`,
    }),
  availableMemoryBytes,
  startServer,
};

function pipConfiguration(config: Config): PipConfiguration {
  return readPipConfiguration(readText, config.pip);
}

function httpOptions(config: Config): HttpClientOptions {
  const certificatePem = readText(pipConfiguration(config).certificatePath);
  const { httpProxy, httpsProxy, noProxy } = config;
  return {
    ...(certificatePem === undefined ? {} : { certificatePem }),
    ...(httpProxy === '' && httpsProxy === '' ? {} : { proxy: { httpProxy, httpsProxy, noProxy } }),
  };
}

function readText(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
