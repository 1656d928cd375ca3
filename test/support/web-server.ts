/** The real server with the built page, on a scripted device and a recording cloud: for tests of the page and for looking at it. */
import { setUp, type Setup, type SetupOptions } from '../../src/hybrid/testing/setup.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { builtPageFolder, readWebPage } from '../../src/server/web-page.ts';

export type WebServer = { setup: Setup; server: RunningServer; close(): Promise<void> };

export async function startWebServer(
  options: SetupOptions = {},
  serverOptions: Partial<ServerOptions> = {},
  pageFolder = builtPageFolder,
): Promise<WebServer> {
  const setup = await setUp(options);
  const server = await startServer({
    service: setup.service,
    hybrid: setup.control,
    web: readWebPage(pageFolder),
    options: { port: 0, version: '0.1.0', ...serverOptions },
    log: silentLog,
    metrics: noMetrics,
    clock: systemClock,
  });
  return {
    setup,
    server,
    async close() {
      await server.close(0);
      await setup.close();
    },
  };
}
