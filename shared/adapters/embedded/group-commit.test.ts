import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDatabase } from './database.ts';
import { createGroupCommit } from './group-commit.ts';

function setUp() {
  const database = openDatabase(join(temporaryFolder(), 'test.db'));
  onTestFinished(() => database.close());
  database.execute('CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT');
  const insert = (n: number) => () => database.run('INSERT INTO numbers VALUES (?)', [n]).lastId;
  const stored = () => database.all<{ n: number }>('SELECT n FROM numbers').map(({ n }) => n);
  return { commits: createGroupCommit(database), insert, stored };
}

it('When one of several writes of a moment fails, then only this write is rejected, and it stores nothing', async () => {
  const { commits, insert, stored } = setUp();
  const applied: number[] = [];
  const half = () => {
    insert(50)();
    throw new Error('half-way');
  };

  const outcomes = await Promise.allSettled([
    commits.run(insert(1), { apply: () => applied.push(1) }),
    commits.run(half, { apply: () => applied.push(50) }),
    commits.run(insert(1), { apply: () => applied.push(-1) }),
    commits.run(insert(2), { apply: () => applied.push(2) }),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(applied).toEqual([1, 2]);
  expect(stored()).toEqual([1, 2]);
});

it('When a signal is aborted before the write runs, then nothing is written', async () => {
  const { commits, insert, stored } = setUp();
  const controller = new AbortController();

  const writing = commits.run(insert(1), { signal: controller.signal });
  controller.abort(new Error('gone'));

  await expect(writing).rejects.toThrow('gone');
  await commits.drained();
  expect(stored()).toEqual([]);
});

it('When several writes are waiting, then drained waits for all of them', async () => {
  const { commits, insert, stored } = setUp();

  const writing = [commits.run(insert(1)), commits.run(insert(2))];
  await commits.drained();

  expect(stored()).toEqual([1, 2]);
  await Promise.all(writing);
});
