import { strictFpir } from '../domain/decision.ts';
import type { QualityReason } from '../domain/face.ts';
import { faceIdOf } from '../domain/ids.ts';
import { similarityOf } from '../domain/similarity.ts';
import { enrolment as tuning } from '../domain/tuning.ts';
import type { ExtractedFace } from '../ports/extractor.ts';
import type { AcceptedFace, Enrolment, RejectedFace } from './enrolment.ts';
import { identify } from './identify.ts';
import type { ResolvedPerson } from './resolve-person.ts';

export type JudgedFace = { readonly accepted: AcceptedFace } | { readonly rejected: RejectedFace };

/**
 * Decides whether a face is enrolled, and for which person: for `person` if it is not null; else, with autoAssociate, for the person it
 * matches; else for none.
 *
 * @param rank place among the faces of the photo, from 0; the main face is 0
 */
export async function judgeFace(
  extracted: ExtractedFace,
  { rank, person }: { readonly rank: number; readonly person: ResolvedPerson | null },
  work: Enrolment,
): Promise<JudgedFace> {
  const { request, pack } = work;
  const { embedding: template, ...detected } = extracted;
  const embedding = template!;
  const { score, reasons: shortcomings, weakest } = detected.quality;
  if (score < request.qualityThreshold) {
    // The client's threshold may be stricter than the limits of all traits. Then the weakest trait is the reason.
    const reasons = shortcomings.length > 0 || weakest === null ? shortcomings : [weakest];
    return { rejected: { face: extracted, reasons } };
  }
  const faceId = faceIdOf(work.call.tenant, work.digest, pack.space, rank);
  const joined = person === null && request.autoAssociate ? await associate(embedding, faceId, work) : null;
  const personId = person?.personId ?? joined?.personId ?? null;
  const duplicate =
    personId !== null && person?.create == null && (await isNearDuplicate(embedding, faceId, personId, work));
  const reasons: QualityReason[] = duplicate ? [...shortcomings, 'NEAR_DUPLICATE'] : [...shortcomings];
  if (duplicate && request.rejectNearDuplicates) return { rejected: { face: extracted, reasons } };
  return {
    accepted: {
      embedding,
      face: {
        ...detected,
        quality: { score, reasons },
        faceId,
        personId,
        pack: pack.pack,
        space: pack.space,
        capturedAt: request.capturedAt,
        location: request.location,
        sourceId: request.sourceId,
        similarity: joined?.similarity ?? null,
      },
    },
  };
}

/** The person that the face matches at the strict threshold; null if there is none. */
async function associate(
  embedding: Float32Array,
  faceId: string,
  { pack, rules: { consentAt }, call: { tenant, signal }, ports }: Enrolment,
): Promise<{ personId: string; similarity: number } | null> {
  const { decision, similarity, person } = await identify(
    tenant,
    embedding,
    { pack, fpir: strictFpir, consentAt, signal, notFaceIds: [faceId] },
    ports,
  );
  return decision === 'match' && person !== null ? { personId: person.personId, similarity } : null;
}

/** Whether the person already has a face from nearly the same picture. */
async function isNearDuplicate(
  embedding: Float32Array,
  faceId: string,
  personId: string,
  { pack, call: { tenant, signal }, ports: { vectors } }: Enrolment,
): Promise<boolean> {
  const [nearest] = await vectors.search(tenant, pack, embedding, {
    limit: 1,
    filter: { personIds: [personId], notFaceIds: [faceId] },
    signal,
  });
  return nearest !== undefined && similarityOf(nearest.cosine, pack.calibration) >= tuning.nearDuplicateSimilarity;
}
