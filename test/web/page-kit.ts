/** What the tests of the page share: one browser, one server, and a fresh context for each test. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { chromiumFlags } from '../support/find-chromium.ts';
import { TestGateway } from '../support/gateway.ts';
import type { Script } from '../support/scripted-backend.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';
import { builtPageFolder, readWebPage } from '../../src/server/web-page.ts';

/** Waits for a busy machine; not a measure. */
export const patient = { timeout: 60_000 };
export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 800 };
/** Whatever the speeds are: the device is scripted, and answers unless it may not. */
export const deviceFirst = { preference: 'prefer_on_device', thresholds: { preference_margin: 10 } };
const operatorKey = 'key-of-the-operator';

type ContextOptions = Parameters<Browser['newContext']>[0];

export class PageKit {
  web!: WebServer;
  #browser!: Browser;
  #context: BrowserContext | undefined;
  #asked: string[] = [];
  #errors: string[] = [];
  #gateway: TestGateway | undefined;

  async start(executablePath: string): Promise<void> {
    this.#browser = await chromium.launch({
      executablePath,
      args: [...chromiumFlags, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    });
    this.web = await startWebServer({ policy: deviceFirst, modalities: { device: ['text', 'image', 'audio'] } });
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.web.close();
    await this.#gateway?.close();
  }

  async closePage(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }

  /** Addresses that the browser asked for since the page was opened. */
  asked(): readonly string[] {
    return this.#asked;
  }

  async open(options: ContextOptions = {}, url = this.web.server.url): Promise<Page> {
    await this.closePage();
    this.#context = await this.#browser.newContext({
      viewport: phone,
      locale: 'en-US',
      // `offline.test.ts` has it; here it would fetch the whole page again for every test.
      serviceWorkers: 'block',
      ...options,
    });
    this.#asked = [];
    this.#errors = [];
    this.#context.on('request', (request) => this.#asked.push(request.url()));
    return this.#newPage(url);
  }

  /** What was thrown in the page and caught by nobody. */
  errors(): readonly string[] {
    return this.#errors;
  }

  /** Beside the page that is open, with the same storage. */
  secondTab(): Promise<Page> {
    return this.#newPage(this.web.server.url);
  }

  /** The page of a gateway with one key, as its operator sees it. */
  async openGateway(hash: string): Promise<Page> {
    if (this.#gateway === undefined) {
      this.#gateway = await TestGateway.start({
        server: { apiKeys: [operatorKey] },
        web: readWebPage(builtPageFolder),
      });
      await this.#gateway.newKey();
    }
    const page = await this.open({}, `${this.#gateway.url}/${hash}`);
    await page.getByLabel('API key').fill(operatorKey);
    await page.getByRole('button', { name: 'Use the key' }).click();
    return page;
  }

  async ask(page: Page, text: string): Promise<void> {
    await page.locator('.composer textarea').fill(text);
    await page.keyboard.press('Enter');
  }

  finished(page: Page): Promise<void> {
    return page.locator('.answer[aria-busy=false]').last().waitFor();
  }

  play(script: Script): void {
    this.web.setup.device.script = script;
  }

  toThirdParties(): string[] {
    const own = [this.web.server.url, 'data:', 'blob:'];
    return this.#asked.filter((url) => !own.some((start) => url.startsWith(start)));
  }

  async #newPage(url: string): Promise<Page> {
    if (this.#context === undefined) throw new Error('no context is open');
    const page = await this.#context.newPage();
    page.setDefaultTimeout(patient.timeout);
    page.on('pageerror', ({ message }) => this.#errors.push(message));
    await page.goto(url);
    await page.locator('.composer textarea').waitFor({ state: 'attached' });
    return page;
  }
}
