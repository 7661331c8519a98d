import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates an empty folder and deletes it when the running test finishes. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'freeface-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
