import type { Location } from '../../domain/face.ts';
import type { VectorEntry } from '../../ports/vectors.ts';
import { strideOf } from './vector-kernel.ts';

/** Rows of a block: it takes half a millisecond to scan them. */
export const blockRows = 1024;

/**
 * All templates of one tenant and space in memory. A row keeps its slot until its face is removed. Rows never move, so a search that
 * pauses for other work finds each row exactly once. Free slots are used again.
 */
export interface Gallery {
  readonly dimension: number;
  readonly stride: number;
  /** Number of slots; some of 0 .. slots - 1 may be free. */
  readonly slots: number;
  readonly total: number;
  readonly assigned: number;
  /** Each block contains the embeddings of `blockRows` slots, in order. */
  readonly blocks: readonly Float32Array[];
  /** null: the slot is free. */
  faceId(slot: number): string | null;
  entry(slot: number): VectorEntry;
  readonly columns: Columns;
  slotOf(faceId: string): number | undefined;
  slotsOfPerson(personId: string): Iterable<number>;
  faceIds(): string[];
  /** Inserts or replaces a row. `changed`: the embedding is new or different. */
  put(entry: VectorEntry): { slot: number; changed: boolean };
  /** Removes a face and overwrites its embedding with zeros. Returns the free slot; null if there is no such face. */
  remove(faceId: string): number | null;
}

/** Values for the filters, by slot. NaN: unknown. */
interface Columns {
  readonly faceId: (string | null)[];
  readonly personId: (string | null)[];
  readonly imageId: string[];
  readonly capturedAt: number[];
  readonly latitude: number[];
  readonly longitude: number[];
  readonly accuracy: number[];
}

export function createGallery(dimension: number): Gallery {
  const stride = strideOf(dimension);
  const blocks: Float32Array[] = [];
  const columns: Columns = {
    faceId: [],
    personId: [],
    imageId: [],
    capturedAt: [],
    latitude: [],
    longitude: [],
    accuracy: [],
  };
  const slotByFace = new Map<string, number>();
  const slotsByPerson = new Map<string, Set<number>>();
  const free: number[] = [];
  let slots = 0;
  let assigned = 0;

  const vectorAt = (slot: number, length: number): Float32Array => {
    const start = (slot % blockRows) * stride;
    return blocks[Math.floor(slot / blockRows)]!.subarray(start, start + length);
  };

  const newSlot = (): number => {
    const slot = free.pop() ?? slots++;
    if (blocks.length * blockRows <= slot) blocks.push(new Float32Array(blockRows * stride));
    columns.personId[slot] = null;
    return slot;
  };

  const setPerson = (slot: number, personId: string | null): void => {
    const before = columns.personId[slot]!;
    if (before === personId) return;
    if (before !== null) {
      const others = slotsByPerson.get(before)!;
      others.delete(slot);
      if (others.size === 0) slotsByPerson.delete(before);
      assigned--;
    }
    if (personId !== null) {
      const mine = slotsByPerson.get(personId);
      if (mine === undefined) slotsByPerson.set(personId, new Set([slot]));
      else mine.add(slot);
      assigned++;
    }
    columns.personId[slot] = personId;
  };

  return {
    dimension,
    stride,
    get slots() {
      return slots;
    },
    get total() {
      return slotByFace.size;
    },
    get assigned() {
      return assigned;
    },
    blocks,
    columns,
    faceId: (slot) => columns.faceId[slot] ?? null,
    entry: (slot) => ({
      faceId: columns.faceId[slot]!,
      personId: columns.personId[slot] ?? null,
      imageId: columns.imageId[slot]!,
      embedding: vectorAt(slot, dimension).slice(),
      capturedAt: numberOrNull(columns.capturedAt[slot]),
      location: locationAt(columns, slot),
    }),
    slotOf: (faceId) => slotByFace.get(faceId),
    slotsOfPerson: (personId) => slotsByPerson.get(personId) ?? [],
    faceIds: () => [...slotByFace.keys()],
    put(entry) {
      const existing = slotByFace.get(entry.faceId);
      const slot = existing ?? newSlot();
      const vector = vectorAt(slot, dimension);
      const changed = existing === undefined || !sameNumbers(vector, entry.embedding);
      vector.set(entry.embedding);
      setPerson(slot, entry.personId);
      columns.faceId[slot] = entry.faceId;
      columns.imageId[slot] = entry.imageId;
      columns.capturedAt[slot] = entry.capturedAt ?? Number.NaN;
      columns.latitude[slot] = entry.location?.lat ?? Number.NaN;
      columns.longitude[slot] = entry.location?.lon ?? Number.NaN;
      columns.accuracy[slot] = entry.location?.accuracy_m ?? Number.NaN;
      slotByFace.set(entry.faceId, slot);
      return { slot, changed };
    },
    remove(faceId) {
      const slot = slotByFace.get(faceId);
      if (slot === undefined) return null;
      slotByFace.delete(faceId);
      setPerson(slot, null);
      columns.faceId[slot] = null;
      columns.imageId[slot] = '';
      vectorAt(slot, dimension).fill(0);
      free.push(slot);
      return slot;
    },
  };
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const numberOrNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

function locationAt({ latitude, longitude, accuracy }: Columns, slot: number): Location | null {
  const lat = numberOrNull(latitude[slot]);
  const lon = numberOrNull(longitude[slot]);
  if (lat === null || lon === null) return null;
  const accuracy_m = numberOrNull(accuracy[slot]);
  return accuracy_m === null ? { lat, lon } : { lat, lon, accuracy_m };
}
