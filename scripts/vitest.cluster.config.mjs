import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The tests on a cluster: `npm run test:cluster`. The files run one after another, because each watches instances start and stop. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['scripts/cluster/*.proof.ts'],
    globalSetup: [fileURLToPath(new URL('../scripts/cluster/setup.ts', import.meta.url))],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
    disableConsoleIntercept: true,
  },
});
