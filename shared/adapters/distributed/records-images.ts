import { eachOf } from '../../domain/each-of.ts';
import type { Face, Image, NewFace } from '../../ports/records/faces.ts';
import type { OutboxEntry } from '../../ports/records/outbox.ts';
import { raiseOf } from './records-epoch.ts';
import type { Bound, Scylla } from './scylla/client.ts';
import { drop, put, type StoredEntry } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';

/** An image as it is stored. `born`: persons that were created with it. See: [Note: Enrolment of a new person] */
export interface ImageDocument extends Omit<Image, 'imageId'> {
  readonly born?: readonly string[];
}

/** Face ids per request. */
const mostIds = 100;
/** Parallel requests of one call. */
export const atOnce = 48;

export const toImage = (imageId: string, { born: _, ...image }: ImageDocument): Image => ({ imageId, ...image });

/** All faces on an image, read at one moment. */
export async function facesOn(scylla: Scylla, tenant: string, imageId: string): Promise<Map<string, Face>> {
  const rows = await scylla.rows('images:faces', [tenant, imageId]);
  return new Map(
    rows.flatMap(({ face_id, data }) =>
      face_id === '-' || data === null ? [] : [[face_id as string, JSON.parse(data as string) as Face]],
    ),
  );
}

/** The faces at these places, in the same order; null: the face no longer exists. */
export async function facesAt(
  scylla: Scylla,
  tenant: string,
  places: readonly { readonly faceId: string; readonly imageId: string | null }[],
): Promise<(Face | null)[]> {
  const wanted = new Map<string, string[]>();
  for (const { faceId, imageId } of places) {
    if (imageId === null) continue;
    const ids = wanted.get(imageId);
    if (ids === undefined) wanted.set(imageId, [faceId]);
    else ids.push(faceId);
  }
  const requests = [...wanted].flatMap(([imageId, ids]) => {
    const parts: [string, string[]][] = [];
    for (let i = 0; i < ids.length; i += mostIds) parts.push([imageId, ids.slice(i, i + mostIds)]);
    return parts;
  });
  const found = new Map<string, Face>();
  await eachOf(requests, atOnce, async ([imageId, ids]) => {
    for (const { face_id, data } of await scylla.rows('images:face', [tenant, imageId, ids])) {
      if (data !== null) found.set(face_id as string, JSON.parse(data as string) as Face);
    }
  });
  return places.map(({ faceId }) => found.get(faceId) ?? null);
}

/** The image of each face; null: the face does not exist. */
export const placesOf = (scylla: Scylla, tenant: string, faceIds: readonly string[]) =>
  eachOf(faceIds, atOnce, async (faceId) => {
    const [row] = await scylla.rows('faces:where', [tenant, faceId]);
    return { faceId, imageId: (row?.image_id as string | undefined) ?? null };
  });

/** Loads the faces of list entries. */
export const faceLoader = (scylla: Scylla, tenant: string) => (entries: readonly StoredEntry[]) =>
  facesAt(
    scylla,
    tenant,
    entries.map(({ id, data }) => ({ faceId: id, imageId: (JSON.parse(data) as string[])[0]! })),
  );

/** Data of an entry in the list of a person's faces. */
export const personEntryData = ({ imageId, space }: Pick<Face, 'imageId' | 'space'>): string =>
  JSON.stringify([imageId, space]);

/** Time of an appearance: when the photo was taken, else when the face was stored. */
export const seenAt = ({ capturedAt, createdAt }: Face): number => capturedAt ?? createdAt;

/** List entries to write for a face that is new, or that gets a person (`isNew` false). */
export function addFaceToLists(tenant: string, face: Face, isNew: boolean): Bound[] {
  const { faceId, personId, imageId, createdAt, location } = face;
  const entry = { at: createdAt, id: faceId };
  const image = JSON.stringify([imageId]);
  return [
    ...(isNew ? [['faces:put', [tenant, faceId, imageId]] satisfies Bound] : []),
    ...(isNew ? put('faces_by_tenant', tenant, entry, image) : []),
    ...(personId === null ? put('unknown_faces_by_tenant', tenant, entry, image) : []),
    ...(personId !== null && !isNew ? drop('unknown_faces_by_tenant', tenant, entry) : []),
    ...(personId === null
      ? []
      : [
          ...put('faces_by_person', tenant, entry, personEntryData(face), personId),
          ...put(
            'appearances_by_person',
            tenant,
            { at: seenAt(face), id: faceId },
            JSON.stringify([imageId, location?.lat ?? null, location?.lon ?? null]),
            personId,
          ),
        ]),
  ];
}

