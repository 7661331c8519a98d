import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDataFolder } from './data-folder.ts';

it('When the folder and its parents are missing, then they are created empty, and only the owner has access', () => {
  const folder = join(temporaryFolder(), 'a', 'b', 'c');

  openDataFolder(folder);

  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['a file', (file: string) => file],
  ['inside a file', (file: string) => join(file, 'data')],
])('When the folder is %s, then the error says so and names FREEFACE_DATA', (_, place) => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');

  expect(() => openDataFolder(place(file))).toThrow(/is a file, or is inside a file; set FREEFACE_DATA/);
});

it.runIf(existsSync('/proc/self'))('When the folder cannot be created, then the error names FREEFACE_DATA', () => {
  expect(() => openDataFolder('/proc/freeface/data')).toThrow(
    /The data folder \/proc\/freeface\/data cannot be created; set FREEFACE_DATA/,
  );
});

it.runIf(existsSync('/proc/self'))(
  'When the folder exists but no file can be written to it, then the error names FREEFACE_DATA',
  () => {
    expect(() => openDataFolder('/proc/self')).toThrow(/The data folder \/proc\/self .*; set FREEFACE_DATA/);
  },
);
