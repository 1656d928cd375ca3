import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
    // A net against hangs, not a measure: the machines are shared.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
