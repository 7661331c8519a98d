import { describe, expect, it } from 'vitest';
import { folderWithWeights, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const withoutWorkers = functions.filter(({ manifest }) => !manifest.name.startsWith('process-enrollment'));

const accept = async ({ call }: TestPlatform, scene: string, fields: Record<string, string> = {}) =>
  (
    await call('POST', '/api/v1/faces/enroll_async', {
      form: { external_id: 'amaro', ...fields, image: await drawPortrait({ person: 'amaro', scene }) },
    })
  ).json.data;

describe('cancelling and listing enrolment jobs', () => {
  it('When a queued job is cancelled, then it never runs, its photo is deleted, and its event changes nothing', async () => {
    const dataDir = folderWithWeights();
    const before = await startPlatform(withoutWorkers, { dataDir });
    const [cancelled, kept] = [await accept(before, 'one'), await accept(before, 'two', { priority: 'high' })];

    const answer = await before.call('DELETE', `/api/v1/faces/enroll/status/${cancelled.job_id}`);
    const again = await before.call('DELETE', `/api/v1/faces/enroll/status/${cancelled.face_id}`);
    const keys = [];
    for await (const { key } of before.ports.images.keys(tenant)) keys.push(key);
    const events = await before.events(1);
    await before.close();
    const after = await startPlatform(functions, { dataDir });
    const statusOf = async ({ job_id }: { job_id: string }) =>
      (await after.call('GET', `/api/v1/faces/enroll/status/${job_id}`)).json.data;
    while ((await statusOf(kept)).finished_at === null) await new Promise((resolve) => setImmediate(resolve));
    const late = await after.call('DELETE', `/api/v1/faces/enroll/status/${kept.job_id}`);

    expect([answer.status, answer.json.data.status, again.status]).toEqual([200, 'cancelled', 200]);
    expect(keys).toEqual([`job.${kept.job_id}`]);
    expect((await statusOf(cancelled)).status).toBe('cancelled');
    expect([late.status, late.json.error.code, late.json.error.details]).toEqual([
      409,
      'JOB_NOT_CANCELLABLE',
      { status: 'completed' },
    ]);
    expect((await after.call('GET', '/api/v1/persons/by_external_id/amaro')).json.data.face_count).toBe(1);
    expect(events.filter(({ type }) => type === 'freeface.enrollment.cancelled.v1')).toHaveLength(1);
    const gone = await after.call('DELETE', '/api/v1/faces/enroll/status/00000000-0000-4000-8000-000000000000');
    expect(gone.json.error.code).toBe('JOB_NOT_FOUND');
  });

  it('When jobs are listed by status and priority, then the newest come first, in pages', async () => {
    const platform = await startPlatform(withoutWorkers);
    const made = [];
    for (const priority of ['low', 'critical', 'low'])
      made.push(await accept(platform, priority + made.length, { priority }));
    await platform.call('DELETE', `/api/v1/faces/enroll/status/${made[2].job_id}`);
    const list = async (query: string) => (await platform.call('GET', `/api/v1/faces/enroll/jobs${query}`)).json.data;
    const ids = (jobs: { job_id: string }[]) => jobs.map(({ job_id }) => job_id);

    const first = await list('?limit=2');
    const rest = await list(`?limit=2&page_token=${first.next_page_token}`);

    expect(ids([...first.jobs, ...rest.jobs])).toEqual(made.map(({ job_id }) => job_id).toReversed());
    expect([first.has_more, rest.has_more]).toEqual([true, false]);
    expect(ids((await list('?priority=low&status=queued')).jobs)).toEqual([made[0].job_id]);
    expect((await list('?status=cancelled')).jobs).toMatchObject([{ job_id: made[2].job_id, external_id: 'amaro' }]);
  });
});
