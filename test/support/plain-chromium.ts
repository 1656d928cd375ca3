/**
 * A Chromium as somebody has it. Playwright's own launch pretends that every page is in front and has the focus; such a page is never
 * hidden, and one that is not hidden is never frozen, whatever it is told to.
 */
import { spawn } from 'node:child_process';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { chromiumFlags } from './find-chromium.ts';

export type PlainChromium = { context: BrowserContext; close(): Promise<void> };

/** @param profile an empty folder, or one of an earlier start */
export async function startPlainChromium(executablePath: string, profile: string): Promise<PlainChromium> {
  const flags = [...chromiumFlags, '--lang=en-US', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
  const child = spawn(executablePath, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString();
      const [found] = /ws:\/\/\S+/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Chromium ended with code ${code}: ${said}`)));
  });
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  if (context === undefined) throw new Error('Chromium has no context of its own');
  return {
    context,
    async close() {
      await browser.close();
      child.kill();
      await ended;
    },
  };
}

/** Another tab comes to the front. */
export async function hide(page: Page): Promise<void> {
  const front = await page.context().newPage();
  await front.bringToFront();
  await page.waitForFunction("document.visibilityState === 'hidden'", undefined, { polling: 50 });
}

/** What browsers do to a page that has been hidden for some minutes: nothing of it runs any more, its workers included. */
export async function freeze(page: Page): Promise<void> {
  await setLifecycle(page, 'frozen');
}

/** It comes back to the front. */
export async function resume(page: Page): Promise<void> {
  await setLifecycle(page, 'active');
  await page.bringToFront();
}

async function setLifecycle(page: Page, state: 'frozen' | 'active'): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state });
  await session.detach();
}
