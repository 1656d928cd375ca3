/** The engine inside the page, in a real Chromium with real weights from the real store. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BrowserContext, Page, Request } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { answer } from '../support/scripted-backend.ts';
import { keptText } from './kept-text.ts';
import {
  ask,
  askForStory,
  describePage,
  type ModelServer,
  long,
  openBrowser,
  openPanel,
  patient,
  pullSmallModel,
  rowOf,
  shownText,
  smallModel,
  someWords,
  startModelServer,
} from './page-with-model.ts';

const privateQuestion = 'My phone number is 13812345678. Say hello.';

await describePage('smollm2-135m', 'the engine inside the page', ({ entry }) => {
  const { sha256 = '' } = entry.files.find(({ role }) => role === 'weights') ?? {};
  const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-page-'));
  let server: ModelServer;
  let browser: BrowserContext;
  let page: Page;
  /** Everything that any page or worker of the browser asked for. */
  let asked: Request[] = [];

  beforeAll(async () => {
    // The server's side is liked better: what stays in the page had a reason.
    server = await startModelServer({
      policy: { preference: 'prefer_in_cloud', thresholds: { preference_margin: 10 } },
    });
    server.web.setup.device.script = () => answer('A word from the server.');
    server.web.setup.cloud.play = async (_, response) => void response.writeHead(503).end();
    // Without the service worker every request is seen here; `offline.test.ts` has it.
    browser = await openBrowser(path.join(folder, 'profile'), { serviceWorkers: 'block' });
    browser.on('request', (request) => asked.push(request));
    // Reading its system prompt would take the engine ten seconds in each of the loads here.
    await browser.route('**/v1/duanyun/weights', async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { data: { persona?: string }[] };
      for (const model of body.data) delete model.persona;
      await route.fulfill({ response, json: body });
    });
    page = await newPage();
  });
  afterEach(() => {
    asked = [];
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function newPage(address = server.web.server.url): Promise<Page> {
    const opened = await browser.newPage();
    await opened.goto(address);
    await opened.locator('.composer textarea').waitFor();
    return opened;
  }
  const bodies = (): string[] => asked.flatMap((request) => request.postData() ?? []);
  const rangeOf = async (request: Request): Promise<string | undefined> => (await request.allHeaders())['range'];

  /** Puts bytes into the browser's store, as an earlier visit could have left them. */
  async function put(name: string, bytes: 'first-10-MiB' | 'zeros' | 'damage'): Promise<void> {
    await page.evaluate(
      async ([file, what, hash]) => {
        const root = await navigator.storage.getDirectory();
        const models = await root.getDirectoryHandle('duanyun-models', { create: true });
        const handle = await models.getFileHandle(file ?? '', { create: true });
        const stream = await handle.createWritable({ keepExistingData: what === 'damage' });
        const ten = 10 * 1024 ** 2;
        if (what === 'damage') await stream.write({ type: 'write', position: 50_000_000, data: new Uint8Array(64) });
        else if (what === 'zeros') await stream.write(new Uint8Array(ten));
        else {
          const response = await fetch(`/v1/duanyun/weights/${hash}`);
          await stream.write((await response.blob()).slice(0, ten));
        }
        await stream.close();
      },
      [name, bytes, sha256],
    );
  }

  it('refuses what does not fit this device, with numbers and a smaller choice', async () => {
    const small = await browser.newPage();
    await small.addInitScript(() => Object.defineProperty(navigator, 'deviceMemory', { get: () => 1 }));
    await small.goto(server.web.server.url);
    await openPanel(small);
    const row = rowOf(small, 'Qwen2.5-Coder-0.5B');
    await row.getByText(/Needs about 749 MiB.*about 512 MiB.*Take smol/).waitFor();
    expect(await row.getByRole('button', { name: 'Fetch' }).count()).toBe(0);
    await small.close();
  });

  it('says plainly where a page is not isolated', async () => {
    const bare = await browser.newPage();
    await bare.route('**/', async (route) => {
      const response = await route.fetch();
      const headers = Object.entries(response.headers()).filter(([name]) => !name.startsWith('cross-origin'));
      await route.fulfill({ response, headers: Object.fromEntries(headers) });
    });
    await bare.goto(server.web.server.url);
    await openPanel(bare);
    await bare.getByText('Cross-Origin-Embedder-Policy').waitFor();
    await bare.close();
  });

  it('removes what was fetched wrongly, and says so', long, async () => {
    await put(`${sha256}.part`, 'zeros');
    await openPanel(page);
    await rowOf(page, smallModel).getByRole('button', { name: 'Go on (10 MiB are here)' }).click();
    await page.getByText('hash_mismatch').waitFor();
    await rowOf(page, smallModel).getByRole('button', { name: 'Fetch', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
  });

  it('goes on where it stopped, also when there was no room left', long, async () => {
    await put(`${sha256}.part`, 'first-10-MiB');
    const session = await browser.newCDPSession(page);
    const origin = new URL(server.web.server.url).origin;
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 60 * 1024 ** 2 });
    await page.reload();
    await openPanel(page);
    await rowOf(page, smallModel)
      .getByRole('button', { name: /^Go on/ })
      .click();
    // The browser promised more than it gives: what had come stays.
    await page.getByText(/Not enough disk space in this browser: \d+ MiB needed, 0 MiB free/).waitFor();
    const button = rowOf(page, smallModel).getByRole('button', { name: /^Go on/ });
    const haveMiB = Number(/\d+/.exec((await button.textContent()) ?? '')?.[0]);
    expect(haveMiB).toBeGreaterThanOrEqual(10);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    asked = [];
    await button.click();
    await rowOf(page, smallModel).getByText('in use').waitFor();
    const fetched = asked.filter((request) => request.url().endsWith(sha256));
    const [from] = await Promise.all(fetched.map(rangeOf));
    expect(Math.round(Number(/\d+/.exec(from ?? '')?.[0]) / 1024 ** 2)).toBe(haveMiB);
    await page.getByText(/This page uses \d+ of \d+ MiB/).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
  });

  it('answers a private question in the page, and nothing of it leaves', long, async () => {
    await page.locator('.composer textarea').fill(privateQuestion);
    await page.locator('#verdict', { hasText: 'Private: stays in this browser' }).waitFor();
    await page.keyboard.press('Enter');
    const text = await someWords(page);
    expect(text).toMatch(/This browser.*phone number.*smollm2-135m/s);
    // The conversation stays here as well, whatever is asked next.
    await ask(page, 'And how do I end it politely?');
    expect(await someWords(page)).toMatch(/This browser.*smollm2-135m/s);
    await page.locator('.answer .route').last().click();
    const receipt = page.getByRole('dialog', { name: 'Receipt' });
    await receipt.getByText('must stay on the device').waitFor();
    expect(await receipt.locator('dt:text("Bytes that left") + dd').textContent()).toBe('0');
    await receipt.getByRole('button', { name: 'Close' }).click();
    expect(bodies()).toEqual([]);
    expect(asked.filter((request) => request.method() !== 'GET')).toEqual([]);
    expect(server.web.setup.receipts).toEqual([]);
    const elsewhere = asked.map((request) => new URL(request.url()).origin);
    expect(new Set(elsewhere)).toEqual(new Set([new URL(server.web.server.url).origin]));
  });

  it('lets the server answer what may go there and is better done there', long, async () => {
    await page.getByRole('button', { name: 'New chat' }).last().click();
    await ask(page, 'What is the capital of France?');
    expect(await someWords(page)).toMatch(/A word from the server.*Device/s);
    expect(bodies()).toHaveLength(1);
    await page.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
    await ask(page, 'What is the capital of Spain?');
    expect(await someWords(page)).toMatch(/This browser/);
    expect(bodies()).toHaveLength(1);
  });

  it('keeps what came of an answer when the page is reloaded in the middle', long, async () => {
    await page.getByRole('button', { name: 'New chat' }).last().click();
    // What takes the smallest model a hundred words: a short answer would be over by then.
    await ask(page, 'Write a long story about a brave fox, a river and three friends.');
    await page.locator('.answer[aria-busy=true] .markdown').filter({ hasText: /\w{3}/ }).waitFor();
    // What a reload can lose is the last moment before it.
    await expect.poll(() => keptText(page), patient).toMatch(/\w{3}/);
    await page.reload();
    await page.getByText('The page was closed or reloaded in mid-answer').waitFor();
    expect((await page.locator('.answer .markdown').last().textContent())?.length).toBeGreaterThan(2);
  });

  it('loads while a question is written that will be answered here, before it is asked', long, async () => {
    await page.getByRole('button', { name: 'New chat' }).last().click();
    await openPanel(page);
    await page.getByText('The model is loaded as soon as').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('.composer textarea').fill(privateQuestion);
    await openPanel(page);
    await page.getByText('The model is loaded.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('.answer').count()).toBe(0);
    await page.locator('.composer textarea').press('Enter');
    expect(await someWords(page)).toMatch(/This browser/);
  });

  it('keeps what came when the browser ends the worker of the engine, and starts another', long, async () => {
    await askForStory(page);
    // Without a word: so ends what a browser takes away for want of memory.
    const worker = page.workers().find((each) => each.url().includes('/in-page-worker-'));
    expect(worker).toBeDefined();
    worker?.evaluate('self.close()').catch(() => {});
    await page.getByRole('alert').getByText('engine_crashed').waitFor();
    expect((await shownText(page)).length).toBeGreaterThan(2);
    await ask(page, 'Say yes.');
    expect(await someWords(page)).toMatch(/This browser/);
    expect(await page.getByRole('alert').count()).toBe(1);
  });

  it('runs in one tab at a time, and follows the one that asks', long, async () => {
    const other = await newPage();
    await other.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
    await ask(other, 'Say yes.');
    expect(await someWords(other)).toMatch(/This browser/);
    const held = (): Promise<number> =>
      page.evaluate(
        async () => (await navigator.locks.query()).held?.filter(({ name }) => name === 'duanyun-engine').length ?? 0,
      );
    expect(await held()).toBe(1);
    await page.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
    await ask(page, 'Say no.');
    expect(await someWords(page)).toMatch(/This browser/);
    expect(await held()).toBe(1);
    await other.close();
  });

  it('finds damaged weights before it uses them, removes them and says what to do', long, async () => {
    await page.reload();
    await put(`${sha256}.gguf`, 'damage');
    await page.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
    await ask(page, 'Say yes.');
    await page.locator('.answer', { hasText: 'its bytes are damaged' }).waitFor();
    await openPanel(page);
    await rowOf(page, smallModel).getByRole('button', { name: 'Fetch', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
  });

  it('removes a model when asked, and gives the room back', long, async () => {
    await pullSmallModel(page);
    await openPanel(page);
    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: `Remove ${smallModel} from this browser` }).click();
    await rowOf(page, smallModel).getByRole('button', { name: 'Fetch', exact: true }).waitFor();
    const usage = (): Promise<number> => page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
    await expect.poll(usage, patient).toBeLessThan(20 * 1024 ** 2);
  });
});
