import { createHash } from 'node:crypto';
import { presentBox, presentRejectedFace, presentScore } from '../api/gallery.ts';
import { strictFpir } from '../domain/decision.ts';
import type { Location, QualityReason } from '../domain/face.ts';
import { faceIdOf, imageIdOf } from '../domain/ids.ts';
import { mainFaces } from '../domain/selection.ts';
import { similarityOf } from '../domain/similarity.ts';
import { enrolment as tuning } from '../domain/tuning.ts';
import { AppError, mayHaveHappened } from '../errors.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { ExtractedFace, Extraction, ModelIdentity, PackDescription } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/json.ts';
import type { SavedEnrolment } from '../ports/records/enrolment.ts';
import type { Face, NewFace } from '../ports/records/faces.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Consent, NewPerson, PersonRecords } from '../ports/records/persons.ts';
import type { Usage } from '../ports/records/usage.ts';
import { nobodyConsented, requireConsent } from './consent.ts';
import { identify } from './identify.ts';
import { type ImageBlob, imageBlob } from './image-blob.ts';
import { checkQuota } from './quota.ts';
import { type TenantRules, tenantRules } from './tenant-rules.ts';

export interface EnrolmentRequest {
  readonly image: Uint8Array;
  /** Who it is; null: nobody in particular. The person is created when there is none. */
  readonly person: PersonClaim | null;
  readonly autoAssociate: boolean;
  readonly multiFace: boolean;
  /** Faces below are rejected, 0..1. */
  readonly qualityThreshold: number;
  readonly rejectNearDuplicates: boolean;
  /** Milliseconds since the epoch; from the photo's EXIF when null. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  readonly pack: string | undefined;
  /** The job that asks for it; nothing is saved for one that is over. */
  readonly jobId?: string | undefined;
}

/** At least one id. The other fields describe a person that is created; one that exists keeps its own. */
export interface PersonClaim {
  readonly personId: string | undefined;
  readonly externalId: string | undefined;
  readonly name: string | undefined;
  readonly metadata: JsonObject | undefined;
  readonly consent: Consent | undefined;
}

export interface RejectedFace {
  readonly face: ExtractedFace;
  readonly reasons: readonly QualityReason[];
}

export interface EnrolmentResult {
  readonly faces: readonly { face: Face; created: boolean }[];
  readonly imageId: string;
  readonly rejected: readonly RejectedFace[];
  /** Faces of the photo that were not looked at because only one was asked for. */
  readonly leftOut: number;
  /** Faces that were not kept because nobody is known to have consented to it. */
  readonly withoutConsent: number;
  readonly model: ModelIdentity;
  /** Removes what this enrolment created. */
  takeBack(): Promise<void>;
}

export type EnrolmentPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'extractor' | 'accounts'>;

/**
 * Enrols the faces of a photo.
 *
 * [Note: Order of writing]
 * Image, then records, then vectors: a search never finds a face that has no record. The image is written while its faces are
 * searched, once it has turned out to be one: forced to the disk, that takes as long as a network; and while the vectors are written the
 * records are forced. What was written is taken
 * back when a later step fails, unless that may have happened all the same: a file that a record may refer to stays. When the
 * process dies in between nothing was acknowledged, and reconcile-gallery clears up. A
 * person or face erased between the last two steps is noticed by reading back, and its vectors go too.
 *
 * Errors: those of the extractor, NO_FACE, AMBIGUOUS_FACE, FACE_REJECTED, FACE_OF_OTHER_PERSON, EXTERNAL_ID_TAKEN,
 * CONSENT_REQUIRED; VERSION_CONFLICT when its job is over.
 */
