import type { DetectedFace, Location } from '../../domain/face.ts';
import type { Face, Image, NewFace, NewImage } from '../../ports/records/faces.ts';
import type { OutboxEntry } from '../../ports/records/outbox.ts';
import type { Identity, NewPerson, Person } from '../../ports/records/persons.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { Value } from './database.ts';

export interface PersonRow {
  person_id: string;
  external_id: string | null;
  name: string | null;
  metadata: string;
  consent: string | null;
  created_at: number;
  updated_at: number;
  version: number;
  face_count: number;
}

interface PlaceColumns {
  latitude: number | null;
  longitude: number | null;
  accuracy_m: number | null;
}

export interface ImageRow extends PlaceColumns {
  image_id: string;
  digest: string;
  blob_key: string;
  content_type: string;
  bytes: number;
  width: number;
  height: number;
  captured_at: number | null;
  source_id: string | null;
  created_at: number;
  expired_at: number | null;
}

export interface FaceRow extends PlaceColumns {
  face_id: string;
  person_id: string | null;
  image_id: string;
  pack: string;
  space: string;
  detection: string;
  captured_at: number | null;
  source_id: string | null;
  similarity: number | null;
  created_at: number;
}

export interface OutboxRow {
  id: number;
  topic: string;
  event: string;
}

type IdentityRow = Pick<PersonRow, 'person_id' | 'external_id' | 'name' | 'consent'>;

export const toIdentity = (row: IdentityRow): Identity => ({
  personId: row.person_id,
  externalId: row.external_id,
  name: row.name,
  consent: row.consent === null ? null : (JSON.parse(row.consent) as Person['consent']),
});

export const toPerson = (row: PersonRow): Person => ({
  ...toIdentity(row),
  metadata: JSON.parse(row.metadata) as Person['metadata'],
  faceCount: row.face_count,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});

export const toImage = (row: ImageRow): Image => ({
  imageId: row.image_id,
  digest: row.digest,
  blobKey: row.blob_key,
  contentType: row.content_type,
  bytes: row.bytes,
  width: row.width,
  height: row.height,
  capturedAt: row.captured_at,
  location: toLocation(row),
  sourceId: row.source_id,
  createdAt: row.created_at,
  expiredAt: row.expired_at,
});

export const toFace = (row: FaceRow): Face => ({
  ...(JSON.parse(row.detection) as DetectedFace),
  faceId: row.face_id,
  personId: row.person_id,
  imageId: row.image_id,
  pack: row.pack,
  space: row.space,
  capturedAt: row.captured_at,
  location: toLocation(row),
  sourceId: row.source_id,
  similarity: row.similarity,
  createdAt: row.created_at,
});

export const toOutbox = (row: OutboxRow): { id: string; entry: OutboxEntry } => ({
  id: String(row.id),
  entry: { topic: row.topic, event: JSON.parse(row.event) as OutboxEntry['event'] },
});

/** Values in the order of the columns of `insertPerson`. */
export const personValues = (tenant: Tenant, person: NewPerson, now: number): Value[] => [
  tenant,
  person.personId,
  person.externalId,
  person.name,
  JSON.stringify(person.metadata),
  person.consent === null ? null : JSON.stringify(person.consent),
  now,
  now,
];

/** Values in the order of the columns of `insertImage`. */
export const imageValues = (tenant: Tenant, image: NewImage, now: number): Value[] => [
  tenant,
  image.imageId,
  image.digest,
  image.blobKey,
  image.contentType,
  image.bytes,
  image.width,
  image.height,
  image.capturedAt,
  ...locationValues(image.location),
  image.sourceId,
  now,
];

/** Values in the order of the columns of `insertFace`. */
export const faceValues = (tenant: Tenant, face: NewFace, imageId: string, now: number): Value[] => {
  const { box, confidence, landmarks, pose, quality } = face;
  return [
    tenant,
    face.faceId,
    face.personId,
    imageId,
    face.pack,
    face.space,
    JSON.stringify({ box, confidence, landmarks, pose, quality } satisfies DetectedFace),
    face.capturedAt,
    ...locationValues(face.location),
    face.sourceId,
    face.similarity,
    now,
  ];
};

/** latitude, longitude, accuracy_m */
export const locationValues = (location: Location | null): [number | null, number | null, number | null] => [
  location?.lat ?? null,
  location?.lon ?? null,
  location?.accuracy_m ?? null,
];

export function toLocation(row: PlaceColumns): Location | null {
  if (row.latitude === null || row.longitude === null) return null;
  const location = { lat: row.latitude, lon: row.longitude };
  return row.accuracy_m === null ? location : { ...location, accuracy_m: row.accuracy_m };
}
