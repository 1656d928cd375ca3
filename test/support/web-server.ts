/** The real server with the built page, on a scripted device and a recording cloud: for tests of the page and for looking at it. */
import { setUp, type Setup, type SetupOptions } from '../../src/hybrid/testing/setup.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { AppParts, ServerOptions } from '../../src/server/options.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { builtPageFolder, readWebPage } from '../../src/server/web-page.ts';
import { createMetrics, type PrometheusMetrics } from '../../src/telemetry/metrics.ts';
import { StandInBenchmarks, standInMinutes, StandInModels, StandInModules, standInSpeech } from './page-stand-ins.ts';

export type WebServer = {
  setup: Setup;
  server: RunningServer;
  metrics: PrometheusMetrics;
  models: StandInModels;
  close(): Promise<void>;
};

export async function startWebServer(
  options: SetupOptions = {},
  serverOptions: Partial<ServerOptions> = {},
  pageFolder = builtPageFolder,
  parts: Partial<AppParts> = {},
): Promise<WebServer> {
  const setup = await setUp(options);
  const metrics = createMetrics();
  const models = new StandInModels();
  const server = await startServer({
    service: setup.service,
    hybrid: setup.control,
    web: readWebPage(pageFolder),
    admin: models,
    deviceModel: models,
    modules: new StandInModules(models),
    benchmarks: new StandInBenchmarks(),
    minutes: standInMinutes,
    transcriber: standInSpeech,
    dictation: standInSpeech,
    ...parts,
    options: { port: 0, version: '0.1.0', ...serverOptions },
    log: silentLog,
    metrics,
    renderMetrics: () => metrics.render(),
    clock: systemClock,
  });
  return {
    setup,
    server,
    metrics,
    models,
    async close() {
      await server.close(0);
      await setup.close();
    },
  };
}
