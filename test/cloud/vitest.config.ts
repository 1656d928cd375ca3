/** For `npm run test:cloud` alone: the default run does not look here. */
import { defineConfig } from 'vitest/config';

const hourMs = 3_600_000;

export default defineConfig({
  test: {
    include: ['test/cloud/**/*.cloud.ts'],
    // A net against hangs, not a measure: vLLM on a processor takes minutes.
    testTimeout: hourMs,
    hookTimeout: hourMs,
    // The tests are one story.
    sequence: { concurrent: false, shuffle: false },
    bail: 1,
    disableConsoleIntercept: true,
  },
});
