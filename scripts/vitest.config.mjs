import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['functions/**/*.test.ts', 'shared/**/*.test.ts', 'scripts/**/*.test.ts'],
    // Builds the weights of the default pack once for all test files.
    globalSetup: [fileURLToPath(new URL('../shared/testing/weights.ts', import.meta.url))],
    pool: 'forks',
    // Vitest leaves one processor free by default. That is half of a machine with two, and many tests wait for a disk or a timer.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
