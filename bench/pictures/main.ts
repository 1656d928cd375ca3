/**
 * `npm run pictures:web -- FOLDER`: every page of the web app as a picture, to be looked at: on a phone and on a desktop, light
 * and dark, Chinese and English, on the real server with a small model and on a gateway before it.
 */
// oxlint-disable no-restricted-imports -- finds the browser like the tests do
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { chromiumFlags, findChromium, noChromium } from '../../test/support/find-chromium.ts';
import { type Servers, startServers } from './servers.ts';
import { takeTour } from './tour.ts';
import { texts } from './texts.ts';

const help = `npm run pictures:web -- [--only STATE,…] [--model smollm2-135m] [--meeting FILE] FOLDER
npm run pictures:web -- --tour [--model qwen2.5-coder-1.5b] [--voice-zh FILE.wav] [--voice-en FILE.wav] FOLDER

Writes FOLDER/STATE-SCREEN-THEME-LANGUAGE.png. States (default: all):
  empty, typing, answer, receipt, history, panel, minutes, device, routing, benchmark, cloud; with --meeting also minutes-working, minutes-done
With --tour: FOLDER/page-LANGUAGE.webp, a run on a phone as the README shows it.
`;
const looks = [
  { screen: 'phone', theme: 'light', language: 'zh' },
  { screen: 'phone', theme: 'dark', language: 'en' },
  { screen: 'desktop', theme: 'light', language: 'en' },
  { screen: 'desktop', theme: 'dark', language: 'zh' },
] as const;
type Look = (typeof looks)[number];
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const tallest = 4000;
const patientMs = 240_000;
const chatStates = ['empty', 'typing', 'answer', 'receipt', 'history', 'panel'];
const pageStates = ['minutes', 'device', 'routing', 'benchmark'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    model: { type: 'string', default: 'smollm2-135m' },
    meeting: { type: 'string' },
    tour: { type: 'boolean', default: false },
    'voice-zh': { type: 'string', default: 'examples/media/question.wav' },
    'voice-en': { type: 'string', default: 'examples/media/question.wav' },
    help: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (values.help || folder === undefined) {
  process.stdout.write(help);
  process.exit(values.help ? 0 : 1);
}
const executablePath = findChromium();
if (executablePath === undefined) {
  process.stderr.write(`${noChromium}\n`);
  process.exit(1);
}
const only = values.only?.split(',');
const isWanted = (state: string): boolean => only === undefined || only.includes(state);
mkdirSync(folder, { recursive: true });
if (values.tour) {
  const voices = { zh: values['voice-zh'], en: values['voice-en'] };
  await takeTour({ executablePath, model: values.model, folder, voices });
  process.exit(0);
}
const servers = await startServers(values.model);
const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] });
try {
  for (const look of looks) {
    const context = await browser.newContext({
      viewport: sizes[look.screen],
      isMobile: look.screen === 'phone',
      hasTouch: look.screen === 'phone',
      locale: look.language === 'zh' ? 'zh-CN' : 'en-US',
      colorScheme: look.theme,
      serviceWorkers: 'block',
    });
    context.setDefaultTimeout(patientMs);
    await takeAll(context, servers, look);
    await context.close();
  }
} finally {
  await browser.close();
  await servers.close();
}

async function takeAll(
  context: BrowserContext,
  { deviceUrl, cloudUrl, operatorKey }: Servers,
  look: Look,
): Promise<void> {
  const words = texts[look.language];
  const page = await context.newPage();
  if (chatStates.some(isWanted)) {
    await page.goto(deviceUrl);
    await page.locator('.composer textarea').waitFor();
    await takeChat(page, look);
  }
  for (const view of pageStates.filter(isWanted)) {
    await page.goto(`${deviceUrl}/#/${view}`);
    await page.locator('.page .section').first().waitFor();
    if (view === 'device') await page.locator('.chart canvas').first().waitFor();
    if (view === 'routing') {
      await page.getByLabel(words.question).fill(words.private);
      await page.getByRole('button', { name: words.explain }).click();
      await page.locator('form strong').first().waitFor();
    }
    await takeWhole(page, look, view);
  }
  if (values.meeting !== undefined) await takeMeeting(page, deviceUrl, look, values.meeting);
  if (isWanted('cloud')) {
    await page.goto(`${cloudUrl}/#/cloud`);
    await page.locator('input[type=password]').waitFor();
    await take(page, look, 'key');
    await page.locator('input[type=password]').fill(operatorKey);
    await page.keyboard.press('Enter');
    await page.locator('.card').first().waitFor();
    await takeWhole(page, look, 'cloud');
  }
}

