/** The page in a real Chromium, on the real server with a scripted device and a recording cloud. One browser, one server. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, noChromium } from '../support/find-chromium.ts';
import { accessibilityTests } from './accessibility-tests.ts';
import { chatTests } from './chat-tests.ts';
import { faultTests } from './fault-tests.ts';
import { PageKit } from './page-kit.ts';
import { otherPagesTests } from './other-pages-tests.ts';

const executablePath = findChromium();
if (executablePath === undefined) it.skip(`the page in a browser: ${noChromium}`, () => {});

describe.runIf(executablePath !== undefined)('the page', () => {
  const kit = new PageKit();
  beforeAll(() => kit.start(executablePath ?? ''));
  afterEach(async () => {
    await kit.closePage();
    expect(kit.errors()).toEqual([]);
  });
  afterAll(() => kit.stop());

  chatTests(kit);
  otherPagesTests(kit);
  faultTests(kit);
  accessibilityTests(kit);
});
