import * as z from 'zod';
import { facesLeftOut, limitReached } from '../api/crowds.ts';
import * as examples from '../api/gallery.examples.ts';
import * as wire from '../api/gallery.ts';
import { captureTimeProblem } from '../domain/capture-time.ts';
import type { Priority } from '../domain/priority.ts';
import { enrolment } from '../domain/tuning.ts';
import { AppError, toAppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import { enrol } from './enrol.ts';
import type { EnrolmentPorts, EnrolmentRequest, EnrolmentResult, PersonClaim } from './enrolment.ts';

/** The fields of an enrolment request, without the image. */
export const enrolmentFields = z.object({
  person_id: wire.personId.optional(),
  external_id: wire.externalId.optional(),
  name: wire.personFields.name
    .optional()
    .describe('Used only when the person is created; an existing person keeps its own.'),
  metadata: wire.personFields.metadata.optional(),
  consent: wire.consent.optional(),
  processing_options: z
    .strictObject({
      auto_associate: z
        .boolean()
        .default(false)
        .describe('Add an unnamed face to the person that it matches at the strict threshold.'),
      enable_multi_face: z
        .boolean()
        .default(false)
        .describe(
          'Enrol every face, not only the main face. The main face is the largest face that no image edge cuts. It belongs to the named person; the other faces belong to no person.',
        ),
      quality_threshold: z
        .number()
        .min(0)
        .max(1)
        .default(enrolment.qualityThreshold)
        .describe('Faces with a lower quality score are rejected.'),
      reject_near_duplicates: z
        .boolean()
        .default(false)
        .describe('Reject a face if the person already has a face from nearly the same picture.'),
    })
    .prefault({}),
  captured_at: wire.timestamp
    .optional()
    .describe(
      "Time of the photo, from 1826 to one day from now. If absent, the photo's EXIF gives it: with its offset or GPS time, else in the tenant's `time_zone`, else as UTC.",
    ),
  location: wire.location.optional().describe("Place of the photo; from the photo's EXIF if absent."),
  source_id: z.string().min(1).max(128).optional().describe('Camera or folder of the photo.'),
  strategy: wire.strategy,
});
export type EnrolmentFields = z.output<typeof enrolmentFields>;

/** The result of an enrolment in the form of the API. */
export const enrolmentOutput = z.object({
  face_id: z.string(),
  person_id: z.string().nullable(),
  image_id: z.string(),
  captured_at: z.string().nullish().describe('Time of the photo; null: neither the request nor the photo has one.'),
  captured_at_zone: wire.captureZone.nullish(),
  status: z.literal('enrolled'),
  faces: z.array(
    wire.detectedFace.extend({
      face_id: z.string(),
      person_id: z.string().nullable(),
      similarity: wire.similarity.nullable(),
    }),
  ),
  rejected: z.array(wire.rejectedFace),
  limit_reached: limitReached.optional(),
  left_out: facesLeftOut.optional(),
  model: wire.model,
});

export const enrolmentExample = {
  face_id: examples.faceId,
  person_id: examples.personId,
  image_id: examples.imageId,
  captured_at: '2026-05-01T10:00:00.000Z',
  captured_at_zone: 'offset',
  status: 'enrolled',
  faces: [{ face_id: examples.faceId, person_id: examples.personId, similarity: null, ...examples.detectedFace }],
  rejected: [],
  limit_reached: false,
  left_out: 0,
  model: { pack: 'builtin', id: 'dlib-resnet-128.p1', dimension: 128 },
};

/** Errors: VALIDATION_FAILED for fields that cannot be combined. */
export function enrolmentRequest(body: EnrolmentFields, image: Uint8Array, now: number): EnrolmentRequest {
  const options = body.processing_options;
  return {
    image,
    person: claimOf(body),
    autoAssociate: options.auto_associate,
    multiFace: options.enable_multi_face,
    qualityThreshold: options.quality_threshold,
    rejectNearDuplicates: options.reject_near_duplicates,
    capturedAt: capturedAtOf(body, now),
    location: body.location ?? null,
    sourceId: body.source_id ?? null,
    pack: body.strategy,
  };
}

/** The source of an enrolment: `direct` for a synchronous request, else the priority of its job. */
export type EnrolmentLane = 'direct' | Priority;

/** Enrols a photo, and counts the outcome. If two enrolments create the same person at once, the loser retries and finds the person. */
export async function enrolOnce(
  request: EnrolmentRequest,
  lane: EnrolmentLane,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<EnrolmentResult> {
  const begun = performance.now();
  try {
    const result = await enrol(request, call, ports).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'EXTERNAL_ID_TAKEN' && error.details === undefined)
        return enrol(request, call, ports);
      throw error;
    });
    call.metrics.enrolmentSeconds.observe({ lane }, (performance.now() - begun) / 1000);
    countEnrolled(result, lane, call);
    return result;
  } catch (error) {
    const { code, httpStatus } = toAppError(error);
    call.metrics.enrolments.inc({ outcome: httpStatus < 500 && code !== 'BUSY' ? 'refused' : 'failed', lane });
    call.metrics.enrolmentRefusals.inc({ code });
    throw error;
  }
}

