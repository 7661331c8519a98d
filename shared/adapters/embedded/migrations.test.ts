import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDatabase } from './database.ts';
import { migrate, migrations } from './migrations.ts';

it('When a migration file is added to the folder, then it is also listed', () => {
  const files = readdirSync(new URL('../../../migrations/embedded', import.meta.url)).toSorted();

  const listed = Object.values(migrations)
    .flat()
    .map(({ name }) => name)
    .toSorted();

  expect(listed).toEqual(files);
});

it('When a migration fails half-way, then it is rolled back and the next start runs it again', () => {
  const database = openDatabase(join(temporaryFolder(), 'test.db'));
  const good = { name: '1.sql', sql: 'CREATE TABLE a (x)' };
  const bad = { name: '2.sql', sql: 'CREATE TABLE b (x); INSERT INTO missing VALUES (1)' };

  expect(() => migrate(database, [good, bad], 0)).toThrow('missing');
  expect(() => database.get('SELECT * FROM b')).toThrow('no such table');
  migrate(database, [good, { name: '2.sql', sql: 'CREATE TABLE b (x)' }], 0);

  expect(database.all('SELECT name FROM schema_migrations')).toEqual([{ name: '1.sql' }, { name: '2.sql' }]);
  database.close();
});
