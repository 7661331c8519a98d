import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDataFolder } from './data-folder.ts';

it('When the folder and its parents are missing, then they are made for the owner alone and left empty', () => {
  const folder = join(temporaryFolder(), 'a', 'b', 'c');

  openDataFolder(folder);

  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['a file', (file: string) => file],
  ['in a file', (file: string) => join(file, 'data')],
])('When it is %s, then the error names FREEFACE_DATA and says so', (_, place) => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');

  expect(() => openDataFolder(place(file))).toThrow(/is a file, or lies in one; set FREEFACE_DATA/);
});

it.runIf(existsSync('/proc/self'))('When no folder can be made there, then that ends, and names FREEFACE_DATA', () => {
  expect(() => openDataFolder('/proc/freeface/data')).toThrow(
    /The data folder \/proc\/freeface\/data cannot be made there; set FREEFACE_DATA/,
  );
});

it.runIf(existsSync('/proc/self'))(
  'When the folder is there and takes no file, then the error names FREEFACE_DATA',
  () => {
    expect(() => openDataFolder('/proc/self')).toThrow(/The data folder \/proc\/self .*; set FREEFACE_DATA/);
  },
);
