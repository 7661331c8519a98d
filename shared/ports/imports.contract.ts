import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditLine, chainStart, createChainVerifier, hashOfEntry } from '../domain/audit-chain.ts';
import { newApiKeyRecord, newSigningKey, newTenantRecord, newUser } from '../testing/account-factories.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newEvent, newFace, newImage, newJob, newPerson, newTenant } from '../testing/record-factories.ts';
import { newWebhook } from '../testing/webhook-factories.ts';
import type { Accounts, User } from './accounts.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { Imports } from './imports.ts';
import type { Face, Image } from './records/faces.ts';
import type { Job } from './records/jobs.ts';
import type { Person } from './records/persons.ts';
import type { Records } from './records.ts';
import type { Tenant } from './tenant.ts';
import type { Webhook, Webhooks } from './webhooks.ts';

interface WrittenPorts {
  readonly records: Records;
  readonly accounts: Accounts;
  readonly webhooks: Webhooks;
  readonly audit: Audit;
}

/** Opens the same data for the import or for use, one at a time. */
export interface ImportsSubject {
  imports(): Promise<Imports>;
  readonly ports: { readonly [Name in keyof WrittenPorts]: () => Promise<WrittenPorts[Name]> };
}

/** Every promise of `Imports`. The stores may contain data of other tenants. */
export function importsContract({ name, open }: { name: string; open: (clock: FakeClock) => ImportsSubject }) {
  const setUp = async () => {
    const clock = fakeClock();
    const subject = open(clock);
    /** Opens the imports, runs `work` and closes them. */
    const write = async (work: (imports: Imports) => Promise<void>): Promise<void> => {
      const imports = await subject.imports();
      await work(imports).finally(() => imports.close());
    };
    /** Opens the ports, runs `work` and closes them. */
    const use = async <Value>(work: (ports: WrittenPorts) => Promise<Value>): Promise<Value> => {
      const openers = subject.ports;
      const ports = {
        records: await openers.records(),
        accounts: await openers.accounts(),
        webhooks: await openers.webhooks(),
        audit: await openers.audit(),
      };
      try {
        return await work(ports);
      } finally {
        for (const port of Object.values(ports)) await port.close();
      }
    };
    return { clock, tenant: newTenant(), write, use };
  };

  describe(`${name}: imported records`, () => {
    it('When a gallery is imported, then every read finds the same rows, and a second import changes nothing', async () => {
      const { tenant, write, use } = await setUp();
      const gallery = newGallery();

      await write((imports) => writeGallery(imports, tenant, gallery));
      const once = await use(({ records }) => viewOf(records, tenant));
      await write((imports) => writeGallery(imports, tenant, gallery));
      const twice = await use(({ records }) => viewOf(records, tenant));

      const { ada, ben, image, expired, faces, finished, failed, upload, letter } = gallery;
      expect(once).toEqual({
        persons: [
          { ...ada, faceCount: 1 },
          { ...ben, faceCount: 1 },
        ],
        byExternalId: [ada.personId],
        faces: [[faces.ada], [faces.ben]],
        appearances: [[faces.ada], [faces.ben]],
        unknown: [faces.nobody],
        unexpired: [image],
        images: [image, expired],
        usage: { persons: 2, faces: 3, bytes: image.bytes },
        jobs: [failed, finished],
        byFace: finished,
        batch: [finished],
        batchCount: 1,
        letters: [letter],
        uploads: [upload],
        seen: true,
      });
      expect(twice).toEqual(once);
    });

    it('When changed rows are imported again, then only their new state can be found', async () => {
      const { tenant, write, use } = await setUp();
      const gallery = newGallery();
      await write((imports) => writeGallery(imports, tenant, gallery));
      const { ada, ben, image, faces, failed } = gallery;
      const king: Person = { ...ada, externalId: 'king', name: 'Ada King', version: 8, updatedAt: ada.updatedAt + 1 };
      const named: Face = { ...faces.nobody, personId: ben.personId, similarity: 0.9 };
      const moved: Face = { ...faces.ada, personId: ben.personId };
      const again: Job = {
        ...failed,
        status: 'completed',
        error: null,
        request: null,
        result: {},
        personId: ben.personId,
      };

      await write(async ({ records }) => {
        await records.person(tenant, king);
        await records.image(tenant, image, [named, moved]);
        await records.job(tenant, again);
      });

      await use(async ({ records }) => {
        const view = await viewOf(records, tenant);
        expect(view).toMatchObject({
          persons: [
            { ...king, faceCount: 0 },
            { ...ben, faceCount: 3 },
          ],
          byExternalId: [],
          faces: [[], [faces.ben, named, moved]],
          appearances: [[], [faces.ben, named, moved]],
          unknown: [],
          usage: { persons: 2, faces: 3, bytes: image.bytes },
        });
        expect(sorted(await records.getFaces(tenant, [named.faceId, moved.faceId]))).toEqual([named, moved]);
        expect(view.jobs).toEqual([again, gallery.finished]);
        const other = await records.createPerson(tenant, newPerson({ externalId: 'ada' }));
        expect(other.externalId).toBe('ada');
      });
    });

    it('When faces were deleted or jobs finished since the first import, then no listing has their old state', async () => {
      const { tenant, write, use } = await setUp();
      const gallery = newGallery();
      const { image, faces, failed } = gallery;
      const waiting: Job = {
        ...failed,
        status: 'queued',
        priority: 'low',
        error: null,
        startedAt: null,
        finishedAt: null,
      };
      await write((imports) => writeGallery(imports, tenant, { ...gallery, failed: waiting }));
      const before = await use(({ records }) => records.backlog());

      await write(async ({ records }) => {
        await records.image(tenant, image, [faces.nobody]);
        await records.job(tenant, { ...failed, priority: 'low' });
      });

      await use(async ({ records }) => {
        expect(await records.getFaces(tenant, [faces.ada.faceId])).toEqual([]);
        expect(await viewOf(records, tenant)).toMatchObject({ faces: [[], [faces.ben]], unknown: [faces.nobody] });
        expect((await records.backlog()).jobs.low).toBe(before.jobs.low - 1);
      });
    });

    it('When rows are imported, then they can be changed and deleted like other rows', async () => {
      const { tenant, write, use } = await setUp();
      const gallery = newGallery();
      await write((imports) => writeGallery(imports, tenant, gallery));
      const { ada, ben, failed } = gallery;

      await use(async ({ records }) => {
        const changed = await records.updatePerson(tenant, ada.personId, { name: 'x' }, { version: 7 });
        const requeued = await records.requeueJob(tenant, failed.jobId);
        const first = await records.deletePerson(tenant, ada.personId);
        const second = await records.deletePerson(tenant, ben.personId);
        const nobody = await records.deleteFace(tenant, gallery.faces.nobody.faceId);

        expect(changed.version).toBe(8);
        expect(requeued).toMatchObject({ changed: true });
        expect([first?.faceIds, second?.faceIds]).toEqual([[gallery.faces.ada.faceId], [gallery.faces.ben.faceId]]);
        expect(nobody?.image).toMatchObject({ imageId: gallery.image.imageId });
        expect(await records.usage(tenant)).toEqual({ persons: 0, faces: 0, bytes: 0 });
        expect((await records.listImages(tenant, { limit: 10 })).items).toEqual([]);
      });
    });

    it('When marks of erased persons and photos are imported twice, then they are valid, and nothing brings the person back', async () => {
      const [source, target] = [await setUp(), await setUp()];
      const gallery = newGallery();
      const { ada } = gallery;
      const { tenant } = source;
      await source.write((imports) => writeGallery(imports, tenant, gallery));
      const photo = { ...newImage({ digest: 'e'.repeat(64) }) };
      const { marks, key } = await source.use(async ({ records }) => {
        await records.saveEnrolment(tenant, {
          person: null,
          image: photo,
          faces: [newFace({ personId: ada.personId })],
        });
        await records.deletePerson(tenant, ada.personId);
        return {
          marks: (await records.listErasures(tenant, { limit: 100 })).items,
          key: (await records.erasureKey())!,
        };
      });
      const all = () =>
        target.write(async ({ records }) => {
          await records.erasureKey(key);
          for (const each of marks) await records.erasure(tenant, each);
        });

      // On engines, source and target are one installation: the same marks again change nothing.
      await all();
      await all();

      expect(marks.map(({ subject }) => subject)).toContain(`person/${ada.personId}`);
      await expect(target.write(({ records }) => records.person(tenant, ada))).rejects.toMatchObject({
        code: 'PERSON_ERASED',
      });
      await expect(target.write(({ records }) => records.erasureKey('ab'.repeat(32)))).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      });
      await target.use(async ({ records }) => {
        expect((await records.listErasures(tenant, { limit: 100 })).items).toEqual(marks);
        expect(await records.erasedPersons(tenant, [ada.personId])).toEqual([ada.personId]);
        expect(await records.isContentErased(tenant, photo.digest)).toBe(true);
        await expect(records.createPerson(tenant, newPerson({ personId: ada.personId }))).rejects.toMatchObject({
          code: 'PERSON_ERASED',
        });
      });
    });

    it('When the mark of an erased person is imported and the person exists, then the import is refused', async () => {
      const { tenant, write } = await setUp();
      const gallery = newGallery();
      await write((imports) => writeGallery(imports, tenant, gallery));

      const writing = write(({ records }) =>
        records.erasure(tenant, { subject: `person/${gallery.ada.personId}`, at: time }),
      );

      await expect(writing).rejects.toMatchObject({ code: 'PERSON_EXISTS' });
    });

    it('When another person has the external id, then the import of the person is refused', async () => {
      const { tenant, write, use } = await setUp();
      const { ada, ben } = newGallery();
      await use(({ records }) => records.createPerson(tenant, newPerson({ externalId: 'ada' })));

      const writing = write(({ records }) => records.person(tenant, ada));

      await expect(writing).rejects.toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
      await write(({ records }) => records.person(tenant, ben));
    });
  });

  it(`${name}: When accounts are imported twice, then each is stored once, unchanged, and can be used`, async () => {
    const { tenant, write, use } = await setUp();
    const times = { createdAt: 1_700_000_000_000, updatedAt: 1_700_000_100_000, version: 3 };
    const record = { ...newTenantRecord({ tenant }), ...times };
    const user: User = { ...newUser({ username: 'ada' }), endsWith: 'parent', ...times };
    const key = { ...newApiKeyRecord(), endsWith: 'parent', createdAt: times.createdAt, revokedAt: times.updatedAt };
    const signing = { ...newSigningKey(), createdAt: times.createdAt };
    const all = () =>
      write(async ({ accounts }) => {
        await accounts.tenant(record);
        await accounts.user(tenant, user);
        await accounts.apiKey(tenant, key);
        await accounts.signingKey(signing);
      });

    await all();
    await all();

    await use(async ({ accounts }) => {
      expect(await accounts.getTenant(tenant)).toEqual(record);
      expect((await accounts.listUsers(tenant, { limit: 10 })).items).toEqual([user]);
      expect(await accounts.getUserByName(tenant, 'ADA')).toEqual(user);
      expect((await accounts.listApiKeys(tenant, { limit: 10 })).items).toEqual([key]);
      expect((await accounts.signingKeys()).filter(({ keyId }) => keyId === signing.keyId)).toEqual([signing]);
      expect((await accounts.updateUser(tenant, user.userId, { name: 'x' }, { version: 3 })).version).toBe(4);
    });
    const another = write(({ accounts }) => accounts.user(tenant, { ...user, userId: randomUUID() }));
    await expect(another).rejects.toMatchObject({ code: 'USER_EXISTS' });
  });

  it(`${name}: When webhooks are imported twice, then each is stored once, unchanged, and can be used`, async () => {
    const { tenant, write, use } = await setUp();
    const { secret, ...made } = newWebhook();
    const at = 1_700_000_000_000;
    const webhook: Webhook = {
      ...made,
      secrets: [{ secret, createdAt: at, expiresAt: null }],
      disabled: null,
      createdAt: at,
      updatedAt: at + 1,
      version: 5,
    };

    await write(({ webhooks }) => webhooks.webhook(tenant, webhook));
    await write(({ webhooks }) => webhooks.webhook(tenant, webhook));

    await use(async ({ webhooks }) => {
      expect((await webhooks.listWebhooks(tenant, { limit: 10 })).items).toEqual([webhook]);
      expect(await webhooks.webhooksFor(tenant, webhook.types[0]!)).toEqual([webhook]);
      expect((await webhooks.updateWebhook(tenant, webhook.webhookId, { url: null })).version).toBe(6);
    });
  });

  it(`${name}: When two overlapping parts of an audit chain are imported, then the chain is complete, valid and continues`, async () => {
    const { tenant, write, use } = await setUp();
    const entries = newChain(tenant, 1205);
    const half = entries.slice(0, 600);

    await write(async ({ audit }) => void (await audit.entries(tenant, half)));
    await write(async ({ audit }) => void (await audit.entries(tenant, entries)));

    await use(async ({ audit }) => {
      const next = await audit.append(tenant, { ...newEntry(0), action: 'later' });
      const all: AuditEntry[] = [];
      for await (const entry of audit.chains(tenant)) all.push(entry);
      const verifier = createChainVerifier();

      expect(all).toEqual([...entries, next]);
      expect(all.map((entry) => verifier.add(auditLine(tenant, entry))).filter((broken) => broken !== null)).toEqual(
        [],
      );
      expect((await audit.list(tenant, { personId: 'p-7' }, { limit: 10 })).items).toEqual([entries[7]]);
      expect((await audit.list(tenant, {}, { limit: 2 })).items).toEqual([next, entries.at(-1)]);
      expect(await audit.tenants()).toContain(tenant);
    });
  });
}

