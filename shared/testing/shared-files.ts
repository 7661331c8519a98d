import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'vitest';

/** Path of a file or folder of the test data outside the repository; null if it does not exist. */
export function sharedPath(relative: string): string | null {
  const path = join(resolve(process.env.FREEFACE_SHARED ?? '../shared'), relative);
  return existsSync(path) ? path : null;
}

/**
 * Tests that need the test data `relative`. Without the data they are skipped with a message; with FREEFACE_REQUIRE_SHARED=1 they fail.
 */
export function describeShared(title: string, relative: string, body: (path: string) => void): void {
  const path = sharedPath(relative);
  if (path) describe(title, () => body(path));
  else if (process.env.FREEFACE_REQUIRE_SHARED === '1') {
    describe(title, () => body(join(resolve(process.env.FREEFACE_SHARED ?? '../shared'), relative)));
  } else {
    describe(title, () => {
      it.skip(`needs ${relative}, which is neither in FREEFACE_SHARED nor in ../shared`);
    });
  }
}
