import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, it, onTestFinished } from 'vitest';
import { recordsContract } from '../../ports/records.contract.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newEnrolment, newFace, newPerson, newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openRecords } from './records.ts';

recordsContract({
  name: 'embedded records',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let records = await openRecords({ dataDir, clock });
    onTestFinished(() => records.close());
    return {
      records,
      reopen: async () => {
        await records.close();
        records = await openRecords({ dataDir, clock });
        return records;
      },
    };
  },
});

const clock = fakeClock();

it('When a data folder is in use, then a second opening fails until the first is closed', async () => {
  const dataDir = temporaryFolder();
  const first = await openRecords({ dataDir, clock });

  await expect(openRecords({ dataDir, clock })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('Another process uses this data folder'),
  });
  await first.close();
  const second = await openRecords({ dataDir, clock });

  await second.close();
});

it('When the store is open, then only the owner can read its folder and files', async () => {
  const dataDir = join(temporaryFolder(), 'data');
  const records = await openRecords({ dataDir, clock });
  onTestFinished(() => records.close());
  await records.saveEnrolment(newTenant(), newEnrolment());

  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  for (const file of ['records.db', 'records.db-wal']) {
    expect(statSync(join(dataDir, file)).mode & 0o777, file).toBe(0o600);
  }
});

it('When a person or a face is erased, then no file of the store contains their data', async () => {
  const dataDir = temporaryFolder();
  const records = await openRecords({ dataDir, clock });
  onTestFinished(() => records.close());
  const tenant = newTenant();
  const person = newPerson({ name: 'Ada who was here' });
  const faces = [newFace({ personId: person.personId, sourceId: 'camera-of-ada' })];
  const face = newFace({ sourceId: 'camera-of-nobody' });
  await records.saveEnrolment(tenant, { ...newEnrolment(), person, faces });
  await records.saveEnrolment(tenant, { ...newEnrolment(), person: null, faces: [face] });
  const found = () =>
    readdirSync(dataDir).flatMap((name) => {
      const bytes = readFileSync(join(dataDir, name));
      return ['Ada who was here', 'camera-of-ada', 'camera-of-nobody'].filter((text) => bytes.includes(text));
    });
  const before = new Set(found()).size;

  await records.deletePerson(tenant, person.personId);
  await records.deleteFace(tenant, face.faceId);

  expect([before, found()]).toEqual([3, []]);
});

it('When the file is not a database, then the error names the file, and nothing stays locked', async () => {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, 'records.db'), 'this is not a database, but long enough to be looked at'.repeat(40));

  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openRecords({ dataDir, clock })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/records\.db.*not a database/),
    });
  }
  chmodSync(join(dataDir, 'records.db'), 0o600);
});

it('When a migration was edited or is unknown, then opening is refused with the reason', async () => {
  const dataDir = temporaryFolder();
  await (await openRecords({ dataDir, clock })).close();
  const change = (sql: string) => {
    const database = new Libsql(join(dataDir, 'records.db'));
    database.exec(sql);
    database.close();
  };

  change("UPDATE schema_migrations SET checksum = 'other'");
  await expect(openRecords({ dataDir, clock })).rejects.toThrow('001-gallery.sql was changed after it had run here');

  change("UPDATE schema_migrations SET name = '999-future.sql' WHERE name = '001-gallery.sql'");
  await expect(openRecords({ dataDir, clock })).rejects.toThrow('written by a newer version (migration 999-future.sql');
});

it('When the store is closed, then calls are refused', async () => {
  const records = await openRecords({ dataDir: temporaryFolder(), clock });
  await records.close();

  await expect(records.tenants()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(records.saveEnrolment(newTenant(), newEnrolment())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
