/** A page that the browser puts away in mid-answer: hidden, frozen, and back or gone for good. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { findChromium } from '../support/find-chromium.ts';
import { freeze, hide, type PlainChromium, resume, startPlainChromium } from '../support/plain-chromium.ts';
import { answer, event, type ScriptStep, start } from '../support/scripted-backend.ts';
import { keptText } from './kept-text.ts';
import { deviceFirst } from './page-kit.ts';
import {
  ask,
  askForStory,
  describePage,
  long,
  type ModelServer,
  patient,
  pullSmallModel,
  shownText,
  someWords,
  startModelServer,
} from './page-with-model.ts';

await describePage('smollm2-135m', 'a page that is put away', () => {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'duanyun-frozen-'));
  let server: ModelServer;
  let browser: PlainChromium;

  beforeAll(async () => {
    server = await startModelServer({ policy: deviceFirst });
    browser = await startPlainChromium(findChromium() ?? '', profile);
    browser.context.setDefaultTimeout(patient.timeout);
  }, long.timeout);
  afterEach(async () => {
    for (const each of browser.context.pages().slice(1)) await each.close();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true });
  });

  async function open(): Promise<Page> {
    const opened = await browser.context.newPage();
    await opened.goto(server.web.server.url);
    await opened.locator('.composer textarea').waitFor();
    return opened;
  }

  /** Says the first word, and the others when the gate is open. */
  function play(gate: { isOpen: boolean }, end: readonly ScriptStep[]): void {
    server.web.setup.device.script = function* () {
      yield start();
      yield event({ type: 'text-delta', text: 'One ' });
      while (!gate.isOpen) yield { step: 'wait', ms: 20 };
      for (const text of ['two ', 'three ']) {
        yield event({ type: 'text-delta', text });
        yield { step: 'wait', ms: 30 };
      }
      yield* end;
    };
  }

  it('writes what has come before it is frozen', long, async () => {
    const gate = { isOpen: false };
    play(gate, [{ step: 'hang' }]);
    const page = await open();
    await ask(page, 'Count');
    await page.getByText('One').waitFor();
    await hide(page);
    gate.isOpen = true;
    await page.getByText('One two three').waitFor();
    await freeze(page);
    const beside = await open();
    await expect.poll(() => keptText(beside), patient).toMatch(/One two three/);
  });

  it('goes on with an answer that was finished meanwhile', long, async () => {
    const gate = { isOpen: false };
    play(gate, [...answer('')].slice(1));
    const page = await open();
    await ask(page, 'Count');
    await page.getByText('One').waitFor();
    await hide(page);
    await freeze(page);
    gate.isOpen = true;
    // The server has said everything meanwhile.
    await expect.poll(() => server.web.setup.device.active, patient).toBe(0);
    await resume(page);
    await page.getByText('One two three').waitFor();
    await page.locator('.answer[aria-busy=false]').last().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await ask(page, 'Count again');
    await page.getByText('One two three').nth(1).waitFor();
  });

  it('goes on with an answer of its own model', long, async () => {
    const page = await open();
    await pullSmallModel(page);
    await askForStory(page);
    await hide(page);
    await freeze(page);
    await sleep(500);
    await resume(page);
    const before = (await shownText(page)).length;
    await expect.poll(async () => (await shownText(page)).length, patient).toBeGreaterThan(before);
    expect(await someWords(page)).toMatch(/This browser/);
  });

  it('keeps what came when it is discarded in mid-answer, and answers again', long, async () => {
    const page = await open();
    await askForStory(page);
    const address = page.url();
    await hide(page);
    await freeze(page);
    const isGone = page.waitForEvent('crash');
    const session = await page.context().newCDPSession(page);
    session.send('Page.crash').catch(() => {});
    await isGone;
    await page.close();
    const again = await browser.context.newPage();
    await again.goto(address);
    await again.getByText('The page was closed or reloaded in mid-answer').waitFor();
    expect((await shownText(again)).length).toBeGreaterThan(2);
    await again.getByRole('combobox', { name: 'Model' }).selectOption('page:smollm2-135m');
    await ask(again, 'Say yes.');
    expect(await someWords(again)).toMatch(/This browser/);
  });
});
