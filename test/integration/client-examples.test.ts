/** The examples of the client library, run as a user runs them: against a real server with a scripted backend. */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setUp, type Setup } from '../../src/hybrid/testing/setup.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { newServer } from '../support/app-client.ts';
import { chromiumFlags, findChromium, noChromium } from '../support/find-chromium.ts';
import { answer, event, lastText, type ScriptedBackend, start } from '../support/scripted-backend.ts';
import { environmentWith, projectRoot } from './duanyun-process.ts';

const execute = promisify(execFile);
const folder = path.join(projectRoot, 'examples', 'client');
/** A net against hangs, not a measure. */
const soon = { timeout: 30_000 };
let setup: Setup;
let server: RunningServer;

beforeAll(async () => {
  setup = await setUp({ policy: { preference: 'only_on_device' } });
  server = await newServer(setup.service as unknown as ScriptedBackend, {
    hybrid: setup.control,
    options: { keepAliveMs: 50 },
  });
});
afterAll(async () => {
  await server.close(0);
  await setup.close();
});
beforeEach(() => {
  setup.device.script = (request) => answer(`You said: ${lastText(request)} 你好 🌏`);
});

async function example(name: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = environmentWith({ DUANYUN_BASE_URL: server.url });
  return execute(process.execPath, [path.join(folder, name), ...args], { env, timeout: 60_000 });
}

describe('in Node', () => {
  it('node.mjs streams, and tells of the receipt', async () => {
    const { stdout } = await example('node.mjs', 'Hello?');
    expect(stdout).toContain('You said: Hello? 你好 🌏\nanswered by small-1, 5 tokens\n');
    expect(stdout).toMatch(/ran on: device, because \S.*; 0 bytes left\n$/);
  });

  it('node.mjs ends with one line where it cannot', async () => {
    setup.device.script = () => [{ step: 'throw', error: new Error('a defect') }];
    const failed = example('node.mjs', '我的身份证号是110101199003074258');
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: /^internal: .*\n$/ });
  });

  it('ai-sdk.mjs streams, and tells where', async () => {
    const { stdout } = await example('ai-sdk.mjs');
    expect(stdout).toContain('You said: Say hello');
    expect(stdout).toMatch(/finish: stop, \d+ tokens\nran on: device, because \S+/);
  });
});

const executablePath = findChromium();

describe.runIf(executablePath !== undefined)('in a browser', () => {
  let browser: Browser;
  let page: Page;
  let address = '';
  const child = { stop: (): void => {} };
  const problems: string[] = [];

  beforeAll(async () => {
    const served = spawn(process.execPath, [path.join(folder, 'serve.mjs'), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stop = () => void served.kill();
    const line = await new Promise<string>((resolve) => {
      served.stdout.once('data', (data) => resolve(String(data)));
    });
    address = line.trim().replace(/\?.*$/, '');
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: [...chromiumFlags] });
  });
  afterAll(async () => {
    child.stop();
    await browser.close();
  });

  async function open(transport: string): Promise<void> {
    page = await browser.newPage();
    problems.length = 0;
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`${address}?server=${encodeURIComponent(server.url)}&transport=${transport}`);
  }
  const route = (): Promise<string> => page.locator('#route').innerText();

  it.each(['auto', 'xhr'])('browser.html streams, shows where, and takes a picture (%s)', async (transport) => {
    await open(transport);
    await page.fill('textarea', 'Hi?');
    await page.setInputFiles(
      'input[type=file]',
      path.join(projectRoot, 'test', 'fixtures', 'pictures', 'page-english.png'),
    );
    await page.click('text=Ask');
    await expect.poll(route, soon).toMatch(/^small-1 on device: \S+/);
    expect(await page.locator('#answer').innerText()).toBe('You said: Hi? 你好 🌏');
    const input = setup.device.requests.at(-1)?.input;
    const parts = input?.kind === 'chat' ? input.messages[0]?.content : [];
    expect(parts).toMatchObject([{ type: 'text' }, { type: 'image', source: { mediaType: 'image/png' } }]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it.each(['auto', 'xhr'])('the answer is shown while it comes, and can be stopped (%s)', async (transport) => {
    setup.device.script = () => [start(), event({ type: 'text-delta', text: 'half 你' }), { step: 'hang' }];
    await open(transport);
    await page.click('text=Ask');
    await expect.poll(() => page.locator('#answer').innerText(), soon).toBe('half 你');
    expect(setup.device.active).toBe(1);
    await page.click('#stop');
    await expect.poll(route, soon).toBe('stopped');
    await expect.poll(() => setup.device.active, soon).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  it.each(['auto', 'xhr'])('what breaks off is said, with its code (%s)', async (transport) => {
    setup.device.script = () => [
      start(),
      event({ type: 'text-delta', text: 'half' }),
      event({ type: 'error', code: 'engine_crashed', message: 'It ended.', retryable: true }),
    ];
    await open(transport);
    await page.click('text=Ask');
    await expect.poll(route, soon).toBe('engine_crashed: It ended.');
    await page.goto(`${address}?server=http://127.0.0.1:9&transport=${transport}`);
    await page.click('text=Ask');
    await expect.poll(route, soon).toMatch(/^server_unreachable: /);
    expect(problems).toEqual([]);
    await page.close();
  });
});

if (executablePath === undefined) {
  it('browser.html runs in a real browser', ({ skip }) => skip(noChromium));
}
