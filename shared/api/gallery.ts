import * as z from 'zod';
import { captureZones } from '../domain/capture-time.ts';
import { qualityReasons } from '../domain/face.ts';
import type { ModelIdentity } from '../ports/extractor.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Face } from '../ports/records/faces.ts';
import type { Person } from '../ports/records/persons.ts';
import { presentDetectedFace, presentSimilarity } from './present-face.ts';

export { presentBox, presentDetectedFace, presentRejectedFace, presentSimilarity } from './present-face.ts';

/** Schemas of persons, faces and images, and functions that present stored records in them. Times are RFC 3339 in UTC. */

const maxMetadataBytes = 16 * 1024;
const reservedIds = new Set(['by_external_id', 'by_external_ids']);

export const personId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
    'must have 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and begin with a letter or digit',
  )
  .refine((id) => !reservedIds.has(id), 'is a reserved word')
  .describe('Id of a person: chosen by the client, or a UUID.');

export const faceId = z.guid('must be a UUID').describe('Id of a face.');
export const imageId = z.guid('must be a UUID').describe('Id of an image.');

/**
 * Whether a text has no control character and no single half of a surrogate pair. This is a function and not a pattern of the schema,
 * because programs in other languages read the patterns of the API description, and not all languages know `\p{…}`.
 */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}

export const externalId = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  .refine(isPrintable, 'must not have control characters')
  .describe("Id of the person in the client's own system; unique in the gallery.");

const name = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'must have at most 256 characters')
  .refine(isPrintable, 'must not have control characters');

const metadata = z
  .record(z.string().max(256), z.json())
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= maxMetadataBytes,
    `must have at most ${maxMetadataBytes} bytes as JSON`,
  )
  .describe('Any JSON object of at most 16 kB.')
  .meta({ type: 'object' });

export const timestamp = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time, e.g. 2026-05-01T12:00:00Z' });

export const location = z.strictObject({
  lat: z.number().min(-90).max(90).describe('Degrees north, WGS 84.'),
  lon: z.number().min(-180).max(180).describe('Degrees east, WGS 84.'),
  accuracy_m: z.number().min(0).max(1_000_000).optional().describe('Radius in metres.'),
});

export const consent = z
  .strictObject({
    basis: z.string().min(1).max(256).describe('Reason why the person may be recognised.'),
    given_at: timestamp.describe('Start of the consent.'),
    expires_at: timestamp.optional().describe('End of the consent; absent: it does not end.'),
  })
  .describe('Consent to recognise the person: its reason, its start and its end.');

export const personFields = { external_id: externalId, name, metadata, consent };

export const strategy = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a model pack')
  .optional()
  .describe('Name of a loaded model pack; absent: the default pack.');

export const pageToken = z
  .string()
  .min(1)
  .max(1024)
  .optional()
  .describe('`next_page_token` of the previous page; absent: the first page.');
export const pageLimit = (fallback: number, most: number) =>
  z.number().int().min(1).max(most).default(fallback).describe('Most items in one page.');

// Responses

const point = z.object({ x: z.number(), y: z.number() });
export const box = z
  .object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() })
  .describe(
    'Rectangle in pixels of the upright image. The box of a face at the edge can extend beyond the image, as with Amazon Rekognition: `left` and `top` can be negative. Clip the box before you crop or draw.',
  );
const quality = z.object({
  score: z.number().min(0).max(1).describe('0: useless for recognition; 1: the quality of a passport photo.'),
  reasons: z.array(z.enum(qualityReasons)).describe('Reasons for a low score.'),
});
const landmarks = z
  .object({ left_eye: point, right_eye: point, nose: point, mouth_left: point, mouth_right: point })
  .describe(
    'In pixels of the upright image. Left and right are sides of the image: `left_eye` is the right eye of the person.',
  );
const pose = z
  .object({ yaw: z.number(), pitch: z.number(), roll: z.number() })
  .describe(
    'Head pose in degrees; 0, 0, 0 looks into the camera. Positive yaw looks to the right of the image, positive pitch looks up, positive roll is clockwise.',
  );

export const detectedFace = z.object({
  box,
  confidence: z.number().min(0).max(1).describe('Score of the face detector.'),
  landmarks,
  quality,
  pose,
});
export const similarity = z
  .number()
  .min(0)
  .max(1)
  .describe(
    '0.5: one of 1,000 pairs of different persons reaches this similarity. Each further 0.1 makes such pairs ten times rarer. 1: the same face in the same photo.',
  );
