/** The installed page without its server, in a real Chromium; and versions of the page that never mix. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtPageFolder } from '../../src/server/web-page.ts';
import { findChromium, noChromium } from '../support/find-chromium.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';
import { fetchModel } from '../support/model-server.ts';
import { describeWithWeights, type TestModel } from '../support/weights.ts';
import {
  ask,
  long,
  type ModelServer,
  openBrowser,
  patient,
  smallModel,
  someWords,
  startModelServer,
} from './page-with-model.ts';

const hasBrowser = findChromium() !== undefined;
const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-offline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

const isReady = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller !== null) return;
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true });
    });
  });

/** Larger ones take minutes: `DUANYUN_TEST_SLOW=1 npm test -- test/web/offline.test.ts`. */
const models: { id: TestModel; name: string; cores: number }[] = [{ id: 'smollm2-135m', name: smallModel, cores: 1 }];
if (process.env['DUANYUN_TEST_SLOW'] === '1') {
  models.push({ id: 'qwen2.5-coder-0.5b', name: 'Qwen2.5-Coder-0.5B', cores: os.availableParallelism() });
}

if (!hasBrowser) it('the page without its server', ({ skip }) => skip(noChromium));
for (const { id, name, cores } of hasBrowser ? models : [])
  await describeWithWeights(id, `the page without its server: ${name}`, () => {
    let server: ModelServer | undefined;
    let browser: BrowserContext;
    beforeAll(async () => {
      browser = await openBrowser(path.join(folder, id), { cores });
    });
    afterAll(async () => {
      await browser.close();
      await server?.close();
    });

    it('is loaded, and answers by the model inside it', long, async () => {
      server = await startModelServer();
      const page = await browser.newPage();
      await page.goto(server.web.server.url);
      await isReady(page);
      const fetchedMs = await timed(() => fetchModel(page, name));
      const keptEngine = (): Promise<boolean> =>
        page.evaluate(async () => {
          const names = await caches.keys();
          const all = await Promise.all(names.map(async (each) => (await caches.open(each)).keys()));
          const urls = all.flat().map(({ url }) => url);
          return (
            urls.some((url) => /wllama-.*\.wasm$/.test(url)) && urls.some((url) => url.includes('/in-page-worker-'))
          );
        });
      await expect.poll(keptEngine, patient).toBe(true);
      await server.close();
      server = undefined;

      await page.reload();
      await page.locator('.composer textarea').waitFor();
      await page.getByText('The server does not answer').waitFor();
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      await page.locator('.composer textarea').fill('What is the capital of France?');
      await page.locator('#verdict', { hasText: 'Would run in this browser' }).waitFor();
      await page.keyboard.press('Enter');
      const firstMs = await timed(() => page.locator('.answer .markdown').last().filter({ hasText: /\S/ }).waitFor());
      expect(await someWords(page)).toMatch(new RegExp(`This browser.*${id}`, 's'));
      // What a model says is its own affair; that its second question needs no loading is ours.
      await ask(page, 'And of Spain?');
      const secondMs = await timed(() =>
        page.locator('.answer').nth(1).locator('.markdown').filter({ hasText: /\S/ }).waitFor(),
      );
      const said = await someWords(page);
      expect(said).toMatch(/This browser/);
      const seconds = [fetchedMs, firstMs, secondMs].map((ms) => (ms / 1000).toFixed(1));
      process.stderr.write(
        `${name} in the page, ${cores} threads: fetched and checked in ${seconds[0]} s, first word with loading ${seconds[1]} s, without ${seconds[2]} s; ${said.split('\n').at(-1)}\n`,
      );
      // It is kept like any other conversation.
      await page.reload();
      await page.locator('.answer .route', { hasText: 'This browser' }).first().waitFor();
    });

    it('can be installed', async () => {
      const page = browser.pages().at(-1);
      if (page === undefined) throw new Error('no page');
      const session = await browser.newCDPSession(page);
      const { data, errors } = await session.send('Page.getAppManifest');
      expect(errors).toEqual([]);
      expect(JSON.parse(data ?? '{}')).toMatchObject({ display: 'standalone', start_url: '/' });
      const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
      // A profile for tests may count as a private window, where nothing is installed.
      expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
    });
  });

