import { createHash } from 'node:crypto';
import { captureTimeOf } from '../domain/capture-time.ts';
import { RejectedFaces } from '../domain/face-refusals.ts';
import { imageIdOf } from '../domain/ids.ts';
import { AppError, mayHaveHappened } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import { chooseFaces } from './choose-faces.ts';
import { noKnownConsent, requireConsent } from './consent.ts';
import type {
  AcceptedFace,
  Enrolment,
  EnrolmentPorts,
  EnrolmentRequest,
  EnrolmentResult,
  RejectedFace,
} from './enrolment.ts';
import { checkBeforeExtraction, checkEnrolmentQuota } from './enrolment-checks.ts';
import { imageBlob } from './image-blob.ts';
import { indexEnrolment } from './index-enrolment.ts';
import { type JudgedFace, judgeFace } from './judge-face.ts';
import { type ResolvedPerson, resolvePerson } from './resolve-person.ts';
import { saveEnrolment } from './save-enrolment.ts';
import { takeBack } from './take-back.ts';
import { type TenantRules, tenantRules } from './tenant-rules.ts';

/**
 * Enrols the faces of a photo.
 *
 * [Note: Order of writing]
 * The order is: image, records, vectors. So a search never finds a face that has no record. A write to disk takes as long as a network
 * call, so two writes overlap with other work: the image is written as soon as it is decoded, while its faces are searched; the records
 * are synced while the vectors are written. If a later step fails, the written data is removed. One exception: if the failed write may
 * have happened, the image file stays, because a record may refer to it. If the process dies between two steps, the caller has received
 * no success, and reconcile-gallery removes the rest. A person or face may be erased between the last two steps. The enrolment then
 * detects this by a second read, and removes the vectors too.
 *
 * Errors: those of the extractor, NO_FACE, AMBIGUOUS_FACE, FACE_REJECTED, FACE_OF_OTHER_PERSON, EXTERNAL_ID_TAKEN,
 * CONSENT_REQUIRED, QUOTA_EXCEEDED; VERSION_CONFLICT if the enrolment's job has finished.
 */
export async function enrol(
  request: EnrolmentRequest,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<EnrolmentResult> {
  const work = await begin(request, call, ports);
  const { saved, accepted, ...rest } = await enrolRecords(work).catch(async (error: unknown) => {
    if (!mayHaveHappened(error)) await work.blob.takeBack();
    throw error;
  });
  await indexEnrolment(saved, accepted, work);
  return {
    faces: saved.faces,
    imageId: saved.image.imageId,
    ...rest,
    takeBack: () => takeBack(saved, work),
  };
}

async function begin(request: EnrolmentRequest, call: CallContext, ports: EnrolmentPorts): Promise<Enrolment> {
  const digest = createHash('sha256').update(request.image).digest('hex');
  const rules = await tenantRules(call, ports);
  await checkBeforeExtraction({ request, digest, rules, call, ports });
  const pack = await ports.extractor.describe(request.pack, { signal: call.signal });
  const blob = imageBlob(request.image, imageIdOf(call.tenant, digest), call, ports);
  return { request, digest, rules, pack, blob, call, ports };
}

/** Does every step up to the records. The vectors are written later. */
async function enrolRecords(work: Enrolment) {
  const { request, rules, call, ports, blob } = work;
  const extraction = await ports.extractor.extract(request.image, {
    pack: request.pack,
    purpose: 'template',
    signal: call.signal,
    onDecoded: blob.begin,
  });
  const person = await namedPerson(work);
  const chosen = chooseFaces(extraction, request);
  const judged = await Promise.all(
    chosen.map((face, rank) => judgeFace(face, { rank, person: rank === 0 ? person : null }, work)),
  );
  const { accepted, rejected, withoutConsent } = sortOut(judged, person, rules);
  await checkEnrolmentQuota(person, accepted, work);
  const captured = captureTimeOf(request.capturedAt, extraction.image, rules.timeZone);
  return {
    saved: await saveEnrolment({ extraction, captured, person, accepted }, work),
    captured,
    accepted,
    rejected,
    leftOut: extraction.faces.length - chosen.length,
    beyondLimit: request.multiFace ? extraction.facesLeftOut : 0,
    withoutConsent,
    model: extraction.model,
  };
}

/** Errors: EXTERNAL_ID_TAKEN, CONSENT_REQUIRED. */
async function namedPerson({ request, rules: { consentAt }, call, ports }: Enrolment): Promise<ResolvedPerson | null> {
  if (request.person === null) return null;
  const person = await resolvePerson(request.person, call, ports.records);
  if (consentAt !== null) requireConsent(person.consent, consentAt);
  return person;
}

/** Errors: FACE_REJECTED, CONSENT_REQUIRED if no face is left. */
function sortOut(judged: readonly JudgedFace[], person: ResolvedPerson | null, { consentAt }: TenantRules) {
  const good = judged.flatMap((each) => ('accepted' in each ? [each.accepted] : []));
  const rejected = judged.flatMap((each) => ('rejected' in each ? [each.rejected] : []));
  // The named person's face is first. If it is rejected, the other faces of the photo are not enrolled either.
  if (good.length === 0 || (person !== null && 'rejected' in judged[0]!)) throw rejection(rejected);
  const accepted: readonly AcceptedFace[] =
    consentAt === null ? good : good.filter(({ face }) => face.personId !== null);
  if (accepted.length === 0) throw noKnownConsent();
  return { accepted, rejected, withoutConsent: good.length - accepted.length };
}

const rejection = (rejected: readonly RejectedFace[]) =>
  new AppError('FACE_REJECTED', {
    message: `No face in the image is good enough: ${[...new Set(rejected.flatMap(({ reasons }) => reasons))].join(', ')}.`,
    details: new RejectedFaces(rejected),
  });
