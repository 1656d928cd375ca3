/** The real server with the page and the real store, and the panel of the page's own models as somebody uses it. */
import type { Locator, Page } from 'playwright';
import { application } from '../../src/application.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/core/log.ts';
import type { SetupOptions } from '../../src/hybrid/testing/setup.ts';
import { builtPageFolder } from '../../src/server/web-page.ts';
import { startWebServer, type WebServer } from './web-server.ts';

export type ModelServer = { web: WebServer; close(): Promise<void> };

export async function startModelServer(
  options: SetupOptions = { policy: {} },
  pageFolder = builtPageFolder,
): Promise<ModelServer> {
  const store = application.openStore({ ...loadConfig(), published: true }, silentLog);
  const web = await startWebServer(options, {}, pageFolder, { admin: store });
  return {
    web,
    async close() {
      await web.close();
      await store.dispose();
    },
  };
}

export async function openPanel(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Models in this browser' }).click();
  await page.getByRole('dialog').waitFor();
}

export const rowOf = (page: Page, model: string): Locator => page.locator('.in-page li', { hasText: model });

/** Through the panel, as somebody does it. */
export async function fetchModel(page: Page, model: string): Promise<void> {
  await openPanel(page);
  await rowOf(page, model).getByRole('button', { name: 'Fetch' }).click();
  await rowOf(page, model).getByText('in use').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
}

export async function ask(page: Page, text: string): Promise<void> {
  await page.locator('.composer textarea').fill(text);
  await page.keyboard.press('Enter');
}
