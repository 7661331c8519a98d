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
  /** Images that lost their bytes, */
  readonly images: number;
  /** which were so many. */
  readonly bytes: number;
  /** Unknown faces that are gone, with their templates and images. */
  readonly faces: number;
}

/** One entry of the audit log names as many. */
const batch = 100;

/**
 * Gives up what a tenant has kept for as long as it wants to: images lose their bytes and keep their record, so that faces and
 * templates stay; faces of nobody go completely. Age counts from the enrolment.
 *
 * [Note: Expiry can be cut short]
 * It works on the oldest hundred, again and again, until none is due. Each hundred is written to the audit log before and after.
 * An image is first marked, then its file deleted: between the two it is answered 410 already, and reconcile-gallery removes a file
 * that was left. Whatever ends a run, the next one goes on with what is still due. An image that is sent again after it has expired
 * stays expired: its time counts from when it was first stored.
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

/** null: it is gone, or has become somebody's, since it was listed. */
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
  // What was done is written down also when the run is being cut short.
  await audit.append(call.tenant, entry, { durable: true, ...(status === 102 ? { signal: call.signal } : {}) });
}