function countEnrolled(
  { faces, rejected, leftOut, beyondLimit }: EnrolmentResult,
  lane: EnrolmentLane,
  { metrics }: CallContext,
) {
  const created = faces.filter((each) => each.created);
  metrics.enrolments.inc({ outcome: created.length > 0 ? 'enrolled' : 'repeated', lane });
  metrics.facesFound.inc(faces.length + rejected.length + leftOut + beyondLimit);
  metrics.facesEnrolled.inc(created.length);
  metrics.facesJoined.inc(created.filter(({ face }) => face.similarity !== null).length);
  for (const { reasons } of rejected) for (const reason of reasons) metrics.facesRejected.inc({ reason });
}

export function presentEnrolment(result: EnrolmentResult): z.input<typeof enrolmentOutput> {
  const main = result.faces[0]!.face;
  return {
    face_id: main.faceId,
    person_id: main.personId,
    image_id: result.imageId,
    captured_at: wire.presentTimeOrNull(result.captured.at),
    captured_at_zone: result.captured.zone,
    status: 'enrolled',
    faces: result.faces.map(({ face }) => ({
      face_id: face.faceId,
      person_id: face.personId,
      similarity: face.similarity === null ? null : wire.presentSimilarity(face.similarity),
      ...wire.presentDetectedFace(face),
    })),
    rejected: result.rejected.map(({ face, reasons }) => wire.presentRejectedFace(face, reasons)),
    limit_reached: result.beyondLimit > 0,
    left_out: result.beyondLimit,
    model: wire.presentModel(result.model),
  };
}

/** A message about good faces of the photo that were not enrolled; undefined: there are none. */
export function leftOutMessage({ faces, leftOut, beyondLimit, withoutConsent }: EnrolmentResult): string | undefined {
  if (withoutConsent > 0) {
    return `${withoutConsent === 1 ? '1 face was' : `${withoutConsent} faces were`} left out: no consent is known.`;
  }
  if (beyondLimit > 0) {
    return `Enrolled ${faces.length === 1 ? 'one face' : `${faces.length} faces`} of a crowd; ${beyondLimit} smaller faces were not processed. To enrol them, crop the photo into parts.`;
  }
  if (leftOut === 0) return undefined;
  return `Enrolled one face of ${leftOut + 1}; set processing_options.enable_multi_face to true to enrol all.`;
}

function capturedAtOf({ captured_at }: EnrolmentFields, now: number): number | null {
  if (captured_at === undefined) return null;
  const at = Date.parse(captured_at);
  const issue = captureTimeProblem(at, now);
  if (issue === null) return at;
  throw new AppError('VALIDATION_FAILED', {
    message: `captured_at ${issue}.`,
    details: [{ field: 'captured_at', issue }],
  });
}

function claimOf(given: EnrolmentFields): PersonClaim | null {
  const { person_id: personId, external_id: externalId, name, metadata, consent } = given;
  if (personId !== undefined || externalId !== undefined) {
    return { personId, externalId, name, metadata: metadata && wire.asJsonObject(metadata), consent };
  }
  const orphan = (['name', 'metadata', 'consent'] as const).find((field) => given[field] !== undefined);
  if (orphan === undefined) return null;
  throw new AppError('VALIDATION_FAILED', {
    message: `${orphan} needs a person_id or an external_id.`,
    details: [{ field: orphan, issue: 'needs person_id or external_id' }],
  });
}
