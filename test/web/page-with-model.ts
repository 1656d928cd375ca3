/** A browser with a profile of its own, for tests of the engine inside the page. */
import { type BrowserContext, chromium, type Page } from 'playwright';
import { it } from 'vitest';
import { chromiumFlags, findChromium, noChromium } from '../support/find-chromium.ts';
import { ask, fetchModel } from '../support/model-server.ts';
import { describeWithWeights } from '../support/weights.ts';

export { ask, type ModelServer, openPanel, rowOf, startModelServer } from '../support/model-server.ts';

export const smallModel = 'SmolLM2-135M-Instruct';
/** Waits for a busy machine; not a measure. */
export const patient = { timeout: 240_000 };
/** For a test in which a model loads and speaks: a second where the machine is free, minutes where it is not. */
export const long = { timeout: 600_000 };

/** `describeWithWeights` where there is a Chromium; elsewhere one test that is skipped, and says why. */
export const describePage =
  findChromium() === undefined
    ? async (...[, name]: Parameters<typeof describeWithWeights>) => it(name, ({ skip }) => skip(noChromium))
    : describeWithWeights;

type BrowserOptions = {
  serviceWorkers?: 'allow' | 'block';
  /** One by default: two threads of an engine wait for each other on a busy machine. */
  cores?: number;
};

/** A browser with a profile of its own. */
export async function openBrowser(
  profile: string,
  { serviceWorkers = 'allow', cores = 1 }: BrowserOptions = {},
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
  await context.addInitScript((count) => {
    Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => count });
  }, cores);
  return context;
}

export const pullSmallModel = (page: Page): Promise<void> => fetchModel(page, smallModel);

/** An answer of the page's own model that is on its way, and long. */
export async function askForStory(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New chat' }).last().click();
  await page.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
  await ask(page, 'Write a long story about a brave fox, a river and three friends.');
  await page.locator('.answer[aria-busy=true] .markdown').filter({ hasText: /\w{3}/ }).waitFor();
}

export const shownText = async (page: Page): Promise<string> =>
  (await page.locator('.answer .markdown').last().textContent()) ?? '';

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
  // Gone where the answer has just ended by itself.
  const stop = page.getByRole('button', { name: 'Stop' });
  if (await stop.isVisible()) await stop.click({ timeout: 2000 }).catch(() => {});
  await page.locator('.answer[aria-busy=false]').last().waitFor();
  return answer.innerText();
}
