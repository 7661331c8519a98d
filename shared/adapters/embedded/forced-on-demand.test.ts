import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDatabase } from './database.ts';
import { forcedOnDemand } from './forced-on-demand.ts';

/** `count`: how often the database was forced to the disk. */
function setUp() {
  const database = openDatabase(join(temporaryFolder(), 'some.db'));
  onTestFinished(() => database.close());
  database.execute('CREATE TABLE numbers (n INTEGER)');
  let forced = 0;
  const counting = {
    ...database,
    force() {
      forced++;
      return database.force();
    },
  };
  const { transaction, force } = forcedOnDemand(counting);
  const add = (durable?: boolean) =>
    transaction(() => database.run('INSERT INTO numbers (n) VALUES (1)').changes, durable);
  return { database, add, force, count: () => forced };
}

describe('transactions that are forced on demand', () => {
  it('When several callers force earlier writes, then one force serves all, and later writes need one more', async () => {
    const { add, force, count } = setUp();

    add();
    const first = force();
    await vi.waitFor(() => expect(count()).toBe(1));
    add();
    add();
    await Promise.all([first, force(), force(), force()]);

    expect(count()).toBe(2);
    await force();
    expect(count()).toBe(2);
  });

  it('When nothing was written, or the write was already forced, then nothing is forced', async () => {
    const { add, force, count } = setUp();

    await force();
    add();
    add(true);
    await force();

    expect(count()).toBe(0);
  });

  it('When a transaction is rolled back, then the synchronous setting is restored', () => {
    const { database, add } = setUp();

    expect(() =>
      forcedOnDemand(database).transaction(() => {
        throw new Error('no');
      }),
    ).toThrow('no');

    expect(add()).toBe(1);
    expect(database.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 });
  });

  it('When the disk fails, then the waiting call rejects, and the next call tries again', async () => {
    const { database } = setUp();
    let failures = 1;
    const { transaction, force } = forcedOnDemand({
      ...database,
      force: () => (--failures >= 0 ? Promise.reject(new Error('disk')) : database.force()),
    });
    transaction(() => database.run('INSERT INTO numbers (n) VALUES (2)'));

    await expect(force()).rejects.toThrow('disk');
    await expect(force()).resolves.toBeUndefined();
    expect(failures).toBe(-1);
  });

  it('When the database is closed, then forcing is STORE_UNAVAILABLE', async () => {
    const { database, add, force } = setUp();

    add();
    await force();
    add();
    database.close();

    await expect(force()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
