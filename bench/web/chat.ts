/** The page with a scripted device: the time to a usable chat, tasks of the page while it streams, the marking of a draft. */
// oxlint-disable no-restricted-imports -- the page needs a server whose answers come at a given speed
import type { Browser, Page } from 'playwright';
import { event, finish, start, usage, type ScriptStep } from '../../test/support/scripted-backend.ts';
import { startWebServer, type WebServer } from '../../test/support/web-server.ts';
import { type Figure, median, pageFolder, patientMs } from './figure.ts';

const earlierTokens = 20_000;
const streamedTokens = 1_000;
const stepMs = 25;
const tokensPerStep = 5;
const paragraph =
  'The **quick** brown fox jumps over the lazy dog, and `code` follows with a [link](https://example.org/).\n- an item of a list\n- another item\n\n';
/** About 45 tokens by the usual count of four letters each. */
const paragraphTokens = Math.round(paragraph.length / 4);

type Part = { name: string; unit: string; measure(browser: Browser, web: WebServer): Promise<number> };
export const chatParts = {
  load: { name: 'from the address to a usable chat', unit: 'ms', measure: timeToUse },
  streaming: {
    name: 'longest task while streaming',
    unit: 'ms',
    measure: (browser, web) => withPage(browser, web, (page) => longestTask(page, web)),
  },
  marking: {
    name: 'privacy signals for 2,000 characters',
    unit: 'ms',
    measure: (browser, web) => withPage(browser, web, markingTime),
  },
} satisfies Record<string, Part>;

/** Round after round, so that noise meets all parts. */
export async function measureChat(
  browser: Browser,
  wanted: readonly (keyof typeof chatParts)[],
  rounds: number,
): Promise<Figure[]> {
  const figures = wanted.map((part) => ({ part: chatParts[part], values: [] as number[] }));
  const web = await startWebServer({ policy: {} }, {}, pageFolder);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { part, values } of figures) values.push(await part.measure(browser, web));
    }
  } finally {
    await web.close();
  }
  return figures.map(({ part: { name, unit }, values }) => ({ name, unit, values }));
}

async function withPage<T>(browser: Browser, web: WebServer, work: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  try {
    page.setDefaultTimeout(patientMs);
    await page.goto(web.server.url);
    return await work(page);
  } finally {
    await page.close();
  }
}

function* atOnce(): Generator<ScriptStep> {
  yield start();
  yield event({ type: 'text-delta', text: paragraph.repeat(Math.ceil(earlierTokens / 10 / paragraphTokens)) });
  yield usage(1);
  yield finish('stop');
}

function* inSteps(): Generator<ScriptStep> {
  yield start();
  const words = paragraph.repeat(Math.ceil(streamedTokens / paragraphTokens)).match(/.{1,4}/gs) ?? [];
  for (let index = 0; index < streamedTokens; index += tokensPerStep) {
    yield { step: 'wait', ms: stepMs };
    yield event({ type: 'text-delta', text: words.slice(index, index + tokensPerStep).join('') });
  }
  yield usage(streamedTokens);
  yield finish('stop');
}

async function timeToUse(from: Browser, web: WebServer): Promise<number> {
  const context = await from.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(patientMs);
  const startedMs = performance.now();
  await page.goto(web.server.url, { waitUntil: 'commit' });
  await page.locator('.composer textarea').waitFor();
  const tookMs = performance.now() - startedMs;
  await context.close();
  return tookMs;
}

/** Median over several drafts, without the first, which loads the worker. */
async function markingTime(page: Page): Promise<number> {
  const text = '我最近总是心慌,我的手机是13812345678。My salary is 84k and the plan for next quarter is open. '
    .repeat(40)
    .slice(0, 1_990);
  for (let count = 0; count < 12; count++) {
    await page.locator('.composer textarea').fill(`${text}${count}`);
    await page.waitForFunction((wanted) => performance.getEntriesByName('duanyun:inspect').length > wanted, count);
  }
  const times = await page.evaluate(() =>
    performance.getEntriesByName('duanyun:inspect').map(({ duration }) => duration),
  );
  await page.locator('.composer textarea').fill('');
  return median(times.slice(2));
}

async function longestTask(page: Page, web: WebServer): Promise<number> {
  web.setup.device.script = atOnce;
  for (let turn = 1; turn <= 10; turn++) await ask(page, turn);
  await page.evaluate(() => {
    const tasks: number[] = [];
    (globalThis as { tasks?: number[] }).tasks = tasks;
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      // A kind that browsers know and Node's types do not.
      type: 'longtask' as 'mark',
    });
  });
  web.setup.device.script = inSteps;
  await ask(page, 11);
  // Tasks under 50 ms are not reported at all.
  return page.evaluate(() => Math.max(0, ...((globalThis as { tasks?: number[] }).tasks ?? [])));
}

async function ask(page: Page, count: number): Promise<void> {
  await page.locator('.composer textarea').fill('Go on.');
  await page.keyboard.press('Enter');
  await page
    .locator('.answer[aria-busy=false]')
    .nth(count - 1)
    .waitFor();
}
