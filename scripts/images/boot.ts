import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBundle } from './load-bundle.ts';

// What an image runs: the function's bundle beside this file.
const read = (name: string) => readFileSync(join(__dirname, name));
void loadBundle(__dirname, read('function.cjs').toString(), read('function.cache')).exports.start();
