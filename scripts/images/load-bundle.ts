import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** What a bundle made for an image exports (see bundle.ts). */
export interface BundleExports {
  /** Serves the function. */
  start(): Promise<void>;
  /** Runs what every start runs, and reaches no store. */
  warm(): Promise<void>;
}

/**
 * Runs the CommonJS module `source` as the file `function.cjs` of `folder`, compiled from V8's code cache where there is one.
 *
 * [Note: Code cache]
 * Compiling is half of what a start costs, so an image carries what V8 made of the bundle. V8 looks whether its version and
 * flags are the same and compiles anew if they are not: the function starts all the same, only slower.
 */
export function loadBundle(
  folder: string,
  source: string,
  cachedData?: Buffer,
): { script: Script; exports: BundleExports } {
  const wrapped = `(function (exports, require, module, __filename, __dirname) { ${source}\n})`;
  // A name of its own wherever the image is built, so that the same bundle makes the same cache.
  const script = new Script(wrapped, { filename: '/app/function.cjs', ...(cachedData && { cachedData }) });
  const file = join(folder, 'function.cjs');
  const module = { exports: {} as BundleExports };
  script.runInThisContext()(module.exports, createRequire(file), module, file, folder);
  return { script, exports: module.exports };
}
