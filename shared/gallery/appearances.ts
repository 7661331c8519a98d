import * as z from 'zod';
import * as wire from '../api/gallery.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Face } from '../ports/records/faces.ts';

/** Fields of a query that bound a time. */
export const timeFields = {
  from: wire.timestamp.optional().describe('Only from this moment on. Write `+` as `%2B`.'),
  to: wire.timestamp.optional().describe('Only before this moment.'),
};

export const appearance = z.object({
  face_id: z.string(),
  image_id: z.string(),
  at: z.string().describe('When the photo was taken; when that is not known, when it was enrolled.'),
  captured_at: z.string().nullable().describe('null: not known.'),
  location: wire.location.nullable(),
  source_id: z.string().nullable(),
  similarity: wire.similarity
    .nullable()
    .describe('At which the face was joined to the person by itself; null when a client named the person.'),
});

export const presentAppearance = (face: Face): z.output<typeof appearance> => ({
  face_id: face.faceId,
  image_id: face.imageId,
  at: wire.presentTime(face.capturedAt ?? face.createdAt),
  captured_at: wire.presentTimeOrNull(face.capturedAt),
  location: face.location,
  source_id: face.sourceId,
  similarity: face.similarity === null ? null : wire.presentSimilarity(face.similarity),
});

/** Milliseconds since the epoch. Errors: VALIDATION_FAILED when the time ends before it begins. */
export function timeBounds({ from, to }: { from?: string | undefined; to?: string | undefined }): {
  from: number | undefined;
  to: number | undefined;
} {
  const bounds = {
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  };
  if (bounds.from !== undefined && bounds.to !== undefined && bounds.from >= bounds.to) {
    throw new AppError('VALIDATION_FAILED', {
      message: 'from must lie before to.',
      details: [{ field: 'from', issue: 'must lie before to' }],
    });
  }
  return bounds;
}

/** Errors: PERSON_NOT_FOUND. */
export async function requirePerson(
  personId: string,
  { tenant, signal }: CallContext,
  { records }: Pick<Ports, 'records'>,
): Promise<void> {
  const [person] = await records.getPersons(tenant, [personId], { signal });
  if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
}
