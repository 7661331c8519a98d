import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newEnrolment, newEvent, newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { newEntry } from '../../testing/vector-factories.ts';
import { openEvents } from './events.ts';
import { openImages } from './images.ts';
import { openRecords } from './records.ts';
import { openVectors } from './vectors.ts';

it('When the stores are used, then other users have no access to the data folder, also if they had before', async () => {
  const dataDir = join(temporaryFolder(), 'data');
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  const options = { dataDir, clock: fakeClock() };
  const tenant = newTenant();

  const records = await openRecords(options);
  await records.saveEnrolment(tenant, newEnrolment());
  const vectors = await openVectors(options);
  await vectors.upsert(tenant, { space: 's', dimension: 8 }, [newEntry(8)]);
  const images = await openImages(options);
  await images.put(tenant, 'key', Buffer.from('bytes'));
  const events = await openEvents(options);
  await events.publish('topic', [newEvent()]);
  onTestFinished(async () => {
    await Promise.all([records.close(), vectors.close(), images.close(), events.close()]);
  });

  const paths = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
  const open = [dataDir, ...paths.map((path) => join(dataDir, path))].filter((path) => {
    const stats = statSync(path);
    return (stats.mode & 0o777) !== (stats.isDirectory() ? 0o700 : 0o600);
  });
  expect(paths.length).toBeGreaterThan(12);
  expect(open).toEqual([]);
});
