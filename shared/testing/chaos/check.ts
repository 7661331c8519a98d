import { openImages } from '../../adapters/embedded/images.ts';
import { openRecords } from '../../adapters/embedded/records.ts';
import { openVectors } from '../../adapters/embedded/vectors.ts';
import { systemClock } from '../../ports/clock.ts';
import type { Ports } from '../../ports/index.ts';
import type { StoredDeadLetter } from '../../ports/records/dead-letters.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Job } from '../../ports/records/jobs.ts';
import type { Person } from '../../ports/records/persons.ts';
import { defaultTenant } from '../../ports/tenant.ts';
import type { ChaosApi } from './api.ts';
import type { ChaosChild } from './child.ts';
import type { ChaosFile, ChaosName, ChaosPhoto } from './plan.ts';
import type { HookReceiver } from './receiver.ts';

export interface ChaosCheck {
  /** Jobs whose ids the clients know. */
  readonly accepted: number;
  /** All jobs: also those of files, and those whose response was lost. */
  readonly jobs: number;
  readonly completed: number;
  readonly failed: number;
  /** Jobs that a client cancelled, or that were cancelled because their file was deleted or replaced. */
  readonly cancelled: number;
  /** Number of files. */
  readonly files: number;
  /** Number of versions of all files. */
  readonly versions: number;
  readonly faces: number;
  readonly deadLetters: number;
  readonly persons: number;
  /** Webhook messages that arrived more than once. */
  readonly hooksRepeated: number;
  /** Deliveries of all webhook messages. */
  readonly hooks: number;
  /** One line per error; empty if there is none. */
  readonly wrong: readonly string[];
}

/** A photo that a job enrols, and the person that the request names. */
export interface ChaosEnrolment {
  readonly photo: ChaosPhoto;
  readonly name: ChaosName;
}

/** Requests of the clients. */
export interface ChaosSent {
  /** Accepted enrolments, by job id. */
  readonly accepted: ReadonlyMap<string, ChaosEnrolment>;
  /** Ids of the jobs that a client cancelled successfully. */
  readonly cancelled: ReadonlySet<string>;
  readonly files: readonly ChaosFile[];
  /** By job id: the largest possible number of replays of its dead letter. */
  readonly replays: ReadonlyMap<string, number>;
}

interface CheckInput extends ChaosSent {
  readonly receiver: HookReceiver;
  readonly api: ChaosApi;
  readonly child: ChaosChild;
  /** Opens the platform's stores; the check closes them. */
  readonly openStores: () => Promise<ChaosStores>;
}

export type ChaosStores = Pick<Ports, 'records' | 'vectors' | 'images'>;

/** Reads the counts of the API, stops the platform, and compares them with its stores. */
export async function checkChaos(input: CheckInput): Promise<ChaosCheck> {
  const counts = await apiCounts(input.api);
  const code = await input.child.stop();
  const found = await recount(await input.openStores());
  const wrong: string[] = code === 0 ? [] : [`the platform ended with exit code ${code} after SIGTERM`];
  checkJobs(input, found, wrong);
  checkFaces(input, found, wrong);
  checkPersons(input, found, wrong);
  checkHooks(input, found, wrong);
  const own = {
    persons: found.persons.length,
    faces: found.faces.length,
    bytes: found.images.reduce((sum, { bytes }) => sum + bytes, 0),
    waiting: 0,
    deadLetters: found.letters.length,
    facesOfPersons: found.faces.filter(({ personId }) => personId !== null).length,
    ...countsOf(found.jobs),
  };
  if (JSON.stringify(counts) !== JSON.stringify(own))
    wrong.push(`the API counts ${JSON.stringify(counts)}, the stores contain ${JSON.stringify(own)}`);
  const messages = [...input.receiver.delivered.values()].flatMap((ids) => [...ids.values()]);
  return {
    accepted: input.accepted.size,
    jobs: found.jobs.length,
    completed: own.completed,
    failed: own.failed,
    cancelled: own.cancelled,
    files: input.files.length,
    versions: input.files.reduce((sum, { versions }) => sum + versions.length, 0),
    faces: found.faces.length,
    deadLetters: found.letters.length,
    persons: found.persons.length,
    hooks: messages.reduce((sum, times) => sum + times, 0),
    hooksRepeated: messages.filter((times) => times > 1).length,
    wrong,
  };
}

async function apiCounts({ insist }: ChaosApi) {
  const get = async (path: string) => (await insist('GET', path)).answer.json.data;
  const all = async (path: string, field: string) => {
    const items: Record<string, unknown>[] = [];
    let token: string | null = null;
    do {
      const page = await get(`${path}?limit=500${token === null ? '' : `&page_token=${encodeURIComponent(token)}`}`);
      items.push(...page[field]);
      token = page.next_page_token;
    } while (token !== null);
    return items;
  };
  const metrics = await get('/api/v1/metrics');
  const persons = await all('/api/v1/persons', 'persons');
  const letters = await all('/api/v1/events/dead_letters', 'dead_letters');
  const jobs = await all('/api/v1/faces/enroll/jobs', 'jobs');
  if (letters.length !== metrics.events.dead_letters || persons.length !== metrics.gallery.persons)
    throw new Error('the lists and the metrics of the API differ');
  return {
    persons: persons.length,
    faces: metrics.gallery.faces as number,
    bytes: metrics.gallery.image_bytes as number,
    waiting: Object.values(metrics.jobs.waiting as Record<string, number>).reduce((sum, each) => sum + each, 0),
    deadLetters: letters.length,
    facesOfPersons: persons.reduce((sum, { face_count }) => sum + Number(face_count), 0),
    ...countsOf(jobs as { status?: string }[]),
  };
}

