/**
 * `npm run bench:web`: the page in headless Chromium, on the real server with a scripted device. Prints medians of
 *
 * - the time from opening the address to a chat that can be used (empty cache),
 * - the longest task of the page while 200 pieces a second stream into a conversation of 20,000 tokens,
 * - the time the privacy signals take for a draft of 2,000 characters, as the page measures it.
 *
 * Optional argument: rounds (default 5). Needs a Chromium; ends with exit code 1 without one.
 */
// oxlint-disable no-restricted-imports -- the page needs a server whose answers come at a given speed
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumFlags, findChromium, noChromium } from '../../test/support/find-chromium.ts';
import { event, finish, start, usage, type ScriptStep } from '../../test/support/scripted-backend.ts';
import { startWebServer } from '../../test/support/web-server.ts';

const rounds = Number(process.argv[2] ?? 5);
const earlierTokens = 20_000;
const streamedTokens = 1_000;
const stepMs = 25;
const tokensPerStep = 5;
const paragraph =
  'The **quick** brown fox jumps over the lazy dog, and `code` follows with a [link](https://example.org/).\n- an item of a list\n- another item\n\n';
/** About 45 tokens by the usual count of four letters each. */
const paragraphTokens = Math.round(paragraph.length / 4);

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

const executablePath = findChromium();
if (executablePath === undefined) {
  console.error(noChromium);
  process.exit(1);
}
const web = await startWebServer({ policy: {} }, {}, 'web/dist');
const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] });
try {
  const loads: number[] = [];
  const longest: number[] = [];
  const marking: number[] = [];
  for (let round = 0; round < rounds; round++) {
    loads.push(await timeToUse(browser));
    const page = await browser.newPage();
    await page.goto(web.server.url);
    marking.push(await markingTime(page));
    longest.push(await longestTask(page));
    await page.close();
  }
  report('from the address to a usable chat, ms', loads);
  report('longest task while streaming, ms', longest);
  report('privacy signals for 2,000 characters, ms', marking);
} finally {
  await browser.close();
  await web.close();
}

async function timeToUse(from: Browser): Promise<number> {
  const context = await from.newContext();
  const page = await context.newPage();
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

async function longestTask(page: Page): Promise<number> {
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
    .waitFor({ timeout: 120_000 });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function report(name: string, values: readonly number[]): void {
  const shown = values.map((each) => each.toFixed(1)).join(' ');
  console.log(`${name.padEnd(45)} median ${median(values).toFixed(1)}   (${shown})`);
}
