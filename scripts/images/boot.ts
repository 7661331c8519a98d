import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBundle } from './load-bundle.ts';

// The program of an image. It runs the function's bundle, which is next to this file.
const read = (name: string) => readFileSync(join(__dirname, name));
void loadBundle(__dirname, read('function.cjs').toString(), read('function.cache')).exports.start();
