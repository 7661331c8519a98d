import { randomUUID } from 'node:crypto';
import type { VectorEntry } from '../ports/vectors.ts';

/** Returns a generator of numbers, 0 <= n < 1, that is the same in every run. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const shared = seededRandom(1);

/** A random direction, uniform on the sphere. */
export function unitVector(dimension: number, random: () => number = shared): Float32Array {
  return normalised(
    Float32Array.from({ length: dimension }, () => {
      // Box-Muller: a normal distribution has no preferred direction.
      return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    }),
  );
}

/** A random direction whose cosine to `centre` is `cosine`. */
export function vectorNear(centre: Float32Array, cosine: number, random: () => number = shared): Float32Array {
  const other = unitVector(centre.length, random);
  let along = 0;
  for (let i = 0; i < centre.length; i++) along += centre[i]! * other[i]!;
  const across = normalised(other.map((value, i) => value - along * centre[i]!));
  const sine = Math.sqrt(1 - cosine * cosine);
  return normalised(across.map((value, i) => cosine * centre[i]! + sine * value));
}

export const newEntry = (dimension: number, fields: Partial<VectorEntry> = {}): VectorEntry => ({
  faceId: randomUUID(),
  personId: null,
  imageId: randomUUID(),
  embedding: fields.embedding ?? unitVector(dimension),
  capturedAt: null,
  location: null,
  ...fields,
});

function normalised(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
