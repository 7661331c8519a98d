import { createHash } from 'node:crypto';
import type { Event, Subscription } from '../ports/events.ts';
import type { Enrolment } from '../ports/records/enrolment.ts';
import { asTenant } from '../ports/tenant.ts';
import type { VectorEntry } from '../ports/vectors.ts';
import { newEvent, newFace, newImage, newPerson } from './record-factories.ts';
import { newEntry, seededRandom, unitVector } from './vector-factories.ts';

/** Data that the killed process writes. Each piece depends only on its number, so that another process can check it. */
export const killTenant = asTenant('killed');
export const killTopic = 'killed.events';
export const killSpace = { space: 'killed-32.p1', dimension: 32 };
export const killSubscription: Subscription = {
  group: 'worker',
  topic: killTopic,
  delivery: { retry: 3, backoff: 'linear', backoffDelayMs: 10, timeoutMs: 10_000 },
  concurrency: 4,
};

/** Faces of one person. */
const faces = [0, 1, 2];

export const enrolmentOf = (n: number): Enrolment => ({
  person: newPerson({ personId: `person-${n}`, externalId: `external-${n}` }),
  image: newImage({ imageId: `image-${n}`, blobKey: `image-${n}` }),
  faces: faces.map((face) => newFace({ faceId: `face-${n}-${face}`, personId: `person-${n}` })),
});

export function entriesOf(n: number): VectorEntry[] {
  const random = seededRandom(n);
  return faces.map((face) =>
    newEntry(killSpace.dimension, {
      faceId: `face-${n}-${face}`,
      personId: `person-${n}`,
      imageId: `image-${n}`,
      embedding: unitVector(killSpace.dimension, random),
    }),
  );
}

export const eventOf = (n: number): Event => newEvent({ id: `event-${n}`, partitionkey: `person-${n % 5}` });

/** 1 to 100,000 bytes. */
export function bytesOf(n: number): Buffer {
  const block = createHash('sha512').update(String(n)).digest();
  return Buffer.alloc(1 + ((n * 7919) % 100_000), block);
}
