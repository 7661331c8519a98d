import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The proof on a cluster: `npm run test:cluster`. One after another, since each watches instances come and go. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['scripts/cluster/*.proof.ts'],
    globalSetup: ['scripts/cluster/setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 900_000,
    disableConsoleIntercept: true,
  },
});