const pack = z.string().describe('Name of the model pack.');
const modelId = z
  .string()
  .describe('Embedder, alignment and version. Only embeddings with the same id are comparable.');
export const model = z.object({ pack, id: modelId, dimension: z.number().describe('Length of an embedding.') });
export const rejectedFace = z.object({
  box,
  reasons: z.array(z.enum(qualityReasons)).describe('Reasons for the rejection.'),
  quality_score: z.number().describe('0: useless for recognition; 1: the quality of a passport photo.'),
});

export const person = z.object({
  person_id: z.string(),
  external_id: z.string().nullable(),
  name: z.string().nullable(),
  face_count: z
    .number()
    .int()
    .describe('Number of faces of this person. A face that is enrolled with several model packs counts once.'),
  created_at: z.string(),
  updated_at: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  consent: consent.nullable(),
  version: z
    .number()
    .int()
    .describe('1 at first, then 1 more with each change. In double quotes, it is the `ETag` for `If-Match`.'),
});

export const personReference = z.object({
  person_id: z.string(),
  external_id: z.string().nullable(),
  name: z.string().nullable(),
});

export const face = detectedFace.extend({
  face_id: z.string(),
  person_id: z.string().nullable().describe('null: the face belongs to no person.'),
  image_id: z.string(),
  model: z.object({ pack, id: modelId }),
  similarity: similarity
    .nullable()
    .describe('Similarity at which the face was joined to the person automatically; null: a client named the person.'),
  captured_at: z.string().nullable().describe('Time of the photo; null: unknown.'),
  location: location.nullable().describe('Place of the photo; null: unknown.'),
  source_id: z.string().nullable().describe('Camera or folder of the photo; null: unknown.'),
  created_at: z.string().describe('Time of the enrolment.'),
});

export const captureZone = z
  .enum(captureZones)
  .describe(
    'Source of the time zone of `captured_at`. `request`: the client sent the time; `offset`, `gps`: the photo has an offset or a GPS time; `tenant`: the `time_zone` of the tenant; `assumed`: none of them, so the time of the camera is taken as UTC.',
  );

export const presentTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
export const presentTimeOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : presentTime(milliseconds);

export const presentPerson = (stored: Person) => ({
  person_id: stored.personId,
  external_id: stored.externalId,
  name: stored.name,
  face_count: stored.faceCount,
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  metadata: stored.metadata as Record<string, unknown>,
  consent: stored.consent,
  version: stored.version,
});

export const presentPersonReference = (stored: Pick<Person, 'personId' | 'externalId' | 'name'>) => ({
  person_id: stored.personId,
  external_id: stored.externalId,
  name: stored.name,
});

export const presentFace = (stored: Face) => ({
  face_id: stored.faceId,
  person_id: stored.personId,
  image_id: stored.imageId,
  ...presentDetectedFace(stored),
  model: { pack: stored.pack, id: stored.space },
  similarity: stored.similarity === null ? null : presentSimilarity(stored.similarity),
  captured_at: presentTimeOrNull(stored.capturedAt),
  location: stored.location,
  source_id: stored.sourceId,
  created_at: presentTime(stored.createdAt),
});

export const presentModel = ({ pack, space, dimension }: ModelIdentity) => ({ pack, id: space, dimension });

/** The metadata of a request in the type of the store. */
export const asJsonObject = (value: Record<string, z.core.util.JSONType> | undefined): JsonObject =>
  (value ?? {}) as JsonObject;

export const personPage = z.object({
  persons: z.array(person),
  next_page_token: z.string().nullable().describe('null: this is the last page.'),
  has_more: z.boolean(),
});

export const erased = z
  .object({ faces: z.number().int(), vectors: z.number().int(), images: z.number().int() })
  .describe('Number of deleted items of each kind. The platform reads every store again to confirm the deletion.');

export const presentErased = ({ faces, vectors, images }: z.output<typeof erased>) => ({ faces, vectors, images });

/** Entity tag of the current version of a person, for If-Match. */
export const personTag = ({ version }: Pick<Person, 'version'>): string => `"${version}"`;