export async function enrol(
  request: EnrolmentRequest,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<EnrolmentResult> {
  const { tenant, signal } = call;
  const digest = createHash('sha256').update(request.image).digest('hex');
  const rules = await tenantRules(call, ports);
  await refuseBeforeLooking(request, digest, rules, call, ports);
  const pack = await ports.extractor.describe(request.pack, { signal });
  const blob = imageBlob(request.image, imageIdOf(tenant, digest), call, ports);
  const enrolling = enrolRecords({ request, digest, blob, pack, rules }, call, ports);
  const { saved, accepted, rejected, ...rest } = await enrolling.catch(async (error: unknown) => {
    if (!mayHaveHappened(error)) await blob.takeBack();
    throw error;
  });
  await index(saved, accepted, pack, call, ports);
  return {
    faces: saved.faces,
    imageId: saved.image.imageId,
    rejected,
    ...rest,
    takeBack: () => takeBack(saved, call, ports),
  };
}

/**
 * Refuses what would not be enrolled whatever the photo shows. Where not even one face has room, there is no need to look; of a photo
 * that is known, nothing may be new. Errors: CONSENT_REQUIRED, QUOTA_EXCEEDED.
 */
export async function refuseBeforeLooking(
  request: EnrolmentRequest,
  digest: string,
  { consentAt, quota }: TenantRules,
  call: CallContext,
  ports: Pick<Ports, 'records'>,
): Promise<void> {
  if (consentAt !== null) await refuseWithoutConsent(request, consentAt, call, ports);
  const addedAtLeast = async () => {
    const bytes = await newBytes(request, digest, call, ports);
    return bytes === 0 ? {} : { faces: 1, bytes };
  };
  await checkQuota(call.tenant, quota, addedAtLeast, ports, { signal: call.signal });
}

/** See: [Note: Where consent is required] */
async function refuseWithoutConsent(
  { person, autoAssociate }: Pick<EnrolmentRequest, 'person' | 'autoAssociate'>,
  consentAt: number,
  call: CallContext,
  { records }: Pick<Ports, 'records'>,
): Promise<void> {
  if (person !== null) requireConsent((await resolvePerson(person, call, records)).consent, consentAt);
  // Whose face it is may turn out to be somebody who consented.
  else if (!autoAssociate) throw nobodyConsented();
}

interface EnrolmentInput {
  readonly request: EnrolmentRequest;
  readonly digest: string;
  readonly blob: ImageBlob;
  readonly pack: PackDescription;
  readonly rules: TenantRules;
}

/** Everything up to the records; the vectors are yet to come. */
async function enrolRecords(
  { request, digest, blob, pack, rules }: EnrolmentInput,
  call: CallContext,
  ports: EnrolmentPorts,
) {
  const { consentAt, quota } = rules;
  const extraction = await ports.extractor.extract(request.image, {
    pack: request.pack,
    purpose: 'template',
    signal: call.signal,
    onDecoded: blob.begin,
  });
  const person = request.person === null ? null : await resolvePerson(request.person, call, ports.records);
  if (person !== null && consentAt !== null) requireConsent(person.consent, consentAt);

  const ranked = mainFirst(extraction);
  const chosen = chooseFaces(ranked, extraction, request);
  const judged = await Promise.all(
    chosen.map((face, i) =>
      judge(
        face,
        { request, digest, pack, consentAt, person: i === 0 ? person : null, rank: ranked.indexOf(face) },
        call,
        ports,
      ),
    ),
  );
  const good = judged.flatMap((each) => ('accepted' in each ? [each.accepted] : []));
  const rejected = judged.flatMap((each) => ('rejected' in each ? [each.rejected] : []));
  // The named person's face comes first; without it the photo enrols nobody, whoever else is on it.
  if (good.length === 0 || (person !== null && 'rejected' in judged[0]!)) throw rejection(rejected);
  const accepted = consentAt === null ? good : good.filter(({ face }) => face.personId !== null);
  if (accepted.length === 0) throw nobodyConsented();

  await checkQuota(call.tenant, quota, () => added({ request, digest, person, accepted }, call, ports), ports, {
    signal: call.signal,
  });
  const saved = await save({ request, digest, blob, extraction, person, accepted }, call, ports);
  return {
    saved,
    accepted,
    rejected,
    leftOut: extraction.faces.length - chosen.length,
    withoutConsent: good.length - accepted.length,
    model: extraction.model,
  };
}

/** What this enrolment will add; what is there already counts for nothing, so that a repeat is never refused. */
async function added(
  { request, digest, person, accepted }: Pick<SaveInput, 'request' | 'digest' | 'person' | 'accepted'>,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<Partial<Usage>> {
  const ids = accepted.map(({ face }) => face.faceId);
  const known = await ports.records.getFaces(call.tenant, ids, { signal: call.signal });
  return {
    persons: person?.create == null ? 0 : 1,
    faces: ids.length - known.length,
    bytes: await newBytes(request, digest, call, ports),
  };
}

async function newBytes(
  { image }: EnrolmentRequest,
  digest: string,
  { tenant, signal }: CallContext,
  { records }: Pick<Ports, 'records'>,
): Promise<number> {
  const known = await records.getImage(tenant, imageIdOf(tenant, digest), { signal });
  return known === null ? image.length : 0;
}

interface ResolvedPerson {
  readonly personId: string;
  readonly consent: Consent | null;
  /** Present when the person has yet to be created. */
  readonly create: NewPerson | null;
}

/** Finds the person a client means, or the one to create. */
async function resolvePerson(claim: PersonClaim, call: CallContext, records: PersonRecords): Promise<ResolvedPerson> {
  const { tenant, signal } = call;
  const { personId, externalId } = claim;
  const [byExternalId] =
    externalId === undefined ? [] : await records.getIdentities(tenant, { externalIds: [externalId] }, { signal });
  const [byId] =
    personId === undefined ? [] : await records.getIdentities(tenant, { personIds: [personId] }, { signal });
  if (byExternalId !== undefined && personId !== undefined && byExternalId.personId !== personId)
    throw externalIdTaken(externalId);
  if (byId !== undefined && externalId !== undefined && byId.externalId !== externalId) {
    throw new AppError('EXTERNAL_ID_TAKEN', {
      message: 'The person has another external_id.',
      details: [{ field: 'external_id', issue: `is not the external_id of person ${personId}` }],
    });
  }
  const existing = byId ?? byExternalId;
  if (existing !== undefined) return { personId: existing.personId, consent: existing.consent, create: null };
  const id = personId ?? call.newId();
  const { name = null, metadata = {}, consent = null } = claim;
  return { personId: id, consent, create: { personId: id, externalId: externalId ?? null, name, metadata, consent } };
}

const externalIdTaken = (externalId: string | undefined) =>
  new AppError('EXTERNAL_ID_TAKEN', {
    details: [{ field: 'external_id', issue: `${JSON.stringify(externalId)} belongs to another person` }],
  });

/** The main face, the one that a photo of one person means, then the others in order of size. Ids are given in this order. */
function mainFirst({ faces, image }: Extraction): readonly ExtractedFace[] {
  const [main] = mainFaces(
    faces.map(({ box }) => box),
    image,
  );
  return main === undefined ? faces : [faces[main]!, ...faces.toSpliced(main, 1)];
}

/** The one that is meant comes first. */
function chooseFaces(
  ranked: readonly ExtractedFace[],
  { faces, image }: Extraction,
  { person, multiFace }: EnrolmentRequest,
): readonly ExtractedFace[] {
  if (faces.length === 0) throw new AppError('NO_FACE', { details: [{ field: 'image', issue: 'shows no face' }] });
  if (multiFace) return ranked;
  const candidates = mainFaces(
    faces.map(({ box }) => box),
    image,
  );
  if (person !== null && candidates.length > 1) {
    throw new AppError('AMBIGUOUS_FACE', {
      message: `The photo shows ${faces.length} faces, ${candidates.length} of similar size; crop it to the one that is meant, or set processing_options.enable_multi_face to true to enrol all, the main one as this person.`,
      details: {
        faces: candidates.map((i) => ({
          box: presentBox(faces[i]!.box),
          confidence: presentScore(faces[i]!.confidence),
        })),
      },
    });
  }
  return ranked.slice(0, 1);
}

interface AcceptedFace {
  readonly face: NewFace;
  readonly embedding: Float32Array;
}

interface JudgeInput {
  readonly request: EnrolmentRequest;
  readonly digest: string;
  readonly pack: PackDescription;
  /** See TenantRules. */
  readonly consentAt: number | null;
  /** Whose face this is said to be. */
  readonly person: ResolvedPerson | null;
  /** Among all faces of the photo, the main one first, from 0. */
  readonly rank: number;
}

/** The main face is the named person's; the others of a group are nobody's unless auto_associate finds whose they are. */
async function judge(
  extracted: ExtractedFace,
  { request, digest, pack, consentAt, person, rank }: JudgeInput,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<{ accepted: AcceptedFace } | { rejected: RejectedFace }> {
  const { embedding: template, ...detected } = extracted;
  const embedding = template!;
  const { score, reasons: shortcomings, weakest } = detected.quality;
  if (score < request.qualityThreshold) {
    // A client may ask for more than what counts as a shortcoming: then the weakest trait is the reason.
    const reasons = shortcomings.length > 0 || weakest === null ? shortcomings : [weakest];
    return { rejected: { face: extracted, reasons } };
  }
  const faceId = faceIdOf(call.tenant, digest, pack.space, rank);
  const joined =
    person === null && request.autoAssociate
      ? await associate(embedding, faceId, { pack, consentAt }, call, ports)
      : null;
  const personId = person?.personId ?? joined?.personId ?? null;
  const duplicate =
    personId !== null &&
    person?.create == null &&
    (await isNearDuplicate(embedding, faceId, personId, pack, call, ports));
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

async function associate(
  embedding: Float32Array,
  faceId: string,
  { pack, consentAt }: Pick<JudgeInput, 'pack' | 'consentAt'>,
  call: CallContext,
  ports: EnrolmentPorts,
) {
  const { tenant, signal } = call;
  const { decision, similarity, person } = await identify(
    tenant,
    embedding,
    { pack, fpir: strictFpir, consentAt, signal, notFaceIds: [faceId] },
    ports,
  );
  return decision === 'match' && person !== null ? { personId: person.personId, similarity } : null;
}

async function isNearDuplicate(
  embedding: Float32Array,
  faceId: string,
  personId: string,
  pack: PackDescription,
  { tenant, signal }: CallContext,
  { vectors }: EnrolmentPorts,
): Promise<boolean> {
  const [nearest] = await vectors.search(tenant, pack, embedding, {
    limit: 1,
    filter: { personIds: [personId], notFaceIds: [faceId] },
    signal,
  });
  return nearest !== undefined && similarityOf(nearest.cosine, pack.calibration) >= tuning.nearDuplicateSimilarity;
}

const rejection = (rejected: readonly RejectedFace[]) =>
  new AppError('FACE_REJECTED', {
    message: `No face in the image is good enough: ${[...new Set(rejected.flatMap(({ reasons }) => reasons))].join(', ')}.`,
    details: {
      rejected: rejected.map(({ face, reasons }) => presentRejectedFace(face, reasons)),
    },
  });

interface SaveInput {
  readonly request: EnrolmentRequest;
  readonly digest: string;
  readonly blob: ImageBlob;
  readonly extraction: Extraction;
  readonly person: ResolvedPerson | null;
  readonly accepted: readonly AcceptedFace[];
}

async function save(
  { request, digest, blob, extraction, person, accepted }: SaveInput,
  call: CallContext,
  ports: EnrolmentPorts,
): Promise<SavedEnrolment> {
  const { tenant } = call;
  const imageId = imageIdOf(tenant, digest);
  const blobKey = blob.key;
  const written = await blob.written();
  const capturedAt =
    request.capturedAt ?? (extraction.image.capturedAt === null ? null : Date.parse(extraction.image.capturedAt));
  const location = request.location ?? extraction.image.location;
  const faces = accepted.map(({ face }) => ({ ...face, capturedAt, location }));
  const { contentType, width, height } = extraction.image;
  const saved = await ports.records.saveEnrolment(
    tenant,
    {
      person: person?.create ?? null,
      image: {
        imageId,
        digest,
        blobKey,
        contentType,
        bytes: request.image.length,
        width,
        height,
        capturedAt,
        location,
        sourceId: request.sourceId,
      },
      faces,
      jobId: request.jobId,
    },
    { outbox: notices(faces, imageId, person, call) },
  );
  // The record came or went in the meantime: then another file is there, or none.
  if (written && !saved.imageCreated) await blob.takeBack();
  if (!written && saved.imageCreated) await ports.images.put(tenant, blobKey, request.image);
  return saved;
}

function notices(
  faces: readonly NewFace[],
  imageId: string,
  person: ResolvedPerson | null,
  call: CallContext,
): OutboxEntry[] {
  const { tenant, traceparent, clock, newId } = call;
  const common = { at: clock.now(), tenant, traceparent };
  const created = person?.create
    ? [
        outboxEntry('freeface.person.created.v1', {
          ...common,
          id: newId(),
          key: person.personId,
          data: { person_id: person.personId },
        }),
      ]
    : [];
  const enrolled = faces.map(({ faceId, personId }) =>
    outboxEntry('freeface.face.enrolled.v1', {
      ...common,
      id: newId(),
      key: personId ?? faceId,
      data: { face_id: faceId, person_id: personId, image_id: imageId },
    }),
  );
  return [...created, ...enrolled];
}

/** Makes the saved faces searchable, from the next question on, or takes back what this request created. Heeds no signal: what is saved is finished. */
async function index(
  saved: SavedEnrolment,
  accepted: readonly AcceptedFace[],
  pack: PackDescription,
  call: CallContext,
  ports: EnrolmentPorts,
) {
  const { tenant } = call;
  const entries = saved.faces.map(({ face }, i) => ({
    faceId: face.faceId,
    personId: face.personId,
    imageId: face.imageId,
    embedding: accepted[i]!.embedding,
    capturedAt: face.capturedAt,
    location: face.location,
  }));
  try {
    await ports.vectors.upsert(tenant, pack, entries);
  } catch (error) {
    await takeBack(await withoutIndexed(saved, pack, call, ports), call, ports);
    throw error;
  }
  const ids = entries.map(({ faceId }) => faceId);
  const [faces] = await Promise.all([
    ports.records.getFaces(tenant, ids),
    ports.records.raiseEpoch(tenant),
    saved.durable,
  ]);
  const present = new Set(faces.map(({ faceId }) => faceId));
  const erased = ids.filter((id) => !present.has(id));
  if (erased.length === 0) return;
  await ports.vectors.remove(tenant, erased);
  const isMine = saved.faces.some(({ face, created }) => created && erased.includes(face.faceId));
  if (isMine)
    throw new AppError('PERSON_NOT_FOUND', { message: 'The person or face was erased while it was being enrolled.' });
  // Another enrolment of the same photo had made it, failed and took it back; or it was erased, and is enrolled afterwards.
  throw new AppError('STORE_UNAVAILABLE', { message: 'Another enrolment of the same photo failed meanwhile.' });
}

/** What has a template is enrolled, by another enrolment of the same photo or by one that failed when it was done, and stays. */
async function withoutIndexed(
  saved: SavedEnrolment,
  pack: PackDescription,
  { tenant }: CallContext,
  { vectors }: EnrolmentPorts,
): Promise<SavedEnrolment> {
  const ids = saved.faces.map(({ face }) => face.faceId);
  const found = await vectors.get(tenant, pack, ids).catch(() => []);
  const indexed = new Set(found.map(({ faceId }) => faceId));
  return { ...saved, faces: saved.faces.filter(({ face }) => !indexed.has(face.faceId)) };
}

/** A person whom somebody else has given a face meanwhile stays. */
async function takeBack(
  saved: SavedEnrolment,
  { tenant, log }: CallContext,
  { records, vectors, images }: EnrolmentPorts,
): Promise<void> {
  for (const { face, created } of saved.faces) {
    if (!created) continue;
    const removed = await records.deleteFace(tenant, face.faceId);
    if (removed?.image != null) await images.delete(tenant, removed.image.blobKey);
  }
  const mine = saved.faces.flatMap(({ face, created }) => (created ? [face.faceId] : []));
  // Where templates cannot be removed they could mostly not be written either; of those that were, nobody finds the face.
  await vectors
    .remove(tenant, mine)
    .catch((error: unknown) => log.warn({ err: error }, 'templates may be left behind'));
  const personId = saved.faces[0]?.face.personId;
  if (!saved.personCreated || personId == null) return;
  const { items } = await records.listFaces(tenant, { personId }, { limit: 1 });
  // The job that this enrolment belongs to will be tried again.
  if (items.length === 0) await records.deletePerson(tenant, personId, { keepJobs: true });
}
