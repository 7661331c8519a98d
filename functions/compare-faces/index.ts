import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { requireOneOf } from '../../shared/api/one-of.ts';
import { AmbiguousFaces } from '../../shared/domain/face-refusals.ts';
import { mainFaces } from '../../shared/domain/selection.ts';
import { cosineOfPair, similarityOf, verificationThreshold } from '../../shared/domain/similarity.ts';
import { verification } from '../../shared/domain/tuning.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { requireConsent } from '../../shared/gallery/consent.ts';
import { templateOfFace, templatesOfPerson } from '../../shared/gallery/enrolled-templates.ts';
import { tenantRules } from '../../shared/gallery/tenant-rules.ts';
import type { EmbeddingPurpose, ExtractedFace, PackDescription } from '../../shared/ports/extractor.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Face } from '../../shared/ports/records/faces.ts';
import type { Consent } from '../../shared/ports/records/persons.ts';
import type { Tenant } from '../../shared/ports/tenant.ts';

const body = z.object({
  face_id: wire.faceId.optional().describe('Compare with this enrolled face, instead of a second photo.'),
  person_id: wire.personId
    .optional()
    .describe(
      `Compare with the newest faces of this enrolled person (at most ${verification.templates}), instead of a second photo. The most similar face counts.`,
    ),
  fmr: z
    .union([z.literal(0.001), z.literal(0.0001)], { error: 'must be 0.001 or 0.0001' })
    .default(0.001)
    .describe('False-match rate: the largest share of strangers that may be a match by mistake, 0.001 or 0.0001.'),
  strategy: wire.strategy,
});
type Body = z.output<typeof body>;

export default defineFunction(
  {
    name: 'compare-faces',
    summary: 'Compare two faces',
    description:
      'The platform says whether the photo shows the same person as a second photo, an enrolled face or an enrolled person (1:1 verification). Send the second photo as the form field `other_image`, or as base64 in `other_image_data`. In each photo, the main face is compared: the biggest face that no edge of the photo cuts. If two faces of a photo have a similar size, the response is 422 `AMBIGUOUS_FACE`. The platform stores nothing. If the tenant requires consent, a person without a valid consent is not compared.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/compare', scope: 'faces:read' },
    body,
    image: 'required',
    otherImage: 'optional',
    output: z.object({
      decision: z
        .enum(['match', 'no_match'])
        .describe('match: the similarity reaches the threshold, so it is the same person at the requested `fmr`.'),
      similarity: wire.similarity,
      threshold: z
        .number()
        .describe(
          'Lowest similarity of a match. It depends on `fmr`, and rises with the number of faces of a person that are compared.',
        ),
      image: z.object({ box: wire.box }).describe('The compared face of the photo.'),
      other: z
        .object({
          box: wire.box.describe('Pixels of the upright image: the second photo, or the photo of the enrolled face.'),
          face_id: z.string().nullable().describe('The enrolled face; null for a second photo.'),
          person_id: z.string().nullable().describe('The person of the enrolled face; null if it has none.'),
          image_id: z.string().nullable().describe('The photo of the enrolled face; null for a second photo.'),
        })
        .describe('The other face.'),
      model: wire.model,
    }),
    errors: [
      'NO_FACE',
      'AMBIGUOUS_FACE',
      'FACE_NOT_FOUND',
      'PERSON_NOT_FOUND',
      'PERSON_ERASED',
      'CONSENT_REQUIRED',
      'STRATEGY_UNAVAILABLE',
    ],
    examples: {
      request: { person_id: examples.personId, fmr: 0.001 },
      response: {
        decision: 'match',
        similarity: 0.802,
        threshold: 0.5,
        image: { box: examples.recognizedFace.box },
        other: {
          box: examples.detectedFace.box,
          face_id: examples.faceId,
          person_id: examples.personId,
          image_id: examples.imageId,
        },
        model: { pack: 'builtin', id: 'dlib-resnet-128.p1', dimension: 128 },
      },
    },
    uses: ['records', 'vectors', 'extractor', 'accounts'],
    ...sizes.vision,
  },
  async ({ body, image, otherImage, tenant, clock, signal, metrics }, ports) => {
    requireOneOf({ field: 'other_image', isGiven: otherImage !== undefined }, body, {
      none: 'There is nothing to compare the photo with. Send a second photo, a face_id or a person_id.',
      several: (given) => `Compare the photo with only one of ${given}.`,
    });
    const { consentAt } = await tenantRules({ tenant, clock, signal }, ports);
    const pack = await ports.extractor.describe(body.strategy, { signal });
    const call: Call = { pack, consentAt, tenant, signal };
    // An unknown person costs no network run. The calibration compares a probe with a template, so the second photo is a template.
    const enrolled = await enrolledFaces(body, call, ports);
    const [probe, others] = await Promise.all([
      mainFace('image', image, 'probe', call, ports),
      enrolled ??
        mainFace('other_image', otherImage!, 'template', call, ports).then(({ box, embedding }) => [
          { box, embedding: embedding!, face: null },
        ]),
    ]);
    const scored = others.map((other) => ({ other, cosine: cosineOfPair(probe.embedding!, other.embedding) }));
    const best = scored.reduce((a, b) => (b.cosine > a.cosine ? b : a));
    const similarity = similarityOf(best.cosine, pack.calibration);
    const threshold = verificationThreshold(body.fmr, others.length);
    const decision = similarity >= threshold ? 'match' : 'no_match';
    metrics.comparisons.inc({ decision });
    const { box, face } = best.other;
    return {
      data: {
        decision,
        similarity: wire.presentSimilarity(similarity),
        threshold: wire.presentSimilarity(threshold),
        image: { box: wire.presentBox(probe.box) },
        other: {
          box: wire.presentBox(box),
          face_id: face?.faceId ?? null,
          person_id: face?.personId ?? null,
          image_id: face?.imageId ?? null,
        },
        model: wire.presentModel(pack),
      },
    };
  },
);

