import { expect, it } from 'vitest';
import createPerson from '../../functions/create-person/index.ts';
import enrollFace from '../../functions/enroll-face/index.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { AppError } from '../errors.ts';
import type { Vectors } from '../ports/vectors.ts';
import { startPlatform } from '../testing/platform.ts';
import { drawPortrait } from '../testing/portraits/index.ts';

const tenant = 'default' as never;
const fails = () => new AppError('STORE_UNAVAILABLE', { message: 'injected failure' });

/** A platform whose vectors are written by `upsert`. It gets the number of the call, from 1, and the real write. */
async function platformWith(upsert: (call: number, write: () => Promise<void>) => Promise<void>) {
  let calls = 0;
  return await startPlatform([createPerson, enrollFace], {
    openers: {
      ...embeddedOpeners,
      vectors: async (context): Promise<Vectors> => {
        const vectors = await embeddedOpeners.vectors(context);
        return { ...vectors, upsert: (...entries) => upsert(++calls, () => vectors.upsert(...entries)) };
      },
    },
  });
}

it('When a photo is enrolled twice at once, and one enrolment fails and removes the records that the other found, then both answer 503', async () => {
  let failed = () => {};
  const first = new Promise<void>((resolve) => {
    failed = resolve;
  });
  let second = () => {};
  const bothSaved = new Promise<void>((resolve) => {
    second = resolve;
  });
  const { call, ports } = await platformWith(async (number, write) => {
    if (number === 1) {
      await bothSaved;
      throw fails();
    }
    second();
    if (number === 2) await first;
    await write();
  });
  const form = { external_id: 'ada', image: await drawPortrait({ person: 'amaro' }) };
  const answers = [1, 2].map(() => call('POST', '/api/v1/faces/enroll', { form }).finally(() => failed()));

  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  const again = await call('POST', '/api/v1/faces/enroll', { form });

  expect(statuses).toEqual([503, 503]);
  expect(again.status).toBe(201);
  expect(await ports.records.usage(tenant)).toMatchObject({ persons: 1, faces: 1 });
});

it('When a photo is enrolled twice at once, and one enrolment fails after the other is done, then the enrolled face stays', async () => {
  let done = () => {};
  const secondDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const { call, ports } = await platformWith(async (number, write) => {
    if (number > 1) return await write();
    await secondDone;
    throw fails();
  });
  const form = { external_id: 'ada', image: await drawPortrait({ person: 'amaro' }) };
  const answers = [1, 2].map(() => call('POST', '/api/v1/faces/enroll', { form }));
  const good = await Promise.race(answers);
  done();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);

  expect([good.status, ...statuses.toSorted()]).toEqual([200, 200, 503]);
  expect(await ports.records.usage(tenant)).toMatchObject({ persons: 1, faces: 1 });
  const { face_id } = good.json.data;
  expect(await ports.vectors.get(tenant, await ports.extractor.describe(), [face_id])).toMatchObject([
    { faceId: face_id },
  ]);
});

it('When a photo cannot be indexed, then no data of it stays', async () => {
  const { call, ports } = await platformWith(async () => {
    throw fails();
  });

  const answer = await call('POST', '/api/v1/faces/enroll', {
    form: { external_id: 'ada', image: await drawPortrait({ person: 'amaro' }) },
  });

  expect(answer.status).toBe(503);
  expect(await ports.records.usage(tenant)).toMatchObject({ persons: 0, faces: 0 });
});

it('When the records of an enrolment cannot be synced to disk, then the response is 503', async () => {
  const { call } = await startPlatform([enrollFace], {
    openers: {
      ...embeddedOpeners,
      records: async (context) => {
        const records = await embeddedOpeners.records(context);
        return {
          ...records,
          async saveEnrolment(...enrolment) {
            const saved = await records.saveEnrolment(...enrolment);
            return { ...saved, durable: saved.durable.then(() => Promise.reject(fails())) };
          },
        };
      },
    },
  });

  const answer = await call('POST', '/api/v1/faces/enroll', {
    form: { image: await drawPortrait({ person: 'amaro' }) },
  });

  expect([answer.status, answer.json.error.code]).toEqual([503, 'STORE_UNAVAILABLE']);
});
