import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { openUploads } from '../adapters/embedded/uploads.ts';
import { AppError } from '../errors.ts';
import { adapterOptions } from '../function/adapter-options.ts';
import type { CallContext, EventCall } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant as tenant } from '../ports/tenant.ts';
import { fakeExtractor, fakePhoto } from '../testing/fake-extractor.ts';
import { type Interleaving, interleaving } from '../testing/interleaving.ts';
import { startPlatform, type TestPlatform } from '../testing/platform.ts';
import { newEvent } from '../testing/record-factories.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { type EnrolmentFields, enrolmentFields, enrolmentRequest, enrolOnce } from './enrol-request.ts';
import { acceptBatch } from './enrolment-batches.ts';
import { acceptEnrolment } from './enrolment-jobs.ts';
import { ingestUpload } from './ingest-upload.ts';
import { processEnrolment } from './process-enrolment.ts';
import { erasePersonWithReceipt } from './receipt.ts';

/** Orders of the calls for each kind of request. */
const orders = 60;

interface Scene {
  readonly n: number;
  readonly personId: string;
  readonly externalId: string;
  /** The photo with which the person was enrolled before. */
  readonly first: Uint8Array;
  /** Another photo with the same face. */
  readonly other: Uint8Array;
  readonly imageId: string;
  readonly call: CallContext;
  /** Ports whose calls take turns with the erasure. */
  readonly ports: Ports;
  readonly put: (bytes: Uint8Array) => string;
}

/** The id of the person to whom the photo was enrolled; undefined: a job was accepted. */
type Request = (scene: Scene) => Promise<string | null | undefined>;

const fieldsOf = (given: object): EnrolmentFields => enrolmentFields.parse(given);

const enrolling =
  (fields: (scene: Scene) => object, photo: 'first' | 'other'): Request =>
  async (scene) => {
    const request = enrolmentRequest(fieldsOf(fields(scene)), scene[photo], scene.call.clock.now());
    const { faces } = await enrolOnce(request, 'direct', scene.call, scene.ports);
    return faces[0]!.face.personId;
  };

async function work({ call, ports }: Scene, jobId: string): Promise<void> {
  const event = newEvent({
    type: 'freeface.enrollment.requested.v1',
    tenant,
    data: { job_id: jobId, face_id: jobId },
  });
  await processEnrolment({ ...call, event, bytes: undefined } as unknown as EventCall, ports);
}

const requests: Readonly<Record<string, Request>> = {
  'enrols another photo by person_id': enrolling(({ personId }) => ({ person_id: personId }), 'other'),
  'enrols the same photo by person_id': enrolling(({ personId }) => ({ person_id: personId }), 'first'),
  'enrols another photo by external_id': enrolling(({ externalId }) => ({ external_id: externalId }), 'other'),
  'enrols an unnamed photo that matches': enrolling(() => ({ processing_options: { auto_associate: true } }), 'other'),
  async 'accepts and runs a job'(scene) {
    const { personId, call, ports, other } = scene;
    const how = { priority: 'normal', webhookUrl: null } as const;
    const { job } = await acceptEnrolment(fieldsOf({ person_id: personId }), other, how, call, ports);
    await work(scene, job.jobId);
    return undefined;
  },
  async 'accepts and runs a batch of its own photo'(scene) {
    const { personId, imageId, call, ports } = scene;
    const items = [{ ...fieldsOf({ person_id: personId }), image_id: imageId }];
    const { jobs } = await acceptBatch({ batchId: call.newId(), priority: 'normal', items }, call, ports);
    await work(scene, jobs[0]!.jobId);
    return undefined;
  },
  async 'ingests a copy of its photo'(scene) {
    const { call, ports } = scene;
    await ingestUpload(scene.put(scene.first), 'normal', call, ports);
    const { items } = await ports.records.listJobs(tenant, {}, { limit: 1000 });
    for (const { jobId, finishedAt } of items) if (finishedAt === null) await work(scene, jobId);
    return undefined;
  },
};

async function start() {
  const watched = temporaryFolder();
  const platform = await startPlatform([], {
    openers: {
      ...embeddedOpeners,
      extractor: async () => fakeExtractor({ latencyMs: () => 0, working: 4 }),
      uploads: (context) => openUploads(adapterOptions(context)),
    },
    settings: { FREEFACE_WATCH: watched },
  });
  const put = (n: number) => (bytes: Uint8Array) => {
    const path = `ada-${n}/copy.jpg`;
    mkdirSync(dirname(join(watched, path)), { recursive: true });
    writeFileSync(join(watched, path), bytes);
    utimesSync(join(watched, path), 1_700_000_000, 1_700_000_000);
    return path;
  };
  return { platform, put };
}

const wrapped = (actor: string, ports: Ports, turns: Interleaving): Ports =>
  Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, turns.port(actor, name, port)])) as never;

