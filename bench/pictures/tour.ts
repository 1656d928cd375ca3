/**
 * `npm run pictures:web -- --tour FOLDER`: what a person does with the page on a phone, as one picture a language: a question
 * that the cloud answers and a draft that stays, a photo, a spoken question, and the cloud away. Everything is real: two servers
 * with a model, one of them the cloud of the other, and a microphone that plays a file.
 */
// oxlint-disable no-restricted-imports -- finds the browser like the tests do
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import sharp from 'sharp';
import { chromiumFlags } from '../../test/support/find-chromium.ts';
import { startPair } from './servers.ts';
import { type Language, texts } from './texts.ts';

export type TourOptions = { executablePath: string; model: string; folder: string; voices: Record<Language, string> };

const phone = { width: 390, height: 720 };
const gap = 14;
const patientMs = 240_000;

export async function takeTour({ executablePath, model, folder, voices }: TourOptions): Promise<void> {
  for (const language of ['en', 'zh'] as const) {
    const voice = path.resolve(voices[language]);
    const browser = await chromium.launch({
      executablePath,
      args: [
        ...chromiumFlags,
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        // Once: what is said twice is no question.
        `--use-file-for-fake-audio-capture=${voice}%noloop`,
      ],
    });
    try {
      const pictures = await takeOne(browser, language, model);
      await sideBySide(pictures, path.join(folder, `page-${language}.webp`));
      process.stdout.write(`page-${language}.webp\n`);
    } finally {
      await browser.close();
    }
  }
}

async function takeOne(browser: Browser, language: Language, model: string): Promise<Buffer[]> {
  const words = texts[language];
  const servers = await startPair(model);
  try {
    const context = await browser.newContext({
      viewport: phone,
      isMobile: true,
      hasTouch: true,
      locale: language === 'zh' ? 'zh-CN' : 'en-US',
      permissions: ['microphone'],
      serviceWorkers: 'block',
    });
    context.setDefaultTimeout(patientMs);
    const page = await context.newPage();
    await page.goto(servers.deviceUrl);
    const field = page.locator('.composer textarea');
    await field.waitFor();
    await page.getByRole('combobox', { name: words.preference }).selectOption('prefer_in_cloud');
    const pictures: Buffer[] = [];
    const shoot = async (): Promise<void> => {
      await page.waitForTimeout(1500);
      pictures.push(await page.screenshot());
    };
    const startAnew = (): Promise<void> => page.getByRole('button', { name: words.newChat }).last().click();

    // Both models have spoken once, as they have on any other day.
    await ask(page, words.tour.first);
    await startAnew();
    await ask(page, words.tour.question);
    await field.fill(words.tour.private);
    await page.locator('.backdrop mark').first().waitFor();
    await shoot();

    await startAnew();
    const attach = async (): Promise<void> => {
      await page
        .locator('.composer input[type=file]')
        .first()
        .setInputFiles(`test/fixtures/pictures/${words.tour.photo}`);
      await page.locator('.composer img').first().waitFor();
    };
    await attach();
    await ask(page, words.tour.aboutPhoto);
    await shoot();

    await startAnew();
    if (words.tour.isSpokenOfPhoto) await attach();
    await page.getByRole('button', { name: words.record, exact: true }).click();
    await page.waitForTimeout(words.tour.spokenMs);
    await page.getByRole('button', { name: words.stopRecording, exact: true }).click();
    await page.getByRole('button', { name: words.send, exact: true }).click();
    await answered(page);
    await shoot();

    await startAnew();
    await servers.endCloud();
    await page.getByText(words.away).waitFor();
    await ask(page, words.tour.whileAway);
    await shoot();
    await context.close();
    return pictures;
  } finally {
    await servers.close();
  }
}

async function ask(page: Page, question: string): Promise<void> {
  await page.locator('.composer textarea').fill(question);
  await page.keyboard.press('Enter');
  await answered(page);
}

async function answered(page: Page): Promise<void> {
  await page.locator('.answer').last().locator('.markdown').filter({ hasText: /\S/ }).waitFor();
  await page.locator('.answer[aria-busy=false]').last().waitFor();
  await page.locator('.answer').last().locator('button.route').waitFor();
}

async function sideBySide(pictures: readonly Buffer[], file: string): Promise<void> {
  const { width, height } = phone;
  const all = pictures.map((input, index) => ({ input, left: index * (width + gap), top: 0 }));
  const background = { r: 138, g: 148, b: 166 };
  await sharp({
    create: { width: pictures.length * (width + gap) - gap, height, channels: 3, background },
  })
    .composite(all)
    .webp({ quality: 82 })
    .toFile(file);
}
