import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Clock } from '../../ports/clock.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newEnrolment, newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { newEntry } from '../../testing/vector-factories.ts';
import { openImages } from './images.ts';
import { openRecords } from './records.ts';
import { openVectors } from './vectors.ts';

const tenant = newTenant();

it.each([
  ['images', putImage],
  ['vectors', putTemplate],
])(
  'When records.db is missing or new, but %s is not empty, then opening is refused, says what to do and writes nothing',
  async (folder, put) => {
    const { dataDir, clock } = await newFolder();
    await put(dataDir, clock);
    removeRecords(dataDir);

    for (const prepare of [() => undefined, () => writeFileSync(join(dataDir, 'records.db'), '')]) {
      prepare();
      await expect(openRecords({ dataDir, clock })).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: `${join(dataDir, 'records.db')} is missing, but ${join(dataDir, folder)} is not empty: the gallery cannot be used without its records. Restore records.db from a backup, or choose another folder with FREEFACE_DATA.`,
      });
    }

    expect(readdirSync(dataDir).filter((name) => name.startsWith('records.db'))).toEqual(['records.db']);
  },
);

it('When records.db was replaced by one without images, and older images exist, then opening is refused', async () => {
  const { dataDir, clock } = await newFolder();
  await putImage(dataDir, clock);
  const images = join(dataDir, 'images');
  const other = await newFolder(fakeClock(clock.now() + 1));

  removeRecords(dataDir);
  copyRecords(other.dataDir, dataDir);

  await expect(openRecords({ dataDir, clock })).rejects.toThrow(`records.db is empty, but ${images} is not empty`);
});

it('When a crash in the first enrolment left an image and no record, then opening succeeds', async () => {
  const { dataDir, clock } = await newFolder();
  await putImage(dataDir, clock);

  await (await openRecords({ dataDir, clock })).close();
});

it('When both stores are empty again, then new records are created', async () => {
  const { dataDir, clock } = await newFolder();
  await (await openImages({ dataDir, clock })).close();
  await (await openVectors({ dataDir, clock })).close();
  removeRecords(dataDir);

  await (await openRecords({ dataDir, clock })).close();

  expect(existsSync(join(dataDir, 'records.db'))).toBe(true);
});

it('When the records contain images, then older images do not prevent opening', async () => {
  const { dataDir, clock } = await newFolder(fakeClock(Date.UTC(2026, 0, 2)));
  await putImage(dataDir, fakeClock(Date.UTC(2026, 0, 1)));
  const records = await openRecords({ dataDir, clock }).catch(() => null);
  expect(records).toBeNull();

  rmSync(join(dataDir, 'images'), { recursive: true });
  const filled = await openRecords({ dataDir, clock });
  await filled.saveEnrolment(tenant, newEnrolment());
  await filled.close();
  await putImage(dataDir, fakeClock(Date.UTC(2026, 0, 1)));

  await (await openRecords({ dataDir, clock })).close();
});

/** A data folder with empty records. */
async function newFolder(clock = fakeClock()) {
  const dataDir = temporaryFolder();
  await (await openRecords({ dataDir, clock })).close();
  return { dataDir, clock };
}

async function putImage(dataDir: string, clock: Clock): Promise<void> {
  const images = await openImages({ dataDir, clock });
  await images.put(tenant, 'key', Buffer.from('bytes'));
  await images.close();
}

async function putTemplate(dataDir: string, clock: Clock): Promise<void> {
  const vectors = await openVectors({ dataDir, clock });
  await vectors.upsert(tenant, { space: 'left-16.p1', dimension: 16 }, [newEntry(16)]);
  await vectors.close();
}

function removeRecords(dataDir: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, `records.db${suffix}`), { force: true });
}

const copyRecords = (from: string, to: string): void => copyFileSync(join(from, 'records.db'), join(to, 'records.db'));
