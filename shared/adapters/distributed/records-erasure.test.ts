import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../ports/clock.ts';
import type { Records } from '../../ports/records.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { describeEngine } from '../../testing/engine.ts';
import { interleaving } from '../../testing/interleaving.ts';
import { newFace, newImage, newJob, newPerson, newTenant } from '../../testing/record-factories.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { recordsOn } from './records.ts';
import { openScylla } from './scylla/client.ts';
import { openScyllaStore } from './scylla/store.ts';

/** Orders of the statements for each kind of write. */
const orders = 40;

interface Scene {
  readonly records: Records;
  readonly tenant: Tenant;
  readonly person: ReturnType<typeof newPerson>;
  /** The photo of the person before the erasure. */
  readonly image: ReturnType<typeof newImage>;
  readonly face: ReturnType<typeof newFace>;
}

const writes: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'saves another photo of the person': ({ records, tenant, person }) =>
    records.saveEnrolment(tenant, {
      person,
      image: newImage({ digest: 'e'.repeat(64) }),
      faces: [newFace({ personId: person.personId })],
    }),
  'saves the same photo again': ({ records, tenant, person, image, face }) =>
    records.saveEnrolment(tenant, { person, image, faces: [face] }),
  'saves a photo for a face that matches': ({ records, tenant, person }) =>
    records.saveEnrolment(tenant, {
      person: null,
      image: newImage({ digest: 'e'.repeat(64) }),
      faces: [newFace({ personId: person.personId, similarity: 0.9 })],
    }),
  'saves a copy of the photo from a file': ({ records, tenant, image, face }) =>
    records.saveEnrolment(tenant, {
      person: null,
      image: { ...image, blobKey: 'copy' },
      faces: [{ ...face, personId: null }],
      fromUpload: true,
    }),
  'creates a job': ({ records, tenant, person: { personId } }) => records.createJob(tenant, newJob({ personId })),
  'creates the person': ({ records, tenant, person }) => records.createPerson(tenant, person),
  'changes the person': ({ records, tenant, person: { personId } }) =>
    records.updatePerson(tenant, personId, { name: 'x' }),
};

describeEngine('scylla', 'an erasure on ScyllaDB at the same time as another write', (settings) => {
  const keyspace = testKeyspace(settings);

  it.each(Object.entries(writes))(
    'When another process %s, then in every order of the statements the person is gone after the erasure',
    async (_, write) => {
      const options = { engines: { scylla: keyspace }, clock: systemClock };
      const codes = new Set<string>();
      const different = new Set<string>();
      const plain = recordsOn(openScyllaStore('records', options));
      onTestFinished(() => plain.close());
      const connections = [openScylla(keyspace), openScylla(keyspace)];
      onTestFinished(async () => void (await Promise.all(connections.map((scylla) => scylla.close()))));
      for (let seed = 1; seed <= orders; seed++) {
        const tenant = newTenant();
        const person = newPerson({ externalId: 'ada' });
        const [image, face] = [newImage({ digest: 'd'.repeat(64) }), newFace({ personId: person.personId })];
        await plain.saveEnrolment(tenant, { person, image, faces: [face] });
        const turns = interleaving(seed);
        // Two processes. They keep their connections for the next order.
        const [writer, eraser] = connections.map((scylla, i) =>
          recordsOn(
            openScyllaStore('records', options, {
              ...turns.port(['write', 'erase'][i]!, 'scylla', scylla),
              close: async () => undefined,
            }),
          ),
        );

        const [written, erased] = await turns.run<unknown>([
          () => write({ records: writer!, tenant, person, image, face }),
          () => eraser!.deletePerson(tenant, person.personId),
        ]);
        await Promise.all([writer!.close(), eraser!.close()]);

        const order = turns.calls.join('\n');
        different.add(order);
        expect(erased, order).toMatchObject({ status: 'fulfilled', value: { person: { personId: person.personId } } });
        expect(await remains(plain, tenant, person.personId), order).toEqual({
          persons: [],
          byExternalId: [],
          erased: [person.personId],
          faces: [],
          images: [],
          jobs: [],
          blocked: true,
        });
        codes.add(written!.status === 'fulfilled' ? 'done' : (written!.reason as { code: string }).code);
      }
      for (const code of codes) expect(['done', 'PERSON_ERASED', 'PERSON_EXISTS', 'ERASED']).toContain(code);
      expect(different.size).toBeGreaterThan(orders * 0.8);
    },
    300_000,
  );
});

async function remains(records: Records, tenant: Tenant, personId: string) {
  const page = { limit: 9 };
  return {
    persons: [
      ...(await records.getPersons(tenant, [personId])),
      ...(await records.listPersons(tenant, page)).items,
      ...(await records.getIdentities(tenant, { personIds: [personId] })),
    ],
    byExternalId: await records.getPersonsByExternalIds(tenant, ['ada']),
    erased: await records.erasedPersons(tenant, [personId]),
    faces: [
      ...(await records.listFaces(tenant, { personId }, page)).items,
      ...(await records.listFaces(tenant, {}, page)).items,
    ],
    images: (await records.listImages(tenant, page)).items,
    jobs: (await records.listJobs(tenant, {}, page)).items,
    blocked: await records.isContentErased(tenant, 'd'.repeat(64)),
  };
}