const time = 1_700_000_000_000;

/** Two persons on two images, an unknown face, two jobs, a dead letter and an upload. One image has expired. */
function newGallery() {
  const person = (externalId: string | null, at: number): Person => {
    const { personId, name, metadata, consent } = newPerson();
    const times = { createdAt: time + at, updatedAt: time + at + 5, version: 7 };
    return { personId, externalId, name, metadata, consent, faceCount: 0, ...times };
  };
  const [ada, ben] = [person('ada', 1), person(null, 2)];
  const image: Image = { ...newImage(), createdAt: time + 3, expiredAt: null };
  const expired: Image = { ...newImage(), bytes: 0, createdAt: time + 4, expiredAt: time + 50 };
  const face = (on: Image, personId: string | null, at: number): Face => ({
    ...newFace({ personId }),
    imageId: on.imageId,
    createdAt: time + at,
  });
  const faces = {
    ada: face(image, ada.personId, 5),
    nobody: face(image, null, 6),
    ben: face(expired, ben.personId, 7),
  };
  const job = (at: number, fields: Partial<Job>): Job => ({
    ...newJob({ personId: ada.personId, externalId: null }),
    batchId: null,
    item: null,
    status: 'completed',
    attempts: 2,
    failures: 0,
    underWaySince: null,
    result: null,
    error: null,
    createdAt: time + at,
    startedAt: time + at + 1,
    finishedAt: time + at + 2,
    ...fields,
  });
  const finished = job(8, { batchId: randomUUID(), item: 0, request: null, result: { faces: 1 } });
  const failed = job(9, { status: 'failed', error: { code: 'NO_FACE' }, personId: null });
  const upload = {
    uploadId: randomUUID(),
    version: 'v1',
    jobId: finished.jobId,
    imageId: image.imageId,
    at: time + 10,
  };
  const letter = {
    deadLetterId: randomUUID(),
    event: newEvent(),
    type: 'freeface.test.v1',
    topic: 'freeface.events',
    group: null,
    status: 503,
    reason: 'STORE_UNAVAILABLE',
    attempts: 8,
    at: time + 11,
  };
  return { ada, ben, image, expired, faces, finished, failed, upload, letter };
}

