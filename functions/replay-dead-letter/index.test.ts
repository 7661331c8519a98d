import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../shared/ports/records/jobs.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { newEvent } from '../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const path = '/api/v1/events/dead_letters';

/** Resolves to the dead letters that the API lists when there are `count`. */
async function letters({ call }: TestPlatform, count: number) {
  for (;;) {
    const { dead_letters } = (await call('GET', path)).json.data;
    if (dead_letters.length === count) return dead_letters;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const accept = async ({ call }: TestPlatform, image: Uint8Array, fields: Record<string, string> = {}) =>
  (await call('POST', '/api/v1/faces/enroll_async', { form: { ...fields, image } })).json.data.job_id;

const ended = async ({ call }: TestPlatform, id: string, status: string) => {
  for (;;) {
    const { data } = (await call('GET', `/api/v1/faces/enroll/status/${id}`)).json;
    if (data.status === status) return data;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('dead letters', () => {
  it('When an enrolment fails, then its dead letter has the reason; a replay after the reason is gone completes the job', async () => {
    // A full quota is a reason that can end. The quota is full before a worker starts the accepted job.
    const dataDir = folderWithWeights();
    const accepting = functions.filter(({ manifest }) => manifest.name !== 'process-enrollment-normal');
    const before = await startPlatform(accepting, { dataDir });
    const second = await accept(before, await drawPortrait({ person: 'amaro' }), { external_id: 'amaro' });
    const boris = { image: await drawPortrait({ person: 'boris' }), external_id: 'boris' };
    await before.call('POST', '/api/v1/faces/enroll', { form: boris });
    await before.call('PUT', '/api/v1/tenants/default', { json: { quota: { faces: 1 } } });
    await before.close();
    const platform = await startPlatform(functions, { dataDir });
    await ended(platform, second, 'failed');
    const [letter] = await letters(platform, 1);
    await platform.call('PUT', '/api/v1/tenants/default', { json: { quota: { faces: null } } });

    const shown = await platform.call('GET', `${path}/${letter.dead_letter_id}`);
    const replayed = await platform.call('POST', `${path}/${letter.dead_letter_id}/replay`);
    const job = await ended(platform, second, 'completed');
    const again = await platform.call('POST', `${path}/${letter.dead_letter_id}/replay`);

    expect(letter).toMatchObject({
      type: 'freeface.enrollment.requested.v1',
      topic: 'freeface.enrollments.normal',
      group: 'process-enrollment-normal',
      status: 422,
      reason: 'QUOTA_EXCEEDED',
      attempts: 1,
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(shown.json.data.event).toMatchObject({ data: { job_id: second }, tenant: 'default' });
    expect([replayed.status, replayed.json.data.status]).toEqual([202, 'replayed']);
    expect([job.attempts, job.error, job.result.status]).toEqual([1, null, 'enrolled']);
    expect(again.json.error.code).toBe('DEAD_LETTER_NOT_FOUND');
    expect(await letters(platform, 0)).toEqual([]);
    const [entry] = (
      await platform.ports.audit.list(tenant, { action: 'replay-dead-letter' }, { limit: 9 })
    ).items.filter(({ status }) => status === 202);
    expect(entry).toMatchObject({ details: { dead_letter_id: letter.dead_letter_id } });
  });

  it.each(['upload', 'batch item'])(
    'When a job of kind %s fails, then its dead letter can be replayed only while its file is unchanged',
    async (kind) => {
      const [watched, dataDir] = [temporaryFolder(), folderWithWeights()];
      const settings = { FREEFACE_WATCH: watched };
      // No function processes jobs yet. For a batch item, no function looks at the folder either.
      const idle = functions.filter(({ manifest: { name } }) => !name.startsWith('process-enrollment-'));
      const blind = ({ manifest: { name } }: (typeof functions)[number]) =>
        !['ingest-upload', 'reconcile-uploads'].includes(name);
      mkdirSync(join(watched, 'amaro'));
      const file = join(watched, 'amaro/1.jpg');
      writeFileSync(file, await drawPortrait({ person: 'amaro' }));
      const past = new Date(Date.now() - 60_000);
      utimesSync(file, past, past);
      const before = await startPlatform(kind === 'upload' ? idle : idle.filter(blind), { dataDir, settings });
      const items = [{ object_key: 'uploads/default/amaro/1.jpg', external_id: 'amaro' }];
      if (kind === 'batch item') await before.call('POST', '/api/v1/faces/enroll_batch', { json: { items } });
      const jobs = async () => (await before.ports.records.listJobs(tenant, {}, { limit: 9 })).items;
      while ((await jobs()).length === 0) await new Promise((resolve) => setImmediate(resolve));
      const [{ jobId }] = (await jobs()) as [Job];
      const boris = { image: await drawPortrait({ person: 'boris' }), external_id: 'boris' };
      await before.call('POST', '/api/v1/faces/enroll', { form: boris });
      await before.call('PUT', '/api/v1/tenants/default', { json: { quota: { faces: 1 } } });
      await before.close();
      const platform = await startPlatform(functions.filter(blind), { dataDir, settings });
      const [letter] = await letters(platform, 1);
      const replay = () => platform.call('POST', `${path}/${letter.dead_letter_id}/replay`);
      const stored = (await platform.ports.records.getDeadLetter(tenant, letter.dead_letter_id))!;
      await platform.call('PUT', '/api/v1/tenants/default', { json: { quota: { faces: null } } });

      // Replace the file.
      const bytes = readFileSync(file);
      writeFileSync(file, Buffer.concat([bytes, Buffer.of(0)]));
      const other = await replay();
      writeFileSync(file, bytes);
      utimesSync(file, past, past);
      const replayed = await platform.call('POST', `${path}/replay`, { json: { reason: 'QUOTA_EXCEEDED' } });
      const job = await ended(platform, jobId, 'completed');

      expect(stored).toMatchObject({ reason: 'QUOTA_EXCEEDED', event: { data: { job_id: jobId } } });
      expect([other.status, other.json.error.code]).toEqual([409, 'DEAD_LETTER_FINAL']);
      expect(replayed.json.data).toMatchObject({ replayed: 1, final: 0 });
      expect(job.result.status).toBe('enrolled');
      expect(await letters(platform, 0)).toEqual([]);
    },
    60_000,
  );

  it('When a replayed event fails again, then its dead letter has the same id; after a discard, its photo is gone for good', async () => {
    const platform = await startPlatform(functions);
    const job = await accept(platform, await drawScene());
    const [letter] = await letters(platform, 1);
    const images = async () => {
      const keys = [];
      for await (const { key } of platform.ports.images.keys(tenant)) keys.push(key);
      return keys;
    };

    await platform.call('POST', `${path}/${letter.dead_letter_id}/replay`);
    const [again] = await letters(platform, 1);
    const kept = await images();
    const stored = (await platform.ports.records.getDeadLetter(tenant, letter.dead_letter_id))!;
    const discarded = await platform.call('DELETE', `${path}/${letter.dead_letter_id}`);
    await platform.ports.records.saveDeadLetter(tenant, stored);
    const late = await platform.call('POST', `${path}/${letter.dead_letter_id}/replay`);

    expect(again.dead_letter_id).toBe(letter.dead_letter_id);
    expect(kept).toEqual([`job.${job}`]);
    expect([discarded.status, discarded.json.data.status]).toEqual([200, 'discarded']);
    expect(await images()).toEqual([]);
    expect([late.status, late.json.error.code]).toEqual([409, 'DEAD_LETTER_FINAL']);
  });

  it('When dead letters are replayed or discarded by reason, type or id, then only these are handled, and all are counted', async () => {
    const platform = await startPlatform(functions.filter(({ manifest }) => manifest.name !== 'dispatch-webhooks'));
    const letter = (reason: string, i: number) => ({
      deadLetterId: `00000000-0000-4000-8000-00000000000${i}`,
      event: newEvent({ type: 'freeface.person.created.v1', data: { person_id: 'p' } }),
      type: 'freeface.person.created.v1',
      topic: 'freeface.events',
      group: 'somebody',
      status: 503,
      reason,
      attempts: 9,
      at: 1_700_000_000_000 + i,
    });
    const reasons = ['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE', 'TIMEOUT', 'BUSY', 'BUSY'];
    for (const [i, reason] of reasons.entries()) await platform.ports.records.saveDeadLetter(tenant, letter(reason, i));
    const many = async (json: object) => (await platform.call('POST', `${path}/replay`, { json })).json;

    const byReason = await many({ reason: 'STORE_UNAVAILABLE' });
    const events = await platform.events(2);
    const byId = await many({ dead_letter_ids: [letter('', 2).deadLetterId, letter('', 9).deadLetterId] });
    const discarded = await many({ action: 'discard', type: 'freeface.person.created.v1', reason: 'BUSY' });
    const all = await many({});

    expect(byReason.data).toEqual({ replayed: 2, discarded: 0, final: 0, missing: 0, remaining: false });
    expect(events.map(({ type }) => type)).toEqual(['freeface.person.created.v1', 'freeface.person.created.v1']);
    expect(byId.data).toMatchObject({ replayed: 1, missing: 1 });
    expect(discarded.data).toMatchObject({ replayed: 0, discarded: 2 });
    expect(all.error.details[0].field).toBe('dead_letter_ids');
    expect(await letters(platform, 0)).toEqual([]);
  });
});
