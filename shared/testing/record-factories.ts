import { randomUUID } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import type { Event } from '../ports/events.ts';
import type { Enrolment } from '../ports/records/enrolment.ts';
import type { NewFace, NewImage } from '../ports/records/faces.ts';
import type { NewJob } from '../ports/records/jobs.ts';
import type { NewPerson } from '../ports/records/persons.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';

/** A new tenant for each test, so that test suites can share a server. */
export const newTenant = (): Tenant => asTenant(`t-${randomUUID()}`);

export const newPerson = (fields: Partial<NewPerson> = {}): NewPerson => ({
  personId: randomUUID(),
  externalId: null,
  name: 'Ada',
  metadata: { team: 'engines', tags: ['a', 'b'] },
  consent: null,
  ...fields,
});

export const newImage = (fields: Partial<NewImage> = {}): NewImage => ({
  imageId: randomUUID(),
  digest: 'd'.repeat(64),
  blobKey: randomUUID(),
  contentType: 'image/jpeg',
  bytes: 12_345,
  width: 640,
  height: 480,
  capturedAt: 1_700_000_000_000,
  location: { lat: 52.5, lon: 13.4, accuracy_m: 12 },
  sourceId: 'camera-1',
  ...fields,
});

export const newFace = (fields: Partial<NewFace> = {}): NewFace => ({
  faceId: randomUUID(),
  personId: null,
  pack: 'builtin',
  space: 'dlib-resnet-128.p1',
  box: { left: 10.5, top: 20, width: 100, height: 110 },
  confidence: 0.98,
  landmarks: {
    left_eye: { x: 40, y: 50 },
    right_eye: { x: 80, y: 51 },
    nose: { x: 60, y: 70 },
    mouth_left: { x: 45, y: 95 },
    mouth_right: { x: 75, y: 96 },
  },
  pose: { yaw: 3, pitch: -2, roll: 1 },
  quality: { score: 0.9, reasons: ['SMALL_FACE'] },
  capturedAt: 1_700_000_000_000,
  location: { lat: 52.5, lon: 13.4 },
  sourceId: 'camera-1',
  similarity: null,
  ...fields,
});

export const newJob = (fields: Partial<NewJob> = {}): NewJob => ({
  jobId: randomUUID(),
  faceId: randomUUID(),
  priority: 'normal',
  personId: randomUUID(),
  externalId: null,
  imageKey: randomUUID(),
  request: { source: 'camera-1' },
  webhookUrl: 'https://example.com/hook',
  batchId: null,
  item: null,
  ...fields,
});

/** One new person with `count` faces in one new image. */
export function newEnrolment(count = 1): Enrolment & { person: NewPerson } {
  const person = newPerson();
  const faces = Array.from({ length: count }, () => newFace({ personId: person.personId }));
  return { person, image: newImage(), faces };
}

export const newEvent = (fields: Partial<Event> = {}): Event =>
  new CloudEvent({
    id: randomUUID(),
    source: '/test',
    type: 'freeface.test.v1',
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    data: { text: 'Grüße' },
    ...fields,
  });
