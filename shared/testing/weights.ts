import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensurePack } from '../vision/weights/ensure.ts';

/** Kept after a test run, so that the weights are prepared once per installation. */
const cacheDir = resolve('node_modules/.cache/freeface');

/** vitest calls this before all test files. */
export async function setup(): Promise<void> {
  await ensurePack('builtin', { modelsDir: resolve('models'), dataDir: cacheDir });
}

/** Links the shared weights into a new data folder. */
export function shareWeights(dataDir: string): void {
  mkdirSync(join(cacheDir, 'models'), { recursive: true });
  symlinkSync(join(cacheDir, 'models'), join(dataDir, 'models'));
}
