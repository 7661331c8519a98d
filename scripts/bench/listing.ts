import { randomUUID } from 'node:crypto';
import { openRecords as openScylla } from '../../shared/adapters/distributed/records.ts';
import { openRecords } from '../../shared/adapters/embedded/records.ts';
import type { Engines } from '../../shared/engine-settings.ts';
import { dropKeyspace, migrateScylla } from '../../shared/migrations/apply.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { pagesOf } from '../../shared/ports/pages.ts';
import type { Records } from '../../shared/ports/records.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { newFace, newImage } from '../../shared/testing/record-factories.ts';
import { median, type Row } from './rows.ts';

const limit = 500;
/** Number of persons that are created at the same time. */
const writers = 64;
/** Every `perFace`th person has a face, each on its own photo, because a page counts the faces of its persons. */
const perFace = 10;

/** Measures the time of a page at the end of a long list of persons, against its start. Also on ScyllaDB when it is configured. */
export async function measureListing({
  quick,
  dataDir,
  scylla,
}: {
  readonly quick: boolean;
  readonly dataDir: string;
  readonly scylla: Engines['scylla'] | null;
}): Promise<Row[]> {
  const size = quick ? 10_000 : 100_000;
  const rows = [await measure('embedded', await openRecords({ dataDir, clock: systemClock }), size)];
  if (scylla === null) return rows;
  const settings = { ...scylla, keyspace: `bench_${randomUUID().replaceAll('-', '')}`, replication: 1 };
  try {
    await migrateScylla(settings);
    const records = await openScylla({ engines: { scylla: settings }, clock: systemClock });
    return [...rows, await measure('ScyllaDB', records, size)];
  } finally {
    await dropKeyspace(settings);
  }
}

async function measure(engine: string, records: Records, size: number): Promise<Row> {
  try {
    let made = 0;
    const write = async () => {
      while (made < size) {
        made += 1;
        const person = personAt(made);
        if (made % perFace > 0) await records.createPerson(defaultTenant, person);
        else {
          const faces = [newFace({ personId: person.personId })];
          await records.saveEnrolment(defaultTenant, { person, image: newImage(), faces });
        }
      }
    };
    await Promise.all(Array.from({ length: writers }, write));
    const times: number[] = [];
    let [listed, faces] = [0, 0];
    let started = performance.now();
    for await (const persons of pagesOf((page) => records.listPersons(defaultTenant, { ...page, limit }))) {
      times.push(performance.now() - started);
      listed += persons.length;
      for (const { faceCount } of persons) faces += faceCount;
      started = performance.now();
    }
    if (listed !== size || faces !== size / perFace) {
      throw new Error(
        `${engine}: the list has ${listed} persons with ${faces} faces instead of ${size} with ${size / perFace}`,
      );
    }
    // The first pages only warm up.
    const few = Math.max(3, Math.floor(times.length / 10));
    const [value, baseline] = [median(times.slice(-few)), median(times.slice(few, 2 * few))];
    return {
      section: 'listing',
      name: `last pages of ${size.toLocaleString('en')} persons against the first, ${engine}`,
      value,
      baseline,
      ratio: value / baseline,
      unit: 'ms',
      goal: { atMost: 1.3 },
      note: `${limit} a page, every ${perFace}th person with a face`,
    };
  } finally {
    await records.close();
  }
}

const personAt = (number: number) => ({
  personId: randomUUID(),
  externalId: `person-${number}`,
  name: `Person ${number}`,
  metadata: { group: String(number % 10) },
  consent: null,
});
