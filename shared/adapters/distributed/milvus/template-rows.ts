import type { Tenant } from '../../../ports/tenant.ts';
import type { VectorEntry, VectorHit } from '../../../ports/vectors.ts';
import { noDegree, noTime } from './filter.ts';

/** A template as Milvus stores it. */
export interface TemplateRow {
  readonly id: string;
  readonly tenant: Tenant;
  readonly face_id: string;
  readonly person_id: string;
  readonly image_id: string;
  /** Milvus returns 64-bit numbers as text. */
  readonly captured_at: number | string;
  readonly lat: number;
  readonly lon: number;
  readonly accuracy_m: number;
  readonly embedding: readonly number[];
}

/** A row as a search returns it: with its score, without the embedding. */
export type FoundRow = Pick<TemplateRow, 'face_id' | 'person_id' | 'image_id' | 'lat' | 'lon'> & {
  readonly score: number;
};

export const entryFields = ['face_id', 'person_id', 'image_id', 'captured_at', 'lat', 'lon', 'accuracy_m', 'embedding'];
export const hitFields = ['face_id', 'person_id', 'image_id', 'lat', 'lon'];

export const rowOf = (tenant: Tenant, entry: VectorEntry): TemplateRow => ({
  // A tenant's name contains no slash, so the id is unique.
  id: `${tenant}/${entry.faceId}`,
  tenant,
  face_id: entry.faceId,
  person_id: entry.personId ?? '',
  image_id: entry.imageId,
  captured_at: entry.capturedAt ?? noTime,
  lat: entry.location?.lat ?? noDegree,
  lon: entry.location?.lon ?? noDegree,
  accuracy_m: entry.location?.accuracy_m ?? -1,
  embedding: [...entry.embedding],
});

export function entryOf(row: TemplateRow): VectorEntry {
  const { face_id, person_id, image_id, captured_at, lat, lon, accuracy_m, embedding } = row;
  const at = Number(captured_at);
  return {
    faceId: face_id,
    personId: person_id === '' ? null : person_id,
    imageId: image_id,
    embedding: Float32Array.from(embedding),
    capturedAt: at === noTime ? null : at,
    location: lat === noDegree ? null : { lat, lon, ...(accuracy_m < 0 ? {} : { accuracy_m }) },
  };
}

export const hitOf = ({ face_id, person_id, image_id, score }: FoundRow): VectorHit => ({
  faceId: face_id,
  personId: person_id === '' ? null : person_id,
  imageId: image_id,
  cosine: Math.min(1, Math.max(-1, score)),
});