function countsOf(jobs: readonly { readonly status?: string }[]) {
  const of = (wanted: string) => jobs.filter(({ status }) => status === wanted).length;
  return { jobs: jobs.length, completed: of('completed'), failed: of('failed'), cancelled: of('cancelled') };
}

interface Found {
  readonly jobs: readonly Job[];
  readonly faces: readonly Face[];
  readonly persons: readonly Person[];
  /** Faces in the timelines of all persons. */
  readonly appearances: readonly Face[];
  readonly images: readonly Image[];
  readonly letters: readonly StoredDeadLetter[];
  readonly vectors: ReadonlySet<string>;
  readonly blobs: ReadonlySet<string>;
}

/** Opens the stores of an embedded platform. */
export async function storesIn(dataDir: string): Promise<ChaosStores> {
  const options = { dataDir, clock: systemClock };
  const records = await openRecords(options);
  return { records, vectors: await openVectors(options), images: await openImages(options) };
}

async function recount({ records, vectors, images }: ChaosStores): Promise<Found> {
  const every = async <T>(list: (after?: string) => Promise<{ items: T[]; next: string | null }>): Promise<T[]> => {
    const items: T[] = [];
    let after: string | undefined;
    do {
      const page = await list(after);
      items.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return items;
  };
  const limit = 1000;
  const found = {
    jobs: await every((after) => records.listJobs(defaultTenant, {}, { limit, after })),
    faces: await every((after) => records.listFaces(defaultTenant, {}, { limit, after })),
    persons: await every((after) => records.listPersons(defaultTenant, { limit, after })),
    appearances: [] as Face[],
    images: await every((after) => records.listImages(defaultTenant, { limit, after })),
    letters: await every((after) => records.listDeadLetters(defaultTenant, {}, { limit, after })),
    vectors: new Set<string>(),
    blobs: new Set<string>(),
  };
  const order = 'oldest-first';
  for (const { personId } of found.persons)
    found.appearances.push(
      ...(await every((after) => records.listAppearances(defaultTenant, personId, {}, { limit, after, order }))),
    );
  for await (const faceId of vectors.faceIds(defaultTenant)) found.vectors.add(faceId);
  for await (const { key } of images.keys(defaultTenant)) found.blobs.add(key);
  await Promise.all([records.close(), vectors.close(), images.close()]);
  return found;
}

/**
 * Checks that every accepted enrolment ended as its photo requires. A job may only be cancelled if a client cancelled it or if its
 * file changed. Every failed job must have a dead letter, and every dead letter must have a failed job.
 */
function checkJobs({ accepted, cancelled, files }: CheckInput, { jobs, letters }: Found, wrong: string[]): void {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const ofFiles = files.flatMap(({ versions }) => versions.flatMap((photo) => photo ?? []));
  const photos = new Map(
    [...[...accepted.values()].map(({ photo }) => photo), ...ofFiles].map((each) => [each.faceId, each]),
  );
  const inFiles = new Set(ofFiles.map(({ faceId }) => faceId));
  for (const { jobId, faceId, status, error, batchId } of jobs) {
    const photo = photos.get(faceId);
    const mayBeCancelled = cancelled.has(jobId) || (inFiles.has(faceId) && batchId === null);
    const expected = photo?.kind === 'face' ? 'completed' : 'failed';
    if (photo === undefined) wrong.push(`job ${jobId} belongs to no photo`);
    else if (status !== expected && !(status === 'cancelled' && mayBeCancelled))
      wrong.push(`job ${jobId} of a photo of kind ${photo.kind} is ${status}: ${JSON.stringify(error)}`);
  }
  for (const jobId of accepted.keys()) if (!byId.has(jobId)) wrong.push(`accepted job ${jobId} is lost`);
  for (const jobId of cancelled)
    if (byId.get(jobId)?.status !== 'cancelled') wrong.push(`cancelled job ${jobId} is ${byId.get(jobId)?.status}`);
  const dead = new Set<string>();
  for (const { event, type, reason } of letters) {
    // The sweep publishes this event again.
    if (type === 'freeface.webhook.due.v1') continue;
    const { job_id: jobId } = event.data as { job_id?: string };
    if (jobId === undefined || type !== 'freeface.enrollment.requested.v1')
      wrong.push(`dead letter of the unexpected type ${type}: ${reason}`);
    else if (byId.get(jobId)?.status !== 'failed')
      wrong.push(`the job ${jobId} of a dead letter is ${byId.get(jobId)?.status}, not failed`);
    else dead.add(jobId);
  }
  for (const { jobId, status } of jobs)
    if (status === 'failed' && !dead.has(jobId)) wrong.push(`failed job ${jobId} has no dead letter`);
}

/** Enrolments that must exist at the end, by face id: every accepted photo that was not cancelled, and the last version of every file. */
function expectedFaces({ accepted, cancelled, files }: ChaosSent, jobs: readonly Job[]): Map<string, ChaosName[]> {
  // If a response was lost, there is a second job for the same photo, whose id the client does not know and cannot cancel.
  const done = new Set(jobs.flatMap(({ faceId, status }) => (status === 'completed' ? [faceId] : [])));
  const present = new Map<string, ChaosName[]>();
  const expect = ({ kind, faceId }: ChaosPhoto, name: ChaosName) => {
    if (kind === 'face') present.set(faceId, [...(present.get(faceId) ?? []), name]);
  };
  for (const { name, versions } of files) {
    const last = versions.at(-1);
    if (last != null) expect(last, name);
  }
  const inFiles = new Set(files.flatMap(({ versions }) => versions.map((photo) => photo?.faceId)));
  for (const [jobId, { photo, name }] of accepted)
    if (!cancelled.has(jobId) || (done.has(photo.faceId) && !inFiles.has(photo.faceId))) expect(photo, name);
  return present;
}

/** Checks that each photo with a face has exactly one face, one image, one template and one file. */
function checkFaces(input: CheckInput, found: Found, wrong: string[]): void {
  const { faces, images, vectors, blobs, jobs } = found;
  const expected = expectedFaces(input, jobs);
  const present = new Set(faces.map(({ faceId }) => faceId));
  if (present.size !== faces.length) wrong.push('a face is listed twice');
  for (const faceId of expected.keys()) {
    if (!present.has(faceId)) wrong.push(`face ${faceId} is lost`);
    if (!vectors.has(faceId)) wrong.push(`face ${faceId} has no template`);
  }
  for (const faceId of present)
    if (!expected.has(faceId))
      wrong.push(`face ${faceId} belongs to no photo, or to one that was replaced or cancelled`);
  for (const faceId of vectors) if (!present.has(faceId)) wrong.push(`template ${faceId} belongs to no face`);
  if (new Set(images.map(({ digest }) => digest)).size !== images.length) wrong.push('an image is stored twice');
  if (images.length !== faces.length) wrong.push(`there are ${images.length} images for ${faces.length} faces`);
  for (const { blobKey, imageId } of images) if (!blobs.has(blobKey)) wrong.push(`image ${imageId} has no file`);
}

/**
 * Checks that each name that was sent with a face photo has exactly one person, and that each face is once in the timeline of its
 * person. A person whose photos were all replaced or cancelled may exist or not.
 */
function checkPersons(input: CheckInput, { persons, faces, appearances, jobs }: Found, wrong: string[]): void {
  const label = (name: ChaosName) =>
    name === null ? [] : 'external_id' in name ? [`external_id ${name.external_id}`] : [`person_id ${name.person_id}`];
  const named = new Set([...expectedFaces(input, jobs).values()].flat().flatMap(label));
  const enrolments = [
    ...input.accepted.values(),
    ...input.files.flatMap(({ name, versions }) =>
      versions.flatMap((photo) => (photo === null ? [] : [{ photo, name }])),
    ),
  ];
  const possible = new Set(enrolments.flatMap(({ photo, name }) => (photo.kind === 'face' ? label(name) : [])));
  const found = persons.map(({ personId, externalId }) =>
    externalId === null ? `person_id ${personId}` : `external_id ${externalId}`,
  );
  if (new Set(found).size !== found.length) wrong.push('a person is stored twice');
  for (const name of named) if (!found.includes(name)) wrong.push(`the person with ${name} is lost`);
  for (const name of found) if (!possible.has(name)) wrong.push(`the person with ${name} belongs to no photo`);
  const seen = appearances.map(({ faceId }) => faceId).toSorted();
  const ofPersons = faces.flatMap(({ faceId, personId }) => (personId === null ? [] : [faceId])).toSorted();
  if (JSON.stringify(seen) !== JSON.stringify(ofPersons))
    wrong.push(`there are ${seen.length} appearances for ${ofPersons.length} faces of persons`);
}

/**
 * Checks that the receiver got every end of a job, under one message id. A failed job that was replayed ends more than once, so it may
 * have more ids. A cancelled job has no message, unless it failed before.
 */
function checkHooks({ receiver, replays }: CheckInput, { jobs }: Found, wrong: string[]): void {
  for (const { jobId, status } of jobs) {
    const ids = receiver.delivered.get(jobId);
    if (ids === undefined && status !== 'cancelled') wrong.push(`the end of job ${jobId} was not delivered`);
    else if (ids !== undefined && ids.size > 1 + (replays.get(jobId) ?? 0))
      wrong.push(`the end of job ${jobId} was delivered under ${ids.size} ids`);
  }
}
