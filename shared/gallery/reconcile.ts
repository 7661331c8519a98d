import { intersectionOverUnion } from '../domain/geometry.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { itemsOf } from '../ports/pages.ts';
import type { Face, Image } from '../ports/records/faces.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { VectorSpace } from '../ports/vectors.ts';
import { jobOfImageKey } from './enrolment-jobs.ts';

type ReconcilePorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'extractor'>;
type Caller = Pick<CallContext, 'signal' | 'log'>;

export interface Reconciled {
  /** Templates computed again from the stored image. */
  rebuilt: number;
  /** Removed faces: they had no template, and their image no longer shows them. */
  lost: number;
  /** Removed templates that had no face. */
  strayVectors: number;
  /** Removed image files that had no record. */
  strayImages: number;
  /** Images whose faces could not be repaired; the log gives the reason. */
  failed: number;
}

/** Intersection over union above which two boxes in one photo, from the same networks, are the same face. */
const sameFace = 0.5;

/**
 * Makes the stores of one tenant consistent after a crash or the loss of a store. The records are authoritative. Nothing younger than
 * `before` (milliseconds since the epoch) is removed, because its enrolment may still be running. A missing template is computed again
 * at any age: a running enrolment writes the same template.
 */
export async function reconcile(
  tenant: Tenant,
  before: number,
  caller: Caller,
  ports: ReconcilePorts,
): Promise<Reconciled> {
  const outcome: Reconciled = { rebuilt: 0, lost: 0, strayVectors: 0, strayImages: 0, failed: 0 };
  const blobs = new Set<string>();
  const faceIds = new Set<string>();
  for await (const image of allImages(tenant, caller, ports)) {
    // An expired image has no file. If a crash left one, it is removed like a file without a record.
    if (image.expiredAt === null) blobs.add(image.blobKey);
    const faces = await facesOn(tenant, image, caller, ports);
    for (const { faceId } of faces) faceIds.add(faceId);
    // Without the image file, a template cannot be computed, and a face cannot be called lost.
    if (image.expiredAt !== null) continue;
    const settled = image.createdAt < before;
    await repair(tenant, image, faces, { settled, outcome }, caller, ports).catch((error: unknown) => {
      if (caller.signal.aborted) throw error;
      // One damaged image must not prevent the repair of the others.
      caller.log.error({ err: error, image_id: image.imageId }, 'repair failed');
      outcome.failed += 1;
    });
  }
  await removeStrayVectors(tenant, faceIds, outcome, caller, ports);
  for await (const { key, writtenAt } of ports.images.keys(tenant, caller)) {
    if (blobs.has(key) || writtenAt >= before || (await isAwaited(tenant, key, caller, ports))) continue;
    await ports.images.delete(tenant, key, caller);
    outcome.strayImages += 1;
  }
  return outcome;
}

/** Whether the image belongs to a job that is not finished, or that failed and may be replayed. */
async function isAwaited(
  tenant: Tenant,
  key: string,
  { signal }: Caller,
  { records }: ReconcilePorts,
): Promise<boolean> {
  const jobId = jobOfImageKey(key);
  const job = jobId === null ? null : await records.getJob(tenant, jobId, { signal });
  return job !== null && (job.finishedAt === null || job.status === 'failed');
}

const allImages = (tenant: Tenant, { signal }: Caller, { records }: ReconcilePorts): AsyncIterable<Image> =>
  itemsOf((page) => records.listImages(tenant, { ...page, limit: 500, signal }));

const facesOn = async (
  tenant: Tenant,
  { imageId }: Image,
  { signal }: Caller,
  { records }: ReconcilePorts,
): Promise<Face[]> => (await records.listFaces(tenant, { imageId }, { limit: 1000, signal })).items;

interface Repair {
  /** Whether the image is older than `before`, so that its enrolment has ended. */
  readonly settled: boolean;
  readonly outcome: Reconciled;
}

/** Computes missing templates of an image's faces. */
async function repair(
  tenant: Tenant,
  image: Image,
  faces: readonly Face[],
  { settled, outcome }: Repair,
  caller: Caller,
  ports: ReconcilePorts,
): Promise<void> {
  for (const [pack, ofPack] of groupByPack(faces)) {
    const description = await ports.extractor.describe(pack, caller).catch(() => undefined);
    // If the pack is not loaded, its templates cannot be checked or computed.
    if (description === undefined) continue;
    const ids = ofPack.filter(({ space }) => space === description.space).map(({ faceId }) => faceId);
    const present = new Set((await ports.vectors.get(tenant, description, ids, caller)).map(({ faceId }) => faceId));
    const missing = ofPack.filter(({ faceId, space }) => space === description.space && !present.has(faceId));
    if (missing.length === 0) continue;
    const bytes = await ports.images.get(tenant, image.blobKey, caller);
    const found =
      bytes === null
        ? []
        : (await ports.extractor.extract(bytes, { pack, purpose: 'template', signal: caller.signal })).faces;
    for (const face of missing) {
      const match = found.find(({ box }) => intersectionOverUnion(box, face.box) > sameFace);
      if (match?.embedding !== undefined) {
        if (await restore(tenant, face, description, match.embedding, ports)) outcome.rebuilt += 1;
      } else if (settled) {
        await ports.records.deleteFace(tenant, face.faceId, caller);
        outcome.lost += 1;
      }
    }
  }
}

/** Resolves to whether the face still exists. Ignores abort: if the face was erased meanwhile, its template must be removed. */
async function restore(
  tenant: Tenant,
  { faceId, personId, imageId, capturedAt, location }: Face,
  space: VectorSpace,
  embedding: Float32Array,
  { records, vectors }: ReconcilePorts,
): Promise<boolean> {
  await vectors.upsert(tenant, space, [{ faceId, personId, imageId, embedding, capturedAt, location }]);
  const present = (await records.getFaces(tenant, [faceId])).length > 0;
  if (!present) await vectors.remove(tenant, [faceId]);
  return present;
}

function groupByPack(faces: readonly Face[]): Map<string, Face[]> {
  const groups = new Map<string, Face[]>();
  for (const face of faces) groups.set(face.pack, [...(groups.get(face.pack) ?? []), face]);
  return groups;
}

/** A template may be newer than the list of known faces, so each is looked up again before it is removed. */
async function removeStrayVectors(
  tenant: Tenant,
  known: ReadonlySet<string>,
  outcome: Reconciled,
  caller: Caller,
  ports: ReconcilePorts,
): Promise<void> {
  const suspects: string[] = [];
  for await (const faceId of ports.vectors.faceIds(tenant, caller)) if (!known.has(faceId)) suspects.push(faceId);
  for (let start = 0; start < suspects.length; start += 1000) {
    const slice = suspects.slice(start, start + 1000);
    const recorded = new Set((await ports.records.getFaces(tenant, slice, caller)).map(({ faceId }) => faceId));
    outcome.strayVectors += await ports.vectors.remove(
      tenant,
      slice.filter((id) => !recorded.has(id)),
      caller,
    );
  }
}
