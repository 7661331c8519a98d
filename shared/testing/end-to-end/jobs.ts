import { expect, it } from 'vitest';
import { drawPortrait, drawScene } from '../portraits/index.ts';
import { type Api, patience, soon, unknownId } from './api.ts';

export function jobCases(api: () => Api): void {
  const accept = async (image: Uint8Array, fields: Readonly<Record<string, string>> = {}) =>
    (await api().call('POST', '/api/v1/faces/enroll_async', { form: { ...fields, image } })).json.data;
  const jobOf = async (id: string) => (await api().call('GET', `/api/v1/faces/enroll/status/${id}`)).json.data;

  it(
    'When photos are accepted with every priority, then each is enrolled later, under the face id in the response',
    async () => {
      const { call } = api();
      const priorities = ['critical', 'high', 'normal', 'low'] as const;
      const people = ['emeka', 'finn', 'greta', 'hana'] as const;

      const accepted: { job_id: string; face_id: string }[] = [];
      for (const [i, priority] of priorities.entries()) {
        const image = await drawPortrait({ person: people[i]! });
        accepted.push(await accept(image, { external_id: people[i]!, priority }));
      }
      for (const { job_id } of accepted)
        await soon(async () => (await jobOf(job_id)).status).toMatch(/completed|failed|cancelled/);
      const jobs = await Promise.all(accepted.map(({ job_id }) => jobOf(job_id)));
      const listed = (await call('GET', '/api/v1/faces/enroll/jobs?priority=critical&limit=500')).json.data.jobs;
      const late = await call('DELETE', `/api/v1/faces/enroll/status/${accepted[0]!.job_id}`);
      const { face_id } = accepted[1]!;

      expect(jobs).toMatchObject(
        priorities.map((priority, i) => ({
          status: 'completed',
          priority,
          face_id: accepted[i]!.face_id,
          result: { status: 'enrolled', face_id: accepted[i]!.face_id },
          error: null,
        })),
      );
      expect((await jobOf(face_id)).job_id).toBe(accepted[1]!.job_id);
      expect((await call('GET', `/api/v1/faces/${face_id}`)).json.data.face_id).toBe(face_id);
      expect(listed).toMatchObject([{ job_id: accepted[0]!.job_id, external_id: 'emeka', status: 'completed' }]);
      expect([late.status, late.json.error.details]).toEqual([409, { status: 'completed' }]);
      expect((await call('GET', `/api/v1/faces/enroll/status/${unknownId}`)).json.error.code).toBe('JOB_NOT_FOUND');
    },
    patience,
  );

  it(
    'When a batch names stored images, then each item is enrolled, except an item that is cancelled before its turn',
    async () => {
      const { call } = api();
      const form = { image: await drawPortrait({ person: 'isaac' }) };
      const { image_id } = (await call('POST', '/api/v1/faces/enroll', { form })).json.data;
      const path = '/api/v1/faces/enroll_batch';
      const batchOf = async (id: string) => (await call('GET', `${path}/${id}`)).json;
      // These requests start the functions: otherwise the last items could be done before the cancellation arrives.
      expect((await batchOf(unknownId)).error.code).toBe('BATCH_NOT_FOUND');
      const cancel = (id: string) => call('DELETE', `/api/v1/faces/enroll/status/${id}`);
      expect((await cancel(unknownId)).json.error.code).toBe('JOB_NOT_FOUND');
      const items = Array.from({ length: 12 }, () => ({ image_id, external_id: 'isaac' }));

      const accepted = await call('POST', path, { json: { items } });
      const { batch_id } = accepted.json.data;
      const last = (await batchOf(batch_id)).data.items.at(-1);
      const cancelled = await cancel(last.job_id);
      await soon(async () => (await batchOf(batch_id)).data.status).toBe('finished');
      const { data } = await batchOf(batch_id);

      expect([accepted.status, accepted.json.data.items]).toEqual([202, 12]);
      expect([cancelled.status, cancelled.json.data?.status]).toEqual([200, 'cancelled']);
      expect(data).toMatchObject({ total: 12, counts: { completed: 11, cancelled: 1, failed: 0 } });
      expect(data.items[0]).toMatchObject({ item: 0, batch_id, status: 'completed', result: { image_id } });
      const isaac = await call('GET', '/api/v1/persons/by_external_id/isaac');
      expect(isaac.json.data.face_count).toBe(1);
    },
    patience,
  );

  it(
    'When an accepted photo can never be enrolled, then its dead letter names the reason, returns after a replay, and is deleted when discarded',
    async () => {
      const { call } = api();
      const path = '/api/v1/events/dead_letters';
      const { job_id } = await accept(await drawScene({ scene: 'nobody is here' }));
      const letters = async () => (await call('GET', `${path}?reason=NO_FACE`)).json.data.dead_letters;
      const again = (before: string) => soon(async () => (await letters())[0]?.at ?? before).not.toBe(before);

      await again('');
      const [letter] = await letters();
      const one = `${path}/${letter.dead_letter_id}`;
      const shown = await call('GET', one);
      const replayed = await call('POST', `${one}/replay`);
      await again(letter.at);
      const [second] = await letters();
      const many = await call('POST', `${path}/replay`, {
        json: { dead_letter_ids: [letter.dead_letter_id, unknownId] },
      });
      await again(second.at);
      const discarded = await call('DELETE', one);

      expect(letter).toMatchObject({ type: 'freeface.enrollment.requested.v1', status: 422, reason: 'NO_FACE' });
      expect(shown.json.data.event).toMatchObject({ data: { job_id } });
      expect(await jobOf(job_id)).toMatchObject({ status: 'failed', error: { code: 'NO_FACE' } });
      expect([replayed.status, second.dead_letter_id]).toEqual([202, letter.dead_letter_id]);
      expect(many.json.data).toMatchObject({ replayed: 1, missing: 1 });
      expect([discarded.status, await letters()]).toEqual([200, []]);
      expect((await call('GET', one)).json.error.code).toBe('DEAD_LETTER_NOT_FOUND');
    },
    patience,
  );
}