async function takeChat(page: Page, look: Look): Promise<void> {
  const words = texts[look.language];
  await settled(page);
  await take(page, look, 'empty');
  const field = page.locator('.composer textarea');
  await field.fill(words.private);
  await page.locator('.backdrop mark').first().waitFor();
  await settled(page);
  await take(page, look, 'typing');
  for (const [index, question] of [words.harmless, words.private].entries()) {
    await field.fill(question);
    await page.keyboard.press('Enter');
    // It may have ended by then.
    const answer = page.locator('.answer').nth(index).locator('.markdown');
    await answer.filter({ hasText: /\S{3}/ }).waitFor();
    await page.waitForTimeout(4000);
    const stop = page.getByRole('button', { name: words.stop, exact: true });
    if (await stop.isVisible()) await stop.click();
    await page.locator('.answer[aria-busy=false]').last().waitFor();
    await page.locator('button.route').last().waitFor();
  }
  await settled(page);
  await take(page, look, 'answer');
  await page.locator('button.route').last().click();
  await page.locator('.receipt dl').waitFor();
  await take(page, look, 'receipt');
  await page.keyboard.press('Escape');
  if (look.screen === 'phone') {
    await page.getByRole('button', { name: words.history }).click();
    await settled(page);
    await take(page, look, 'history');
    await page.keyboard.press('Escape');
    await page.reload();
  }
  await page.getByRole('button', { name: words.panel }).click();
  await page.locator('.in-page li').first().waitFor();
  await take(page, look, 'panel');
  await page.keyboard.press('Escape');
}

async function takeMeeting(page: Page, url: string, look: Look, file: string): Promise<void> {
  await page.goto(`${url}/#/minutes`);
  // Within the page that is shown: the chat, which is hidden, takes files too.
  await page.locator('.page-place input[type=file]').setInputFiles(path.resolve(file));
  await page.locator('.page-place form button[type=submit]').click();
  await page.locator('.heard li').nth(1).waitFor();
  await takeWhole(page, look, 'minutes-working');
  await page.locator('.report').waitFor();
  await takeWhole(page, look, 'minutes-done');
}

/** Pages scroll inside the window: it is made as high as they are. */
async function takeWhole(page: Page, look: Look, state: string): Promise<void> {
  await settled(page);
  const { width, height } = sizes[look.screen];
  const wanted = await page.evaluate<number>(
    `Math.max(...Array.from(document.querySelectorAll('.page-place, .page'), (each) => each.scrollHeight))`,
  );
  await page.setViewportSize({ width, height: Math.min(tallest, Math.max(height, wanted + 80)) });
  await settled(page);
  await take(page, look, state);
  await page.setViewportSize({ width, height });
}

/** Wider than the screen is never right. */
async function take(page: Page, look: Look, state: string): Promise<void> {
  if (!isWanted(state) && !(state === 'key' && isWanted('cloud')) && !state.startsWith('minutes-')) return;
  const name = [state, look.screen, look.theme, look.language].join('-');
  await page.screenshot({ path: path.join(folder ?? '', `${name}.png`) });
  const [content, shown] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  process.stdout.write(`${name}${content > shown ? `: ${content - shown} pixels wider than the screen` : ''}\n`);
}

/** What moves or is asked for has come: a few polls and pictures later. */
async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(1500);
}
