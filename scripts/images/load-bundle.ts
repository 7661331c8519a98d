import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** Exports of a bundle in an image (see bundle.ts). */
export interface BundleExports {
  /** Serves the function. */
  start(): Promise<void>;
  /** Runs the code of a start without calling a store. */
  warm(): Promise<void>;
}

/**
 * Runs the CommonJS module `source` as the file `function.cjs` of `folder`. `cachedData`: V8's code cache of it.
 *
 * [Note: Code cache]
 * Half of the time of a start is compilation. So an image contains the code that V8 compiled from the bundle. V8 checks that its version
 * and flags are the same as at the build. If they differ, it compiles the bundle again, and the function starts more slowly.
 */
export function loadBundle(
  folder: string,
  source: string,
  cachedData?: Buffer,
): { script: Script; exports: BundleExports } {
  const wrapped = `(function (exports, require, module, __filename, __dirname) { ${source}\n})`;
  // The name does not depend on the folder of the build, so that the same bundle makes the same cache.
  const script = new Script(wrapped, { filename: '/app/function.cjs', ...(cachedData && { cachedData }) });
  const file = join(folder, 'function.cjs');
  const module = { exports: {} as BundleExports };
  script.runInThisContext()(module.exports, createRequire(file), module, file, folder);
  return { script, exports: module.exports };
}
