import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../errors.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Records } from '../../ports/records.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { dyingScylla } from '../../testing/dying-scylla.ts';
import { describeEngine } from '../../testing/engine.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import {
  newEnrolment,
  newEvent,
  newFace,
  newImage,
  newJob,
  newPerson,
  newTenant,
} from '../../testing/record-factories.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { undecidedScylla } from '../../testing/undecided-scylla.ts';
import { openRecords, recordsOn } from './records.ts';
import { healRecords } from './records-outbox.ts';
import { openScylla } from './scylla/client.ts';
import { openScyllaStore } from './scylla/store.ts';

/** Everything that readers can see of a tenant. */
interface View {
  readonly persons: number;
  readonly externalIds: number;
  readonly faceCounts: number;
  readonly faces: number;
  readonly facesOfPersons: number;
  readonly appearances: number;
  readonly unknown: number;
  readonly images: number;
  readonly unexpired: number;
  readonly usage: unknown;
  readonly jobs: readonly string[];
  readonly waiting: number;
  readonly events: number;
}

interface Scenario {
  readonly name: string;
  /** Writes the records before the crash. Resolves to the call during which the process dies. */
  prepare(records: Records, tenant: Tenant): Promise<(records: Records, options: WriteOptions) => Promise<unknown>>;
}

const externalId = 'e-1';
const named = newPerson({ externalId });
const scenarios: readonly Scenario[] = [
  {
    name: 'creating a person',
    prepare: async (_, tenant) => (records, options) => records.createPerson(tenant, named, options),
  },
  {
    name: 'giving a person another external id',
    async prepare(records, tenant) {
      const { personId } = await records.createPerson(tenant, newPerson({ externalId: 'before' }));
      return (dying, options) => dying.updatePerson(tenant, personId, { externalId }, options);
    },
  },
  {
    name: 'enrolling a new person',
    async prepare(_, tenant) {
      const faces = [newFace({ personId: named.personId }), newFace()];
      const image = newImage();
      return (dying, options) => dying.saveEnrolment(tenant, { person: named, image, faces }, options);
    },
  },
  {
    name: 'assigning unknown faces to a person',
    async prepare(records, tenant) {
      const [image, face] = [newImage(), newFace()];
      await records.saveEnrolment(tenant, { person: null, image, faces: [face] });
      const { personId } = await records.createPerson(tenant, named);
      return (dying, options) =>
        dying.saveEnrolment(tenant, { person: null, image, faces: [{ ...face, personId }] }, options);
    },
  },
  {
    name: 'deleting a face',
    async prepare(records, tenant) {
      const enrolment = newEnrolment(1);
      await records.saveEnrolment(tenant, enrolment);
      return (dying, options) => dying.deleteFace(tenant, enrolment.faces[0]!.faceId, options);
    },
  },
  {
    name: 'deleting a person',
    async prepare(records, tenant) {
      const enrolment = newEnrolment(2);
      const person = { ...enrolment.person, externalId };
      await records.saveEnrolment(tenant, { ...enrolment, person });
      const alone = newFace({ personId: person.personId });
      await records.saveEnrolment(tenant, { person: null, image: newImage(), faces: [alone, newFace()] });
      await records.createJob(tenant, newJob({ personId: person.personId }));
      return (dying, options) => dying.deletePerson(tenant, person.personId, options);
    },
  },
  {
    name: 'creating a job',
    async prepare(_, tenant) {
      const job = newJob();
      return (dying, options) => dying.createJob(tenant, job, options);
    },
  },
  {
    name: 'finishing a job',
    async prepare(records, tenant) {
      const { jobId } = await records.createJob(tenant, newJob());
      await records.startJob(tenant, jobId);
      const outcome = { status: 'completed', personId: 'p', result: {} } as const;
      return (dying, options) => dying.finishJob(tenant, jobId, outcome, options);
    },
  },
];

