/** Finds a Chromium for the tests that need a real browser. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const commands = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'];
const otherPlaces = [
  '/usr/bin',
  '/usr/local/bin',
  '/snap/bin',
  '/Applications/Chromium.app/Contents/MacOS',
  '/Applications/Google Chrome.app/Contents/MacOS',
];

/** What a skipped test says: why, and what to do. */
export const noChromium =
  'there is no Chromium here: install one (Debian: apt-get install chromium) or name it in DUANYUN_TEST_CHROMIUM';

/** Headless, without a sandbox (tests run as root in containers), and without any traffic of its own. */
export const chromiumFlags: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser that `DUANYUN_TEST_CHROMIUM` names, or the first in PATH and the usual places. */
export function findChromium(): string | undefined {
  const named = process.env.DUANYUN_TEST_CHROMIUM;
  if (named !== undefined && named !== '') return named;
  const folders = [...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== ''), ...otherPlaces];
  const names = [...commands, 'Chromium', 'Google Chrome'];
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find((file) => existsSync(file));
}
