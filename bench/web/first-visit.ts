/** Bytes over the wire at a first visit, headers included: counted where they pass, between the browser and the server. */
// oxlint-disable no-restricted-imports -- the page needs a server
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { startWebServer } from '../../test/support/web-server.ts';
import { type Figure, pageFolder, patientMs } from './figure.ts';

export async function measureFirstVisit(launch: { executablePath: string; args: string[] }): Promise<Figure[]> {
  const web = await startWebServer({ policy: {} }, {}, pageFolder);
  const counter = await countingProxy(Number(new URL(web.server.url).port));
  const browser = await chromium.launch(launch);
  try {
    // Without the service worker, whose copy would be under way before the wait has ended.
    const online = await visit(await browser.newContext({ serviceWorkers: 'block' }), counter.url);
    const usable = counter.bytes();
    await online.context().close();
    const page = await visit(await browser.newContext(), counter.url);
    await page.evaluate('navigator.serviceWorker.ready');
    await quiet(page, () => counter.bytes());
    const offline = counter.bytes() - usable;
    await keepEngine(page);
    await quiet(page, () => counter.bytes());
    const megabytes = (bytes: number): number[] => [bytes / 1e6];
    return [
      { name: 'first visit until the chat can be used', unit: 'MB', values: megabytes(usable) },
      { name: 'first visit with the copy for the time without a server', unit: 'MB', values: megabytes(offline) },
      {
        name: 'the same with an engine (weights not counted)',
        unit: 'MB',
        values: megabytes(counter.bytes() - usable),
      },
    ];
  } finally {
    await browser.close();
    counter.close();
    await web.close();
  }
}

async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(patientMs);
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator('.composer textarea').waitFor();
  return page;
}

/** As the page does it when a model is fetched. */
async function keepEngine(page: Page): Promise<void> {
  const said = await page.evaluate(`navigator.serviceWorker.ready.then(({ active }) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    active.postMessage('keep-engine', [port2]);
  }))`);
  if (said !== 'kept') throw new Error(`the engine was not kept: ${String(said)}`);
}

/** The page asks its server for news all the time; what is large has come when a second brings little. */
async function quiet(page: Page, bytes: () => number): Promise<void> {
  for (let before = -1; bytes() - before > 20_000;) {
    before = bytes();
    await page.waitForTimeout(1000);
  }
}

async function countingProxy(port: number): Promise<{ url: string; bytes(): number; close(): void }> {
  let sent = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    open.add(client).add(upstream);
    upstream.on('data', (chunk) => {
      sent += chunk.length;
    });
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    bytes: () => sent,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
