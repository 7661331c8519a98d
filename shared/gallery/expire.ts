import { keptSince } from '../domain/retention.ts';
import { systemEntry } from '../domain/system-audit.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Retention } from '../ports/accounts.ts';
import type { NewAuditEntry } from '../ports/audit.ts';
import type { Ports } from '../ports/index.ts';
import { eraseFace } from './erase.ts';

type ExpiryPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'audit'>;

export interface Expired {
  /** Number of images whose file was deleted. */
  readonly images: number;
  /** Total size of these files. */
  readonly bytes: number;
  /** Number of unknown faces that were erased, with their templates and images. */
  readonly faces: number;
}

/** Images or faces in one batch; one entry of the audit log names them all. */
const batch = 100;

/**
 * Deletes data that is older than the tenant's retention period. Images: the file is deleted and the record stays, so faces and
 * templates stay. Faces without a person: everything is erased. Age counts from the enrolment.
 *
 * [Note: Expiry can be interrupted]
 * Expiry processes the oldest hundred again and again until none is due. Each batch is written to the audit log before and after. An
 * image is first marked as expired, then its file is deleted. Between the two steps it is already answered 410, and reconcile-gallery
 * deletes a file that was left behind. If a run is interrupted, the next run continues. An image that is uploaded again after it has
 * expired stays expired: its age counts from when it was first stored.
 */
export async function expire(retention: Retention, call: CallContext, ports: ExpiryPorts): Promise<Expired> {
  const { images, bytes } = await expireImages(retention.imagesDays, call, ports);
  return { images, bytes, faces: await expireUnknownFaces(retention.unknownFacesDays, call, ports) };
}

async function expireImages(
  days: number | null,
  call: CallContext,
  ports: ExpiryPorts,
): Promise<Pick<Expired, 'images' | 'bytes'>> {
  const total = { images: 0, bytes: 0 };
  if (days === null) return total;
  const { tenant, signal, clock } = call;
  for (;;) {
    const due = await ports.records.imagesBefore(tenant, keptSince(clock.now(), days), batch, { signal });
    if (due.length === 0) return total;
    const ids = due.map(({ imageId }) => imageId);
    await note({ images: ids }, { images_days: days }, 102, call, ports);
    const done = { images: 0, bytes: 0 };
    for (const { imageId } of due) {
      signal.throwIfAborted();
      const given = await ports.records.expireImage(tenant, imageId);
      if (given === null) continue;
      await ports.images.delete(tenant, given.blobKey);
      done.images += 1;
      done.bytes += given.bytes;
    }
    await note({ images: ids }, { images_days: days, ...done }, 200, call, ports);
    total.images += done.images;
    total.bytes += done.bytes;
  }
}

async function expireUnknownFaces(days: number | null, call: CallContext, ports: ExpiryPorts): Promise<number> {
  let total = 0;
  if (days === null) return total;
  const { tenant, signal, clock } = call;
  for (;;) {
    const due = await ports.records.unknownFacesBefore(tenant, keptSince(clock.now(), days), batch, { signal });
    if (due.length === 0) return total;
    const subjects = { faces: due.map(({ faceId }) => faceId) };
    await note(subjects, { unknown_faces_days: days }, 102, call, ports);
    const done = { faces: 0, templates: 0, images: 0 };
    for (const { faceId } of due) {
      signal.throwIfAborted();
      const erased = await eraseUnknown(faceId, call, ports);
      done.faces += erased?.faces ?? 0;
      done.templates += erased?.vectors ?? 0;
      done.images += erased?.images ?? 0;
    }
    await note(subjects, { unknown_faces_days: days, ...done }, 200, call, ports);
    total += done.faces;
  }
}

/** null: since the listing, the face was erased or got a person. */
async function eraseUnknown(faceId: string, call: CallContext, ports: ExpiryPorts) {
  const [face] = await ports.records.getFaces(call.tenant, [faceId], { signal: call.signal });
  if (face === undefined || face.personId !== null) return null;
  return eraseFace(faceId, call, ports).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'FACE_NOT_FOUND') return null;
    throw error;
  });
}

async function note(
  subjects: Parameters<typeof systemEntry>[1],
  details: NewAuditEntry['details'],
  status: number,
  call: CallContext,
  { audit }: ExpiryPorts,
): Promise<void> {
  const entry = systemEntry('expire-data', subjects, { status, details }, call);
  // The entry after the batch is written even if the run is aborted.
  await audit.append(call.tenant, entry, { durable: true, ...(status === 102 ? { signal: call.signal } : {}) });
}
