import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumFlags, findChromium } from './test/support/find-chromium.ts';

const chromium = findChromium();

export default defineConfig({
  test: {
    // A net against hangs, not a measure: the machines are shared.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['test/browser/**'],
        },
      },
      // The parts that promise to run in a browser, in a real one. Without one a single test is skipped, and says why.
      {
        extends: true,
        test:
          chromium === undefined
            ? { name: 'browser', include: ['test/browser/pure-parts.test.ts'] }
            : {
                name: 'browser',
                include: [
                  ...['core', 'signals', 'routing', 'client'].map((folder) => `src/${folder}/**/*.test.ts`),
                  'web/src/**/*.test.ts',
                  'test/browser/page-engine.test.ts',
                ],
                globalSetup: ['test/browser/serve-weights.ts'],
                browser: {
                  enabled: true,
                  headless: true,
                  screenshotFailures: false,
                  provider: playwright({ launchOptions: { executablePath: chromium, args: [...chromiumFlags] } }),
                  instances: [{ browser: 'chromium' }],
                },
              },
      },
    ],
  },
});