describe.runIf(hasBrowser)('versions of the page', () => {
  const versionFolder = (name: string): string => path.join(folder, name);
  let web: WebServer | undefined;
  let browser: BrowserContext;

  /** Another build: its document says its name, and its service worker lists what it has. */
  function makeVersion(name: string): string {
    const target = versionFolder(name);
    cpSync(builtPageFolder, target, { recursive: true });
    const document = path.join(target, 'index.html');
    const worker = path.join(target, 'service-worker.js');
    const before = readFileSync(document, 'utf8');
    const after = before.replace('</head>', `<meta name="build" content="${name}" /></head>`);
    writeFileSync(document, after);
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    const script = readFileSync(worker, 'utf8');
    expect(script).toContain(digest(before));
    const renamed = script.replace(/offlineVersion = "\w+"/, `offlineVersion = "${name}"`);
    writeFileSync(worker, renamed.replace(digest(before), digest(after)));
    for (const file of [document, worker]) for (const suffix of ['.br', '.gz']) rmSync(file + suffix, { force: true });
    return target;
  }
  async function serve(pageFolder: string): Promise<string> {
    const port = web === undefined ? 0 : Number(new URL(web.server.url).port);
    await web?.close();
    web = await startWebServer({ policy: {} }, { port }, pageFolder);
    return web.server.url;
  }
  const buildOf = (page: Page): Promise<string | null> =>
    page.evaluate(() => document.querySelector('meta[name=build]')?.getAttribute('content') ?? null);
  const look = (page: Page): Promise<string> =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      await registration?.update().catch(() => {});
      const installing = registration?.installing;
      if (installing === null || installing === undefined) return registration?.waiting?.state ?? 'none';
      await new Promise((resolve) => {
        installing.addEventListener('statechange', resolve, { once: true });
      });
      return installing.state;
    });

  beforeAll(async () => {
    browser = await openBrowser(versionFolder('versions'));
  });
  afterEach(async () => {
    for (const page of browser.pages().slice(1)) await page.close();
  });
  afterAll(async () => {
    await browser.close();
    await web?.close();
  });

  it('takes no version of which a file is missing or of another build, and takes it when it is whole', async () => {
    const url = await serve(makeVersion('one'));
    const page = await browser.newPage();
    await page.goto(url);
    await isReady(page);
    await page.reload();
    expect(await buildOf(page)).toBe('one');

    // Half a deployment: the new list, and the old document.
    const two = makeVersion('two');
    const document = path.join(two, 'index.html');
    const whole = readFileSync(document);
    writeFileSync(document, readFileSync(path.join(versionFolder('one'), 'index.html')));
    await serve(two);
    expect(await look(page)).toBe('redundant');
    await page.reload();
    expect(await buildOf(page)).toBe('one');
    const caches_ = (): Promise<string[]> => page.evaluate(() => caches.keys());
    expect(await caches_()).toEqual(['duanyun-one']);

    writeFileSync(document, whole);
    await serve(two);
    expect(await look(page)).toBe('installed');
    // What is open goes on with what it has, until somebody says so.
    await page.reload();
    expect(await buildOf(page)).toBe('one');
    await page.getByRole('button', { name: 'Load it' }).click();
    await expect.poll(() => buildOf(page).catch(() => null), patient).toBe('two');
    expect(await caches_()).toEqual(['duanyun-one', 'duanyun-two']);
  });

  it('asks the server itself for everything that is no file of the page', async () => {
    if (web === undefined) throw new Error('no server');
    const page = await browser.newPage();
    await page.goto(web.server.url);
    const health = (): Promise<number> => page.evaluate(async () => (await fetch('/health')).status);
    expect(await health()).toBe(200);
    await web.close();
    web = undefined;
    await expect(health()).rejects.toThrow(/Failed to fetch/);
    await page.reload();
    await page.locator('.composer textarea').waitFor();
  });
});
