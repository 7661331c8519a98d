import base from './vitest.config.mjs';

/** Suites of the API that also run, unchanged, on platforms whose ports are the five engines: `npm run test:api-on-engines`. */
const functions = [
  'cancel-enrollment',
  'compare-faces',
  'create-api-key',
  'create-person',
  'create-tenant',
  'create-user',
  'create-webhook',
  'detect-faces',
  'download-image',
  'enroll-face',
  'enroll-face-async',
  'erase-person',
  'get-identity',
  'get-timeline',
  'list-appearances',
  'list-audit',
  'log-in',
  'log-out',
  'recognize-faces',
  'search-faces',
];

export default {
  ...base,
  test: {
    ...base.test,
    include: ['shared/testing/end-to-end/**/*.test.ts', ...functions.map((name) => `functions/${name}/**/*.test.ts`)],
    env: { FREEFACE_TEST_MODE: 'distributed' },
    // One server each for all files.
    fileParallelism: false,
  },
};