async function writeGallery(
  { records }: Imports,
  tenant: Tenant,
  { ada, ben, image, expired, faces, finished, failed, upload, letter }: ReturnType<typeof newGallery>,
): Promise<void> {
  await records.person(tenant, ada);
  await records.person(tenant, ben);
  await records.image(tenant, image, [faces.ada, faces.nobody]);
  await records.image(tenant, expired, [faces.ben]);
  await records.job(tenant, finished);
  await records.job(tenant, failed);
  await records.upload(tenant, upload);
  await records.deadLetter(tenant, letter);
}

/** The results of all reads. */
async function viewOf(records: Records, tenant: Tenant) {
  const page = { limit: 100 };
  const future = Date.UTC(2100, 0);
  const persons = (await records.listPersons(tenant, page)).items;
  const ofEach = <Value>(of: (personId: string) => Promise<Value>) =>
    Promise.all(persons.map(({ personId }) => of(personId)));
  const jobs = (await records.listJobs(tenant, {}, page)).items;
  const batched = jobs.find(({ batchId }) => batchId !== null)!;
  const uploads = (await records.listUploads(tenant, {}, page)).items;
  const images = (await records.listImages(tenant, page)).items;
  const letters = (await records.listDeadLetters(tenant, {}, page)).items;
  return {
    persons,
    byExternalId: (await records.getPersonsByExternalIds(tenant, ['ada'])).map(({ personId }) => personId),
    faces: await ofEach(async (personId) => sorted((await records.listFaces(tenant, { personId }, page)).items)),
    appearances: await ofEach(async (personId) =>
      sorted((await records.listAppearances(tenant, personId, {}, { ...page, order: 'oldest-first' })).items),
    ),
    unknown: await records.unknownFacesBefore(tenant, future, 100),
    unexpired: await records.imagesBefore(tenant, future, 100),
    images,
    usage: await records.usage(tenant),
    jobs,
    byFace: await records.getJob(tenant, batched.faceId),
    batch: (await records.listBatch(tenant, batched.batchId!, {}, page)).items,
    batchCount: (await records.countBatch(tenant, batched.batchId!)).completed,
    letters: letters.map((letter) => ({ ...letter, event: newEvent({ ...letter.event }) })),
    uploads: (await records.listUploads(tenant, { imageId: uploads[0]!.imageId }, page)).items,
    seen: (await records.tenants()).includes(tenant),
  };
}

const sorted = (faces: readonly Face[]): Face[] => faces.toSorted((a, b) => b.createdAt - a.createdAt);

const newEntry = (index: number) => ({
  action: 'get-person',
  actor: 'key:a',
  actorName: 'Zoë',
  subjects: { persons: [`p-${index}`], faces: [], images: [], more: 0 },
  status: 200,
  code: null,
  address: '127.0.0.1',
  requestId: `r-${index}`,
  details: { index },
});

function newChain(tenant: Tenant, length: number): AuditEntry[] {
  const chain = randomUUID();
  let previous = chainStart;
  return Array.from({ length }, (_, index) => {
    const linked = { ...newEntry(index), at: time + index, chain, sequence: index + 1, previous };
    const entry = { ...linked, hash: hashOfEntry(tenant, linked) };
    previous = entry.hash;
    return entry;
  });
}