/** List entries to delete with a face. */
export function removeFaceFromLists(tenant: string, face: Face): Bound[] {
  const { faceId, personId, createdAt } = face;
  const entry = { at: createdAt, id: faceId };
  return [
    ['faces:drop', [tenant, faceId]],
    ...drop('faces_by_tenant', tenant, entry),
    ...(personId === null
      ? drop('unknown_faces_by_tenant', tenant, entry)
      : [
          ...drop('faces_by_person', tenant, entry, personId),
          ...drop('appearances_by_person', tenant, { at: seenAt(face), id: faceId }, personId),
        ]),
  ];
}

/** List entries to write for a new image. */
export const addImageToLists = (tenant: string, imageId: string, { createdAt, bytes }: ImageDocument): Bound[] => [
  ...put('images_by_tenant', tenant, { at: createdAt, id: imageId }, String(bytes)),
  ...put('unexpired_images_by_tenant', tenant, { at: createdAt, id: imageId }),
];

/** List entries to delete with an image. */
export const removeImageFromLists = (tenant: string, imageId: string, { createdAt }: ImageDocument): Bound[] => [
  ...drop('images_by_tenant', tenant, { at: createdAt, id: imageId }),
  ...drop('unexpired_images_by_tenant', tenant, { at: createdAt, id: imageId }),
];

/** Writes the row of a face in the partition of its image. */
export const faceRow = (tenant: string, imageId: string, face: Face): Bound => [
  'images:putFace',
  [tenant, imageId, face.faceId, JSON.stringify(face)],
];

export const newFaceRow = (face: NewFace, imageId: string, createdAt: number): Face => ({
  ...face,
  imageId,
  createdAt,
});

/**
 * Deletes faces from an image, and the image when its last face is deleted. `before` runs before the deletion, with the faces and the image
 * that will be deleted. The events are written only when a face is deleted.
 */
export function removeFaces(
  { scylla, documents, now }: ScyllaStore,
  tenant: string,
  imageId: string,
  which: (face: Face) => boolean,
  {
    outbox = [],
    before = async () => undefined,
    signal,
  }: {
    readonly outbox?: readonly OutboxEntry[] | undefined;
    readonly before?: (faces: readonly Face[], image: Image | null) => Promise<void>;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<{ faces: Face[]; image: Image | null }> {
  return documents.change<ImageDocument, { faces: Face[]; image: Image | null }>(
    'images',
    tenant,
    imageId,
    async (current) => {
      if (current === null) return { next: undefined, result: { faces: [], image: null } };
      const all = [...(await facesOn(scylla, tenant, imageId)).values()];
      const faces = all.filter(which);
      if (faces.length === 0) return { next: undefined, result: { faces, image: null } };
      const image = faces.length === all.length ? toImage(imageId, current) : null;
      await before(faces, image);
      return {
        next: image === null ? { ...current, ...bornWithout(current, faces) } : null,
        inSameBatch: faces.map(({ faceId }) => ['images:dropFace', [tenant, imageId, faceId]]),
        effects: [
          ...faces.flatMap((face) => removeFaceFromLists(tenant, face)),
          ...(image === null ? [] : removeImageFromLists(tenant, imageId, current)),
          raiseOf(tenant, now()),
          ...outboxOf({ outbox }),
        ],
        result: { faces, image },
      };
    },
    { signal },
  );
}

/** `born` without the persons of deleted faces. */
function bornWithout({ born }: ImageDocument, faces: readonly Face[]): Pick<ImageDocument, 'born'> {
  const gone = new Set(faces.map(({ personId }) => personId));
  return born === undefined ? {} : { born: born.filter((personId) => !gone.has(personId)) };
}

/** See `Records.expireImage`. */
export const expireImage = ({ documents, now }: ScyllaStore, tenant: string, imageId: string, signal?: AbortSignal) =>
  documents.change<ImageDocument, Image | null>(
    'images',
    tenant,
    imageId,
    (current) => {
      if (current === null || current.expiredAt !== null) return { next: undefined, result: null };
      const entry = { at: current.createdAt, id: imageId };
      return {
        next: { ...current, expiredAt: now(), bytes: 0 },
        effects: [...put('images_by_tenant', tenant, entry, '0'), ...drop('unexpired_images_by_tenant', tenant, entry)],
        result: toImage(imageId, current),
      };
    },
    { signal },
  );
