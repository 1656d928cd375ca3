/** A browser on the real server with the real store: for tests of the engine inside the page. */
import { type BrowserContext, chromium, type Page } from 'playwright';
import { application } from '../../src/application.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/core/log.ts';
import { builtPageFolder } from '../../src/server/web-page.ts';
import type { SetupOptions } from '../../src/hybrid/testing/setup.ts';
import { chromiumFlags, findChromium } from '../support/find-chromium.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';

export const smallModel = 'SmolLM2-135M-Instruct';
/** Waits for a busy machine; not a measure. */
export const patient = { timeout: 240_000 };
/** For a test in which a model loads and speaks: a second where the machine is free, minutes where it is not. */
export const long = { timeout: 600_000 };

export type ModelServer = { web: WebServer; close(): Promise<void> };

/** @param port of a server that comes back; default any */
export async function startModelServer(options: SetupOptions = { policy: {} }, port = 0): Promise<ModelServer> {
  const store = application.openStore({ ...loadConfig(), published: true }, silentLog);
  const web = await startWebServer(options, { port }, builtPageFolder, { admin: store });
  return {
    web,
    async close() {
      await web.close();
      await store.dispose();
    },
  };
}

/** A browser with a profile of its own, on one core: two threads of an engine wait for each other on a busy machine. */
export async function openBrowser(
  profile: string,
  serviceWorkers: 'allow' | 'block' = 'allow',
): Promise<BrowserContext> {
  const executablePath = findChromium();
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...chromiumFlags],
    viewport: { width: 390, height: 844 },
    locale: 'en-US',
    serviceWorkers,
  });
  context.setDefaultTimeout(patient.timeout);
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 1 });
  });
  return context;
}

export async function openPanel(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Models in this browser' }).click();
  await page.getByRole('dialog').waitFor();
}

export const rowOf = (page: Page, model: string) => page.locator('.in-page li', { hasText: model });

/** Through the panel, as somebody does it. */
export async function pullSmallModel(page: Page): Promise<void> {
  await openPanel(page);
  await rowOf(page, smallModel).getByRole('button', { name: 'Fetch' }).click();
  await rowOf(page, smallModel).getByText('in use').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
}

export async function ask(page: Page, text: string): Promise<void> {
  await page.locator('.composer textarea').fill(text);
  await page.keyboard.press('Enter');
}

/** Some words of the newest answer; small models talk long, so the rest is stopped. */
export async function someWords(page: Page): Promise<string> {
  const answer = page.locator('.answer').last();
  await page.waitForFunction(() => {
    const all = document.querySelectorAll('.answer');
    const last = all[all.length - 1];
    return (
      (last?.querySelector('.markdown')?.textContent ?? '').length > 20 || last?.getAttribute('aria-busy') === 'false'
    );
  });
  await page
    .getByRole('button', { name: 'Stop' })
    .click({ timeout: 2000 })
    .catch(() => {});
  await page.locator('.answer[aria-busy=false]').last().waitFor();
  return answer.innerText();
}
