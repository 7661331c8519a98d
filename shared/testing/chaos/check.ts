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
  /** Jobs that clients know of, and all: those of files, and where an answer was lost. */
  readonly accepted: number;
  readonly jobs: number;
  readonly completed: number;
  readonly failed: number;
  /** By a client, and because their file was gone or replaced. */
  readonly cancelled: number;
  /** Files and their versions. */
  readonly files: number;
  readonly versions: number;
  readonly faces: number;
  readonly deadLetters: number;
  readonly persons: number;
  /** Messages that came more than once, and all that came. */
  readonly hooksRepeated: number;
  readonly hooks: number;
  /** Everything that should not be; empty when all is well. */
  readonly wrong: readonly string[];
}

/** A photo that a job enrols, and whose it is said to be. */
export interface ChaosEnrolment {
  readonly photo: ChaosPhoto;
  readonly name: ChaosName;
}

/** What clients did. */
export interface ChaosSent {
  /** By the ids of their jobs. */
  readonly accepted: ReadonlyMap<string, ChaosEnrolment>;
  /** Jobs that a client cancelled, and was told so. */
  readonly cancelled: ReadonlySet<string>;
  readonly files: readonly ChaosFile[];
  /** How often the dead letter of a job was replayed at most, by the id of the job. */
  readonly replays: ReadonlyMap<string, number>;
}

interface CheckInput extends ChaosSent {
  readonly receiver: HookReceiver;
  readonly api: ChaosApi;
  readonly child: ChaosChild;
  /** What the platform kept; its own to close. */
  readonly openStores: () => Promise<ChaosStores>;
}

export type ChaosStores = Pick<Ports, 'records' | 'vectors' | 'images'>;

/** Asks the API for its counts, stops the platform, and counts again in its stores. */
export async function checkChaos(input: CheckInput): Promise<ChaosCheck> {
  const counts = await apiCounts(input.api);
  const code = await input.child.stop();
  const found = await recount(await input.openStores());
  const wrong: string[] = code === 0 ? [] : [`the platform ended with ${code} when it was asked to stop`];
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
    wrong.push(`the API counts ${JSON.stringify(counts)}, the stores hold ${JSON.stringify(own)}`);
  const messages = [...input.receiver.told.values()].flatMap((ids) => [...ids.values()]);
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
    throw new Error('the lists of the API and its metrics differ');
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
  /** Faces as the timelines of all persons tell them. */
  readonly appearances: readonly Face[];
  readonly images: readonly Image[];
  readonly letters: readonly StoredDeadLetter[];
  readonly vectors: ReadonlySet<string>;
  readonly blobs: ReadonlySet<string>;
}

/** Of an embedded platform. */
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
 * Every accepted enrolment ended as its photo has it, or cancelled where a client was told so or, of a file, where that changed; and a
 * job that failed is a dead letter, and the other way round.
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
    if (photo === undefined) wrong.push(`job ${jobId} is of no photo`);
    else if (status !== expected && !(status === 'cancelled' && mayBeCancelled))
      wrong.push(`job ${jobId} of a photo of ${photo.kind} is ${status}: ${JSON.stringify(error)}`);
  }
  for (const jobId of accepted.keys()) if (!byId.has(jobId)) wrong.push(`accepted job ${jobId} is lost`);
  for (const jobId of cancelled)
    if (byId.get(jobId)?.status !== 'cancelled') wrong.push(`cancelled job ${jobId} is ${byId.get(jobId)?.status}`);
  const dead = new Set<string>();
  for (const { event, type, reason } of letters) {
    // The sweep calls for it again.
    if (type === 'freeface.webhook.due.v1') continue;
    const { job_id: jobId } = event.data as { job_id?: string };
    if (jobId === undefined || type !== 'freeface.enrollment.requested.v1')
      wrong.push(`a dead letter of ${type}: ${reason}`);
    else if (byId.get(jobId)?.status !== 'failed')
      wrong.push(`dead letter of job ${jobId}, which is ${byId.get(jobId)?.status}`);
    else dead.add(jobId);
  }
  for (const { jobId, status } of jobs)
    if (status === 'failed' && !dead.has(jobId)) wrong.push(`failed job ${jobId} has no dead letter`);
}

/** The enrolments that are there in the end, by their faces: of each accepted photo that was not cancelled, and of what lies in each file. */
function expectedFaces({ accepted, cancelled, files }: ChaosSent, jobs: readonly Job[]): Map<string, ChaosName[]> {
  // Where an answer was lost there is another job of the same photo, which nobody could cancel.
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

/** One face, one image, one template and one file for each photo of somebody. */
function checkFaces(input: CheckInput, found: Found, wrong: string[]): void {
  const { faces, images, vectors, blobs, jobs } = found;
  const expected = expectedFaces(input, jobs);
  const present = new Set(faces.map(({ faceId }) => faceId));
  if (present.size !== faces.length) wrong.push('a face is listed twice');
  for (const faceId of expected.keys()) {
    if (!present.has(faceId)) wrong.push(`face ${faceId} is lost`);
    if (!vectors.has(faceId)) wrong.push(`face ${faceId} cannot be found`);
  }
  for (const faceId of present)
    if (!expected.has(faceId)) wrong.push(`face ${faceId} is of no photo, or of one that was replaced or cancelled`);
  for (const faceId of vectors) if (!present.has(faceId)) wrong.push(`template ${faceId} is of no face`);
  if (new Set(images.map(({ digest }) => digest)).size !== images.length) wrong.push('an image is there twice');
  if (images.length !== faces.length) wrong.push(`${images.length} images of ${faces.length} faces`);
  for (const { blobKey, imageId } of images) if (!blobs.has(blobKey)) wrong.push(`image ${imageId} has no file`);
}

/**
 * One person for each name that was given with a photo of somebody, and each face of theirs once in their timelines. Somebody whose
 * photos were replaced or cancelled may be there or not.
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
  if (new Set(found).size !== found.length) wrong.push('a person is there twice');
  for (const name of named) if (!found.includes(name)) wrong.push(`the person with ${name} is lost`);
  for (const name of found) if (!possible.has(name)) wrong.push(`a person with ${name} is of no photo`);
  const seen = appearances.map(({ faceId }) => faceId).toSorted();
  const ofPersons = faces.flatMap(({ faceId, personId }) => (personId === null ? [] : [faceId])).toSorted();
  if (JSON.stringify(seen) !== JSON.stringify(ofPersons))
    wrong.push(`${seen.length} appearances of ${ofPersons.length} faces of persons`);
}

/**
 * Every end of a job was told, under one id; one that had failed and was replayed has ended more than once. One that was cancelled has
 * nothing to tell, unless it had failed before.
 */
function checkHooks({ receiver, replays }: CheckInput, { jobs }: Found, wrong: string[]): void {
  for (const { jobId, status } of jobs) {
    const ids = receiver.told.get(jobId);
    if (ids === undefined && status !== 'cancelled') wrong.push(`the end of job ${jobId} was not told`);
    else if (ids !== undefined && ids.size > 1 + (replays.get(jobId) ?? 0))
      wrong.push(`the end of job ${jobId} was told under ${ids.size} ids`);
  }
}
