import * as z from 'zod';
import { type DetectedFace, type QualityReason, qualityReasons } from '../domain/face.ts';
import type { Box, Point } from '../domain/geometry.ts';
import type { ModelIdentity } from '../ports/extractor.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Face } from '../ports/records/faces.ts';
import type { Person } from '../ports/records/persons.ts';

/** The shapes of the API: schemas, and how what is stored is presented in them. Times are RFC 3339 in UTC. */

const maxMetadataBytes = 16 * 1024;
const reservedIds = new Set(['by_external_id', 'by_external_ids']);

export const personId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
    'must be 1 to 128 of A-Z a-z 0-9 . _ ~ - and begin with a letter or digit',
  )
  .refine((id) => !reservedIds.has(id), 'is a reserved word')
  .describe('Id of a person; chosen by the client or a UUID.');

export const faceId = z.guid('must be a UUID').describe('Id of a face.');
export const imageId = z.guid('must be a UUID').describe('Id of an image.');

/**
 * Whether a text has neither control characters nor halves of a surrogate pair. Not as a pattern: those of the API's description are
 * read by other languages too, which do not all know `\\p{…}`.
 */
export function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}

export const externalId = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  .regex(/^[^,]*$/, 'must not have commas')
  .refine(isPrintable, 'must not have control characters')
  .describe("The client's own id of a person; unique in the gallery.");

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
  .strictObject({ basis: z.string().min(1).max(256), given_at: timestamp, expires_at: timestamp.optional() })
  .describe('Why this person may be recognised, since when and until when.');

export const personFields = { external_id: externalId, name, metadata, consent };

export const strategy = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a model pack')
  .optional()
  .describe('Name of a loaded model pack; the default pack when absent.');

export const pageToken = z.string().min(1).max(1024).optional().describe('`next_page_token` of the page before.');
export const pageLimit = (fallback: number, most: number) => z.number().int().min(1).max(most).default(fallback);

// Answers

const point = z.object({ x: z.number(), y: z.number() });
export const box = z
  .object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() })
  .describe('Pixels of the upright image.');
const quality = z.object({ score: z.number().min(0).max(1), reasons: z.array(z.enum(qualityReasons)) });
const landmarks = z.object({ left_eye: point, right_eye: point, nose: point, mouth_left: point, mouth_right: point });
const pose = z
  .object({ yaw: z.number(), pitch: z.number(), roll: z.number() })
  .describe('Degrees; 0, 0, 0 looks into the camera.');

export const detectedFace = z.object({ box, confidence: z.number().min(0).max(1), landmarks, quality, pose });
export const similarity = z
  .number()
  .min(0)
  .max(1)
  .describe(
    '0.5 is reached by one pair of strangers in 1,000; each further 0.1 means ten times fewer; 1 is the same face in the same photo.',
  );
export const model = z.object({ pack: z.string(), id: z.string(), dimension: z.number() });
export const rejectedFace = z.object({ box, reasons: z.array(z.enum(qualityReasons)), quality_score: z.number() });

export const person = z.object({
  person_id: z.string(),
  external_id: z.string().nullable(),
  name: z.string().nullable(),
  face_count: z
    .number()
    .int()
    .describe('Faces in photos of this person; one that was enrolled with several model packs counts once.'),
  created_at: z.string(),
  updated_at: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  consent: consent.nullable(),
  version: z.number().int(),
});

export const personReference = z.object({
  person_id: z.string(),
  external_id: z.string().nullable(),
  name: z.string().nullable(),
});

export const face = detectedFace.extend({
  face_id: z.string(),
  person_id: z.string().nullable(),
  image_id: z.string(),
  model: z.object({ pack: z.string(), id: z.string() }),
  similarity: similarity.nullable(),
  captured_at: z.string().nullable(),
  location: location.nullable(),
  source_id: z.string().nullable(),
  created_at: z.string(),
});

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

export const presentDetectedFace = (found: DetectedFace) => ({
  box: presentBox(found.box),
  confidence: rounded(found.confidence, 4),
  landmarks: {
    left_eye: presentPoint(found.landmarks.left_eye),
    right_eye: presentPoint(found.landmarks.right_eye),
    nose: presentPoint(found.landmarks.nose),
    mouth_left: presentPoint(found.landmarks.mouth_left),
    mouth_right: presentPoint(found.landmarks.mouth_right),
  },
  quality: { score: rounded(found.quality.score, 3), reasons: [...found.quality.reasons] },
  pose: { yaw: rounded(found.pose.yaw, 1), pitch: rounded(found.pose.pitch, 1), roll: rounded(found.pose.roll, 1) },
});

export const presentBox = ({ left, top, width, height }: Box) => ({
  left: Math.round(left),
  top: Math.round(top),
  width: Math.round(width),
  height: Math.round(height),
});

export const presentRejectedFace = (
  { box, quality }: Pick<DetectedFace, 'box' | 'quality'>,
  reasons: readonly QualityReason[],
) => ({
  box: presentBox(box),
  reasons: [...reasons],
  quality_score: presentScore(quality.score),
});

/** A score, 0..1, for people to read. */
export const presentScore = (value: number): number => rounded(value, 3);

/** Rounded: full precision would help to rebuild a template. */
export const presentSimilarity = (value: number): number => rounded(value, 3);

export const presentModel = ({ pack, space, dimension }: ModelIdentity) => ({ pack, id: space, dimension });

const presentPoint = ({ x, y }: Point) => ({ x: rounded(x, 1), y: rounded(y, 1) });
const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** The metadata of a request as the store keeps it. */
export const asJsonObject = (value: Record<string, z.core.util.JSONType> | undefined): JsonObject =>
  (value ?? {}) as JsonObject;

export const personPage = z.object({
  persons: z.array(person),
  next_page_token: z.string().nullable(),
  has_more: z.boolean(),
});

export const erased = z
  .object({ faces: z.number().int(), vectors: z.number().int(), images: z.number().int() })
  .describe('How many of each were removed; read back from every store.');

export const presentErased = ({ faces, vectors, images }: z.output<typeof erased>) => ({ faces, vectors, images });

/** Entity tag of a person as it is now, for If-Match. */
export const personTag = ({ version }: Pick<Person, 'version'>): string => `"${version}"`;
