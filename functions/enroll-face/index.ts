import * as z from 'zod';
import { captureTimeProblem } from '../../shared/domain/capture-time.ts';
import { enrolment } from '../../shared/domain/tuning.ts';
import { AppError } from '../../shared/errors.ts';
import { enrol, type PersonClaim } from '../../shared/gallery/enrol.ts';
import * as examples from '../../shared/http/examples.ts';
import * as wire from '../../shared/http/wire.ts';
import { defineFunction } from '../../shared/runtime/define.ts';
import { sizes } from '../../shared/runtime/sizes.ts';

const body = z.object({
  person_id: wire.personId.optional(),
  external_id: wire.externalId.optional(),
  name: wire.personFields.name.optional().describe('For a person that is created; one that exists keeps its own.'),
  metadata: wire.personFields.metadata.optional(),
  consent: wire.consent.optional(),
  processing_options: z
    .strictObject({
      auto_associate: z
        .boolean()
        .default(false)
        .describe('Join an unnamed face to the person it matches at the strict threshold.'),
      enable_multi_face: z
        .boolean()
        .default(false)
        .describe(
          'Enrol every face, not the biggest alone. The biggest is the named person; the others are nobody in particular.',
        ),
      quality_threshold: z
        .number()
        .min(0)
        .max(1)
        .default(enrolment.qualityThreshold)
        .describe('Faces of a lower quality score are rejected.'),
      reject_near_duplicates: z
        .boolean()
        .default(false)
        .describe('Reject a face that is nearly the same picture as one the person already has.'),
    })
    .prefault({}),
  captured_at: wire.timestamp
    .optional()
    .describe("When the photo was taken, from 1826 to a day from now; from the photo's EXIF when absent."),
  location: wire.location.optional().describe("Where the photo was taken; from the photo's EXIF when absent."),
  source_id: z.string().min(1).max(128).optional().describe('Camera or folder that the photo comes from.'),
  strategy: wire.strategy,
});

export default defineFunction(
  {
    name: 'enroll-face',
    summary: 'Enrol the faces of a photo',
    description:
      'Puts the biggest face of the photo (or every face) into the gallery, for the person named by `person_id` or `external_id`, who is created when there is none; without either, for nobody in particular. The same photo again changes nothing and gives the same ids. A face in a photo belongs to one person, whichever model packs it is enrolled with.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/enroll', scope: 'faces:write' },
    body,
    image: 'required',
    output: z.object({
      face_id: z.string(),
      person_id: z.string().nullable(),
      image_id: z.string(),
      status: z.literal('enrolled'),
      faces: z.array(
        wire.detectedFace.extend({
          face_id: z.string(),
          person_id: z.string().nullable(),
          similarity: wire.similarity.nullable(),
        }),
      ),
      rejected: z.array(wire.rejectedFace),
      model: wire.model,
    }),
    status: 201,
    errors: [
      'NO_FACE',
      'FACE_REJECTED',
      'AMBIGUOUS_FACE',
      'STRATEGY_UNAVAILABLE',
      'EXTERNAL_ID_TAKEN',
      'FACE_OF_OTHER_PERSON',
      'PERSON_NOT_FOUND',
    ],
    examples: {
      request: { external_id: 'ada', name: 'Ada Lovelace' },
      response: {
        face_id: examples.faceId,
        person_id: examples.personId,
        image_id: examples.imageId,
        status: 'enrolled',
        faces: [{ face_id: examples.faceId, person_id: examples.personId, similarity: null, ...examples.detectedFace }],
        rejected: [],
        model: { pack: 'builtin', id: 'dlib-resnet-128.p1', dimension: 128 },
      },
    },
    uses: ['records', 'vectors', 'images', 'cache', 'extractor'],
    emits: ['freeface.person.created.v1', 'freeface.face.enrolled.v1'],
    ...sizes.vision,
  },
  async ({ body, image, ...call }, ports) => {
    const options = body.processing_options;
    const request = {
      image,
      person: claimOf(body),
      autoAssociate: options.auto_associate,
      multiFace: options.enable_multi_face,
      qualityThreshold: options.quality_threshold,
      rejectNearDuplicates: options.reject_near_duplicates,
      capturedAt: capturedAtOf(body, call.clock.now()),
      location: body.location ?? null,
      sourceId: body.source_id ?? null,
      pack: body.strategy,
    };
    // Two enrolments may create the same person at the same moment: the second finds it made.
    const result = await enrol(request, call, ports).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'EXTERNAL_ID_TAKEN' && error.details === undefined)
        return enrol(request, call, ports);
      throw error;
    });
    const [main] = result.faces;
    return {
      status: result.faces.some(({ created }) => created) ? 201 : 200,
      ...(result.leftOut === 0
        ? {}
        : {
            message: `Enrolled one face of ${result.leftOut + 1}; set processing_options.enable_multi_face to true to enrol all.`,
          }),
      data: {
        face_id: main!.face.faceId,
        person_id: main!.face.personId,
        image_id: result.imageId,
        status: 'enrolled' as const,
        faces: result.faces.map(({ face }) => ({
          face_id: face.faceId,
          person_id: face.personId,
          similarity: face.similarity === null ? null : wire.presentSimilarity(face.similarity),
          ...wire.presentDetectedFace(face),
        })),
        rejected: result.rejected.map(({ face, reasons }) => wire.presentRejectedFace(face, reasons)),
        model: wire.presentModel(result.model),
      },
    };
  },
);

function capturedAtOf({ captured_at }: z.output<typeof body>, now: number): number | null {
  if (captured_at === undefined) return null;
  const at = Date.parse(captured_at);
  const issue = captureTimeProblem(at, now);
  if (issue === null) return at;
  throw new AppError('VALIDATION_FAILED', {
    message: `captured_at ${issue}.`,
    details: [{ field: 'captured_at', issue }],
  });
}

function claimOf(given: z.output<typeof body>): PersonClaim | null {
  const { person_id: personId, external_id: externalId, name, metadata, consent } = given;
  if (personId !== undefined || externalId !== undefined) {
    return { personId, externalId, name, metadata: metadata && wire.asJsonObject(metadata), consent };
  }
  const orphan = (['name', 'metadata', 'consent'] as const).find((field) => given[field] !== undefined);
  if (orphan === undefined) return null;
  throw new AppError('VALIDATION_FAILED', {
    message: `${orphan} needs a person_id or an external_id beside it.`,
    details: [{ field: orphan, issue: 'needs person_id or external_id' }],
  });
}