describeEngine('scylla', 'records of a process that dies', (settings) => {
  const scylla = testKeyspace(settings);

  describe.each(scenarios)('in $name', ({ prepare }) => {
    it.each(['healing only', 'the call repeated'])(
      'When the process dies at any request, then all readers see the whole call or nothing of it (%s)',
      async (how) => {
        const whole = await play(Number.POSITIVE_INFINITY, how);
        expect(whole.died).toBe(false);

        let deaths = 0;
        for (let last = 1; ; last++) {
          const { before, after, died } = await play(last, how);
          if (!died) break;
          deaths++;
          const wanted = how === 'healing only' ? [before, whole.after] : [whole.after];
          expect(wanted, `dead after request ${last}`).toContainEqual(after);
        }
        expect(deaths).toBeGreaterThan(2);
      },
    );

    async function play(last: number, how: string): Promise<{ before: View; after: View; died: boolean }> {
      const clock = fakeClock();
      const tenant = newTenant();
      const options = { engines: { scylla }, clock };
      const records = await openRecords(options);
      const connection = openScylla(scylla);
      onTestFinished(async () => {
        await records.close();
        await connection.close();
      });
      const event = newEvent();
      const waiting = await waitingIn(records);
      const call = await prepare(records, tenant);
      const before = await viewOf(records, tenant, event.id, waiting);

      const dying = dyingScylla(connection, last);
      const outbox = [{ topic: 'some.topic', event }];
      const dead = recordsOn(openScyllaStore('records', options, dying.scylla));
      await call(dead, { outbox }).catch((error: unknown) => {
        if (!dying.isDead) throw error;
      });
      await dead.close();
      await clock.advance(61_000);
      if (how === 'the call repeated' && dying.isDead) {
        await call(records, { outbox }).catch((error: unknown) => {
          if (!(error instanceof AppError) || error.code !== 'PERSON_EXISTS') throw error;
        });
      }
      await healRecords(openScyllaStore('records', options, connection), Date.now() + 1);

      return { before, after: await viewOf(records, tenant, event.id, waiting), died: dying.isDead };
    }
  });
});

describeEngine('scylla', 'records of an undecided write', (settings) => {
  const scylla = testKeyspace(settings);

  it('When the write of an enrolment is decided only after a minute, then a retry finds its person, and no face is lost', async () => {
    const clock = fakeClock();
    const tenant = newTenant();
    const connection = openScylla(scylla);
    const records = recordsOn(openScyllaStore('records', { engines: { scylla }, clock }, undecidedScylla(connection)));
    onTestFinished(async () => {
      await records.close();
      await connection.close();
    });
    const [image, face] = [newImage(), newFace()];
    const enrolAs = ({ personId }: { personId: string }) =>
      records.saveEnrolment(tenant, {
        person: { ...newPerson({ externalId }), personId },
        image,
        faces: [{ ...face, personId }],
      });

    const first = await enrolAs(named).catch((error: unknown) => error);
    await clock.advance(61_000);
    const [found = newPerson()] = await records.getPersonsByExternalIds(tenant, [externalId]);
    await enrolAs(found);

    expect(first).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(found.personId).toBe(named.personId);
    expect(await records.getPersons(tenant, [named.personId])).toMatchObject([{ externalId, faceCount: 1 }]);
  });
});

async function viewOf(records: Records, tenant: Tenant, eventId: string, waiting: number): Promise<View> {
  const page = { limit: 100 };
  const persons = (await records.listPersons(tenant, page)).items;
  const ofPersons = <Value>(of: (personId: string) => Promise<Value>) =>
    Promise.all(persons.map(({ personId }) => of(personId)));
  const lists = await ofPersons(async (personId) => (await records.listFaces(tenant, { personId }, page)).items.length);
  const seen = await ofPersons((personId) => records.summarizeAppearances(tenant, personId, {}));
  const jobs = (await records.listJobs(tenant, {}, page)).items;
  const events = (await records.pendingOutbox(1000)).filter(({ entry: { event } }) => event.id === eventId);
  return {
    persons: persons.length,
    externalIds: (await records.getPersonsByExternalIds(tenant, [externalId])).length,
    faceCounts: sum(persons.map(({ faceCount }) => faceCount)),
    faces: (await records.listFaces(tenant, {}, page)).items.length,
    facesOfPersons: sum(lists),
    appearances: sum(seen.map(({ count }) => count)),
    unknown: (await records.unknownFacesBefore(tenant, Date.UTC(2100, 0), 100)).length,
    images: (await records.listImages(tenant, page)).items.length,
    unexpired: (await records.imagesBefore(tenant, Date.UTC(2100, 0), 100)).length,
    usage: await records.usage(tenant),
    jobs: jobs.map(({ status }) => status),
    waiting: (await waitingIn(records)) - waiting,
    events: Math.min(events.length, 1),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Number of waiting jobs of all tenants. */
const waitingIn = async (records: Records): Promise<number> => sum(Object.values((await records.backlog()).jobs));
