/**
 * Stands in for the browser part of the tests where there is no browser, so that the end of a run says so. Where there
 * is one, `vitest.config.ts` runs the tests of core, signals, routing and client in it instead.
 */
import { it } from 'vitest';
import { noChromium } from '../support/find-chromium.ts';

it('core, signals, routing and client pass their tests in a real browser', ({ skip }) => skip(noChromium));
