import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { loadBundle } from './load-bundle.ts';

// The image's node runs this: `code-cache.cjs FOLDER` writes function.cache next to function.cjs in the folder.
const [, , folder] = process.argv;
if (folder === undefined) throw new Error('usage: code-cache.cjs FOLDER');
// A garbage collection could drop compiled code before the cache is written. The flag is reset below, because V8 accepts a cache only
// if it has the same flags.
setFlagsFromString('--no-flush-bytecode');
const { script, exports } = loadBundle(folder, readFileSync(join(folder, 'function.cjs'), 'utf8'));
void exports.warm().then(() => {
  setFlagsFromString('--flush-bytecode');
  writeFileSync(join(folder, 'function.cache'), script.createCachedData());
  process.exit(0);
});
