import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { loadBundle } from './load-bundle.ts';

// Run by the node of the image: `code-cache.cjs FOLDER` writes function.cache beside the folder's function.cjs.
const [, , folder] = process.argv;
if (folder === undefined) throw new Error('usage: code-cache.cjs FOLDER');
// A collection of garbage that happens to come between would leave out what has been compiled. Whoever reads it has V8's own flags.
setFlagsFromString('--no-flush-bytecode');
const { script, exports } = loadBundle(folder, readFileSync(join(folder, 'function.cjs'), 'utf8'));
void exports.warm().then(() => {
  setFlagsFromString('--flush-bytecode');
  writeFileSync(join(folder, 'function.cache'), script.createCachedData());
  process.exit(0);
});