interface Call {
  readonly pack: PackDescription;
  /** See TenantRules. */
  readonly consentAt: number | null;
  readonly tenant: Tenant;
  readonly signal: AbortSignal;
}
type ComparePorts = Pick<Ports, 'records' | 'vectors' | 'extractor'>;

/** A face to compare with; `face` is null for a face of the second photo. */
interface Other {
  readonly box: ExtractedFace['box'];
  readonly embedding: Float32Array;
  readonly face: Face | null;
}

/** The enrolled faces that the request names, at least one; null if it names none. */
async function enrolledFaces(body: Body, call: Call, ports: ComparePorts): Promise<readonly Other[] | null> {
  if (body.face_id !== undefined) {
    const { face, entry } = await templateOfFace(body.face_id, call.pack, call, ports);
    await requireConsentOf(face.personId, call, ports);
    return [{ box: face.box, embedding: entry.embedding, face }];
  }
  if (body.person_id === undefined) return null;
  const { person, faces, entries } = await templatesOfPerson(
    body.person_id,
    call.pack,
    verification.templates,
    call,
    ports,
  );
  checkConsent(person.consent, call);
  const byId = new Map(faces.map((face) => [face.faceId, face]));
  const others = entries.flatMap(({ faceId, embedding }) => {
    const face = byId.get(faceId);
    return face === undefined ? [] : [{ box: face.box, embedding, face }];
  });
  if (others.length === 0)
    throw new AppError('FACE_NOT_FOUND', { details: [{ field: 'person_id', issue: 'has no enrolled face' }] });
  return others;
}

/** A face without a person needs no consent, as in a search. */
async function requireConsentOf(personId: string | null, call: Call, { records }: ComparePorts): Promise<void> {
  if (personId === null || call.consentAt === null) return;
  const [person] = await records.getIdentities(call.tenant, { personIds: [personId] }, { signal: call.signal });
  checkConsent(person?.consent ?? null, call);
}

function checkConsent(consent: Consent | null, { consentAt }: Call): void {
  if (consentAt !== null) requireConsent(consent, consentAt);
}

/**
 * The main face of a photo. `field`: name of the photo in the request; each error names it. Errors: NO_FACE, AMBIGUOUS_FACE, and those of
 * the extractor.
 */
async function mainFace(
  field: 'image' | 'other_image',
  bytes: Uint8Array,
  purpose: EmbeddingPurpose,
  { pack, signal }: Call,
  { extractor }: ComparePorts,
): Promise<ExtractedFace> {
  const { faces, image } = await extractor.extract(bytes, { pack: pack.pack, purpose, signal }).catch((error) => {
    throw namingTheImage(error, field);
  });
  const candidates = mainFaces(
    faces.map(({ box }) => box),
    image,
  );
  const [main, ...others] = candidates.map((i) => faces[i]!);
  if (main === undefined) throw new AppError('NO_FACE', { details: [{ field, issue: 'shows no face' }] });
  if (others.length > 0) {
    throw new AppError('AMBIGUOUS_FACE', {
      message: `The photo ${field} shows ${candidates.length} faces of similar size. Crop it to the face to compare.`,
      details: new AmbiguousFaces([main, ...others], field),
    });
  }
  return main;
}

const aboutTheImage: readonly string[] = ['EMPTY_IMAGE', 'IMAGE_CORRUPT', 'UNSUPPORTED_IMAGE', 'IMAGE_TOO_LARGE'];

/** Adds the name of the photo to an error about its bytes that does not name a field. */
function namingTheImage(error: unknown, field: string): unknown {
  if (!(error instanceof AppError) || !aboutTheImage.includes(error.code) || error.details !== undefined) return error;
  return new AppError(error.code, {
    message: `${field}: ${error.message}`,
    details: [{ field, issue: 'cannot be used' }],
    cause: error,
  });
}