function callOn({ context }: TestPlatform): CallContext {
  const { signal } = new AbortController();
  const { clock, log, metrics, config, newId } = context;
  const traceparent = `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`;
  return { tenant, principal: null, requestId: 'r', traceparent, signal, clock, log, metrics, config, newId };
}

/** Everything that any call could still find of the person. */
async function foundOf({ personId, externalId, other, call, n }: Scene, ports: Ports) {
  const { records, vectors, images, extractor } = ports;
  const faces = (await records.listFaces(tenant, {}, { limit: 1000 })).items;
  const persons = (await records.listPersons(tenant, { limit: 1000 })).items;
  const { faces: probes } = await extractor.extract(other, {});
  const hits = await vectors.search(tenant, await extractor.describe(), probes[0]!.embedding!, { limit: 10 });
  const templates: string[] = [];
  for await (const faceId of vectors.faceIds(tenant)) templates.push(faceId);
  const known = new Set((await records.listImages(tenant, { limit: 1000 })).items.map(({ blobKey }) => blobKey));
  const jobs = (await records.listJobs(tenant, {}, { limit: 1000 })).items;
  const files: string[] = [];
  for await (const { key } of images.keys(tenant))
    if (!known.has(key) && !jobs.some(({ imageKey }) => imageKey === key)) files.push(key);
  return {
    n,
    clock: call.clock.now() > 0,
    person: persons.filter((each) => each.personId === personId).length,
    erased: await records.erasedPersons(tenant, [personId]),
    faces: faces.filter((face) => face.personId === personId).length,
    jobs: jobs.filter((job) => job.personId === personId).length,
    hits: hits.filter((hit) => hit.personId === personId).length,
    strayTemplates: templates.filter((id) => !faces.some(({ faceId }) => faceId === id)).length,
    strayFiles: files.length,
    externalId: (await records.getPersonsByExternalIds(tenant, [externalId])).length,
  };
}

const nothing = (n: number, personId: string) => ({
  n,
  clock: true,
  person: 0,
  erased: [personId],
  faces: 0,
  jobs: 0,
  hits: 0,
  strayTemplates: 0,
  strayFiles: 0,
});

describe('an erasure at the same time as a request', () => {
  it.each(Object.entries(requests))(
    'When a request %s, then in every order of the calls the person is gone after the receipt',
    async (name, request) => {
      const { platform, put } = await start();
      const codes: Record<string, number> = {};
      const different = new Set<string>();
      for (let n = 1; n <= orders; n++) {
        const [personId, externalId] = [`p-${n}`, `ada-${n}`];
        const first = fakePhoto(n);
        const other = Buffer.concat([first, Buffer.from('another photo')]);
        const call = callOn(platform);
        const fields = fieldsOf({ person_id: personId, external_id: externalId });
        const before = await enrolOnce(enrolmentRequest(fields, first, 0), 'direct', call, platform.ports);
        const turns = interleaving(n);
        const scene = { n, personId, externalId, first, other, imageId: before.imageId, call, put: put(n) };
        const ports = wrapped('request', platform.ports, turns);

        const [asked, erased] = await turns.run<unknown>([
          () => request({ ...scene, ports }),
          () => erasePersonWithReceipt(personId, callOn(platform), wrapped('erasure', platform.ports, turns)),
        ]);

        const order = turns.calls.join('\n');
        different.add(order);
        expect(erased?.status, order).toBe('fulfilled');
        const found = await foundOf({ ...scene, ports }, platform.ports);
        expect(found, order).toMatchObject(nothing(n, personId));
        const code = asked!.status === 'rejected' ? codeOf(asked!.reason) : 'done';
        codes[code] = (codes[code] ?? 0) + 1;
        expect(['done', 'PERSON_ERASED', 'ERASED', ...(name.includes('batch') ? ['VALIDATION_FAILED'] : [])]).toContain(
          code,
        );
        if (asked?.status !== 'fulfilled' || asked.value === undefined || asked.value === personId) {
          expect(found.externalId, order).toBe(0);
          continue;
        }
        // A face that nobody named: the person was not found any more.
        if (asked.value === null) continue;
        // A new person with the external id: the request looked for the person after the erasure.
        const looked = turns.calls.indexOf('request records.getIdentities');
        expect(looked, order).toBeGreaterThan(turns.calls.indexOf('erasure records.deletePerson'));
      }
      // Both ends of the race occur, so the orders differ.
      expect(different.size).toBeGreaterThan(orders * 0.8);
      expect(Object.keys(codes).length, JSON.stringify(codes)).toBeGreaterThan(1);
    },
    240_000,
  );
});

const codeOf = (error: unknown): string => (error instanceof AppError ? error.code : String((error as Error).stack));
