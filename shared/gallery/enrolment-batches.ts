import { createHash } from 'node:crypto';
import * as z from 'zod';
import * as wire from '../api/gallery.ts';
import { eachOf } from '../domain/each-of.ts';
import { batchJobIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs as tuning } from '../domain/tuning.ts';
import { isManifestPath, uploadOfKey } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Job } from '../ports/records/jobs.ts';
import { refuseErased } from './absent-person.ts';
import { enrolmentFields, enrolmentRequest } from './enrol-request.ts';
import { estimateOf, planJob } from './enrolment-jobs.ts';
import type { ImageSource } from './job-image.ts';
import { requireLane, requireRoom } from './lanes.ts';

const objectKey = z
  .string()
  .min(1)
  .max(1024)
  .describe(
    'Key of an object in the bucket. A file in the watched folder has a key of the same form: `uploads/{tenant}/{external_id}/name.jpg`.',
  );

/** One photo of a batch, with the fields of faces/enroll. */
export const batchItem = enrolmentFields.extend({
  image_id: wire.imageId.optional().describe('An image of the gallery. Give either this or `object_key`.'),
  object_key: objectKey.optional(),
});
export type BatchItem = z.output<typeof batchItem>;

const batchItems = z.array(batchItem.strict()).min(1).max(tuning.mostItems);

export const batchFields = {
  items: batchItems.optional(),
  manifest: objectKey
    .optional()
    .describe('Instead of `items`: a `.json` file `{"items": […]}`, or a `.jsonl` file with one item per line.'),
};

type BatchPorts = Pick<Ports, 'records' | 'uploads' | 'extractor'>;

/** Largest manifest, in bytes. */
const mostManifestBytes = 8 * 1024 * 1024;
/** Files read in parallel. */
const readers = 8;

/**
 * Accepts many enrolments as jobs of one batch. A repeated call with the same batch id adds missing jobs and keeps existing ones.
 * Errors: VALIDATION_FAILED, which names each wrong item; PERSON_ERASED, which names each item of an erased person; UPLOAD_NOT_FOUND for the manifest; BUSY if the lane has too many jobs.
 */
export async function acceptBatch(
  given: {
    readonly batchId: string;
    readonly priority: Priority;
    readonly items?: BatchItem[] | undefined;
    readonly manifest?: string | undefined;
  },
  call: CallContext,
  ports: BatchPorts,
): Promise<{ jobs: Job[]; estimate: string }> {
  const { batchId, priority } = given;
  const { signal } = call;
  requireLane(priority, call);
  const items = given.items ?? (await itemsOfManifest(given.manifest, call, ports));
  await refuseErased(personsOf(items), call, ports);
  const backlog = await ports.records.backlog({ signal });
  const last = await requireRoom(items.length, priority, call, ports);
  const planned = await inParallel(items, readers, async (given, item) => {
    const { image_id, object_key, ...fields } = given;
    // Validates the fields now, not in the job.
    enrolmentRequest(fields, new Uint8Array(), call.clock.now());
    const { pack, space } = await ports.extractor.describe(fields.strategy, { signal });
    const { source, digest } = await locate({ image_id, object_key }, call, ports);
    const jobId = batchJobIdOf(batchId, item);
    return planJob({ jobId, digest, fields, source, pack, space, priority, batchId, item }, call);
  });
  const jobs = await ports.records.createJobs(call.tenant, planned, { signal });
  call.metrics.jobsAccepted.inc({ priority }, jobs.length);
  return { jobs, estimate: estimateOf(last, priority, backlog) };
}

const personsOf = (items: readonly BatchItem[]) =>
  items.flatMap(({ person_id: personId }, i) =>
    personId === undefined ? [] : [{ field: `items.${i}.person_id`, personId }],
  );

/** The location of an item's image, and the SHA-256 of its bytes, hex. */
async function locate(
  { image_id, object_key }: Pick<BatchItem, 'image_id' | 'object_key'>,
  call: CallContext,
  { records, uploads }: BatchPorts,
): Promise<{ source: ImageSource; digest: string }> {
  const { tenant, signal, config } = call;
  if ((image_id === undefined) === (object_key === undefined))
    throw wrong('image_id', 'is required, or object_key, but not both');
  if (image_id !== undefined) {
    const image = await records.getImage(tenant, image_id.toLowerCase(), { signal });
    if (image === null) throw wrong('image_id', 'is not the id of an image');
    if (image.expiredAt !== null)
      throw wrong('image_id', 'is the id of an image that was deleted when its retention period ended');
    return { source: { image_id: image.imageId }, digest: image.digest };
  }
  const path = pathOf(object_key!, call);
  const found = await uploads.read(tenant, path, { most: config.maxImageBytes, signal });
  if (found === null) throw wrong('object_key', 'is not the key of a file');
  return { source: { path }, digest: createHash('sha256').update(found.bytes).digest('hex') };
}

/** The path of a file within the tenant's folder. Errors: VALIDATION_FAILED, also for the file of another tenant. */
function pathOf(key: string, { tenant }: CallContext, field = 'object_key'): string {
  const place = uploadOfKey(key);
  if (place?.tenant === tenant) return place.path;
  throw wrong(field, `must begin with uploads/${tenant}/`);
}

async function itemsOfManifest(
  key: string | undefined,
  call: CallContext,
  { uploads }: BatchPorts,
): Promise<BatchItem[]> {
  if (key === undefined) throw wrong('items', 'or manifest is required');
  const path = pathOf(key, call, 'manifest');
  if (!isManifestPath(path)) throw wrong('manifest', 'must end with .json or .jsonl');
  const found = await uploads.read(call.tenant, path, { most: mostManifestBytes, signal: call.signal });
  if (found === null)
    throw new AppError('UPLOAD_NOT_FOUND', { details: [{ field: 'manifest', issue: 'is not the key of a file' }] });
  const text = Buffer.from(found.bytes).toString();
  const parsed = batchItems.safeParse(parseManifest(text, path.endsWith('l')));
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => ({
    field: ['items', ...issue.path].join('.'),
    issue: issue.message,
  }));
  throw failed(details);
}

function parseManifest(text: string, byLine: boolean): unknown {
  try {
    if (!byLine) return (JSON.parse(text) as { items?: unknown } | null)?.items;
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as unknown);
  } catch (cause) {
    throw new AppError('VALIDATION_FAILED', {
      message: 'The manifest is not valid JSON.',
      details: [{ field: 'manifest', issue: 'is not valid JSON' }],
      cause,
    });
  }
}

interface Problem {
  readonly field: string;
  readonly issue: string;
}

const wrong = (field: string, issue: string): AppError => failed([{ field, issue }]);

function failed(details: readonly Problem[]): AppError {
  const [first] = details;
  const rest = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return new AppError('VALIDATION_FAILED', {
    message: `${first?.field}: ${first?.issue}${rest}`,
    details: details.slice(0, 100),
  });
}

/** Runs `work` for all items. Collects the errors of wrong items into one VALIDATION_FAILED; any other error ends the run at once. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  workers: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const problems: Problem[] = [];
  const results = await eachOf(items, workers, (item, i) =>
    work(item, i).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.httpStatus >= 500 || error.code === 'BUSY') throw error;
      const own = Array.isArray(error.details) ? (error.details as Problem[]) : [{ field: '', issue: error.message }];
      problems.push(
        ...own.map(({ field, issue }) => ({ field: `items.${i}${field === '' ? '' : `.${field}`}`, issue })),
      );
      return null;
    }),
  );
  if (problems.length > 0) throw failed(problems);
  // No item failed, so no result is null.
  return results as Result[];
}
