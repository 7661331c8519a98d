import { openImages } from '../adapters/embedded/images.ts';
import { openRecords } from '../adapters/embedded/records.ts';
import { openVectors } from '../adapters/embedded/vectors.ts';
import { systemClock } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import type { Face, Image, Job, Person, StoredDeadLetter } from '../ports/records.ts';
import { defaultTenant } from '../ports/tenant.ts';
import type { ChaosApi, PlannedEnrolment } from './chaos.ts';
import type { ChaosChild } from './chaos-child.ts';
import type { HookReceiver } from './chaos-receiver.ts';

export interface ChaosCheck {
  /** Photos that were accepted, and the jobs that they made: more, where an answer was lost. */
  readonly accepted: number;
  readonly jobs: number;
  readonly completed: number;
  readonly failed: number;
  readonly faces: number;
  readonly deadLetters: number;
  readonly persons: number;
  /** Messages that came more than once, and all that came. */
  readonly hooksRepeated: number;
  readonly hooks: number;
  /** Everything that should not be; empty when all is well. */
  readonly wrong: readonly string[];
}

interface CheckInput {
  readonly plan: readonly PlannedEnrolment[];
  readonly accepted: ReadonlyMap<number, { readonly jobId: string; readonly faceId: string }>;
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
    jobs: found.jobs.length,
  };
  if (JSON.stringify(counts) !== JSON.stringify(own))
    wrong.push(`the API counts ${JSON.stringify(counts)}, the stores hold ${JSON.stringify(own)}`);
  const messages = [...input.receiver.told.values()].flatMap((ids) => [...ids.values()]);
  return {
    accepted: input.accepted.size,
    jobs: found.jobs.length,
    completed: found.jobs.filter(({ status }) => status === 'completed').length,
    failed: found.jobs.filter(({ status }) => status === 'failed').length,
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
    jobs: jobs.length,
  };
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

/** Every accepted enrolment ended as its photo has it, and a job that failed is a dead letter, and the other way round. */
function checkJobs({ plan, accepted }: CheckInput, { jobs, letters }: Found, wrong: string[]): void {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  for (const { jobId, status } of jobs)
    if (status !== 'completed' && status !== 'failed') wrong.push(`job ${jobId} is ${status}`);
  for (const [n, { jobId }] of accepted) {
    const job = byId.get(jobId);
    const expected = plan[n]!.kind === 'face' ? 'completed' : 'failed';
    if (job === undefined) wrong.push(`accepted job ${jobId} is lost`);
    else if (job.status !== expected)
      wrong.push(`job ${jobId} of photo ${n} is ${job.status}: ${JSON.stringify(job.error)}`);
  }
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

/** One face, one image, one template and one file for each photo of somebody. */
function checkFaces({ plan, accepted }: CheckInput, found: Found, wrong: string[]): void {
  const { faces, images, vectors, blobs } = found;
  const expected = new Set([...accepted].filter(([n]) => plan[n]!.kind === 'face').map(([, { faceId }]) => faceId));
  const present = new Set(faces.map(({ faceId }) => faceId));
  if (present.size !== faces.length) wrong.push('a face is listed twice');
  for (const faceId of expected) {
    if (!present.has(faceId)) wrong.push(`face ${faceId} is lost`);
    if (!vectors.has(faceId)) wrong.push(`face ${faceId} cannot be found`);
  }
  for (const faceId of present) if (!expected.has(faceId)) wrong.push(`face ${faceId} is of no accepted photo`);
  for (const faceId of vectors) if (!present.has(faceId)) wrong.push(`template ${faceId} is of no face`);
  if (new Set(images.map(({ digest }) => digest)).size !== images.length) wrong.push('an image is there twice');
  if (images.length !== faces.length) wrong.push(`${images.length} images of ${faces.length} faces`);
  for (const { blobKey, imageId } of images) if (!blobs.has(blobKey)) wrong.push(`image ${imageId} has no file`);
}

/** One person for each name that was given with a photo of somebody, and each face of theirs once in their timelines. */
function checkPersons({ plan, accepted }: CheckInput, { persons, faces, appearances }: Found, wrong: string[]): void {
  const named = new Set<string>();
  for (const n of accepted.keys()) {
    const { kind, request } = plan[n]!;
    const { external_id: externalId, person_id: personId } = request.form ?? {};
    if (kind === 'face' && externalId !== undefined) named.add(`external_id ${externalId}`);
    else if (kind === 'face' && personId !== undefined) named.add(`person_id ${personId}`);
  }
  const found = persons.map(({ personId, externalId }) =>
    externalId === null ? `person_id ${personId}` : `external_id ${externalId}`,
  );
  if (new Set(found).size !== found.length) wrong.push('a person is there twice');
  for (const name of named) if (!found.includes(name)) wrong.push(`the person with ${name} is lost`);
  for (const name of found) if (!named.has(name)) wrong.push(`a person with ${name} is of no accepted photo`);
  const seen = appearances.map(({ faceId }) => faceId).toSorted();
  const ofPersons = faces.flatMap(({ faceId, personId }) => (personId === null ? [] : [faceId])).toSorted();
  if (JSON.stringify(seen) !== JSON.stringify(ofPersons))
    wrong.push(`${seen.length} appearances of ${ofPersons.length} faces of persons`);
}

/** Every end of a job was told, under one id. */
function checkHooks({ receiver }: CheckInput, { jobs }: Found, wrong: string[]): void {
  for (const { jobId } of jobs) {
    const ids = receiver.told.get(jobId);
    if (ids === undefined) wrong.push(`the end of job ${jobId} was not told`);
    else if (ids.size !== 1) wrong.push(`the end of job ${jobId} was told under ${ids.size} ids`);
  }
}
