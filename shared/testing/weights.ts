import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensurePack } from '../vision/weights/ensure.ts';

/** Outlives a test run, so that the weights are made once per installation. */
const cacheDir = resolve('node_modules/.cache/freeface');

/** Called by vitest before all test files. */
export async function setup(): Promise<void> {
  await ensurePack('builtin', { modelsDir: resolve('models'), dataDir: cacheDir });
}

/** Lets a fresh data folder share the weights. */
export function shareWeights(dataDir: string): void {
  mkdirSync(join(cacheDir, 'models'), { recursive: true });
  symlinkSync(join(cacheDir, 'models'), join(dataDir, 'models'));
}
