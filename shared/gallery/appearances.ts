import * as z from 'zod';
import * as wire from '../api/gallery.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Face } from '../ports/records/faces.ts';

/** Query fields that limit a period. */
export const timeFields = {
  from: wire.timestamp.optional().describe('Start of the period, inclusive. Write `+` as `%2B`.'),
  to: wire.timestamp.optional().describe('End of the period, exclusive.'),
};

export const appearance = z.object({
  face_id: z.string(),
  image_id: z.string(),
  at: z.string().describe('Time of the photo; time of the enrolment if the time of the photo is unknown.'),
  captured_at: z.string().nullable().describe('null: unknown.'),
  location: wire.location.nullable(),
  source_id: z.string().nullable(),
  similarity: wire.similarity
    .nullable()
    .describe(
      'Similarity at which the face was joined to the person automatically; null if the client named the person.',
    ),
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

/** Milliseconds since the epoch. Errors: VALIDATION_FAILED if `from` is not before `to`. */
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
      message: 'from must be before to.',
      details: [{ field: 'from', issue: 'must be before to' }],
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
