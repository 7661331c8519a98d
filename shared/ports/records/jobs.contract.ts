import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newJob, newTenant } from '../../testing/record-factories.ts';
import { newOutboxEntry, type RecordsSetUp } from '../../testing/records-subject.ts';
import type { Records } from '../records.ts';
import { type Job, mostUnderWayMs } from './jobs.ts';

export function jobsContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: jobs`, () => {
    const outcome = { status: 'completed', personId: 'p', result: { face_id: 'f' } } as const;
    const failure = { status: 'failed', error: { code: 'NO_FACE' } } as const;
    const outboxIds = async (records: Records) =>
      (await records.pendingOutbox(1000)).map(({ entry: { event } }) => event.id);

    it('When a job is created, started and finished, then it can be read by its id and by its face, only for its tenant', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob({ personId: null });
      const createdAt = clock.now();

      const queued = await records.createJob(tenant, job);
      await clock.advance(1000);
      const processing = await records.startJob(tenant, job.jobId);
      await clock.advance(1000);
      const finished = await records.finishJob(tenant, job.jobId, outcome);

      const whole = {
        ...job,
        status: 'queued',
        attempts: 0,
        failures: 0,
        underWaySince: null,
        result: null,
        error: null,
        createdAt,
        startedAt: null,
        finishedAt: null,
      };
      expect(queued).toEqual(whole);
      const startedAt = createdAt + 1000;
      expect(processing).toEqual({ ...whole, status: 'processing', attempts: 1, startedAt, underWaySince: startedAt });
      expect(finished).toEqual({
        changed: true,
        job: {
          ...processing,
          status: 'completed',
          personId: 'p',
          request: null,
          underWaySince: null,
          result: outcome.result,
          finishedAt: createdAt + 2000,
        },
      });
      expect(await records.getJob(tenant, job.jobId)).toEqual(finished!.job);
      expect(await records.getJob(tenant, job.faceId)).toEqual(finished!.job);
      expect(await records.getJob(newTenant(), job.jobId)).toBeNull();
      expect(await records.startJob(newTenant(), job.jobId)).toBeNull();
      expect(await records.finishJob(newTenant(), job.jobId, outcome)).toBeNull();
      expect(await records.getJob(tenant, randomUUID())).toBeNull();
    });

    it('When a face has several jobs, then the newest one is returned', async () => {
      const { records, tenant, clock } = await setUp();
      const faceId = randomUUID();
      await records.createJob(tenant, newJob({ faceId }));
      await clock.advance(10);
      const second = await records.createJob(tenant, newJob({ faceId }));

      expect((await records.getJob(tenant, faceId))?.jobId).toBe(second.jobId);
    });

    it('When attempts end, then only the failed ones count as failures', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob();
      await records.createJob(tenant, job);
      const counted = [];
      for (const failed of [true, false, true]) {
        await records.startJob(tenant, job.jobId);
        await clock.advance(120_000);
        counted.push(await records.endAttempt(tenant, job.jobId, { failed }));
      }
      await records.startJob(tenant, job.jobId);
      const finished = await records.finishJob(tenant, job.jobId, failure);
      const late = await records.endAttempt(tenant, job.jobId, { failed: true });
      const queued = await records.requeueJob(tenant, job.jobId);

      expect(counted.map((each) => each?.failures)).toEqual([1, 1, 2]);
      expect(counted[2]).toMatchObject({ status: 'processing', attempts: 3, underWaySince: null });
      expect(late).toEqual(finished!.job);
      expect(queued!.job).toMatchObject({ attempts: 0, failures: 0, underWaySince: null });
      expect(await records.endAttempt(newTenant(), job.jobId, { failed: true })).toBeNull();
    });

    it('When ten attempts are cut short at once, then they count as one failure, and as none while one may still run', async () => {
      const { records, tenant, clock, reopen } = await setUp();
      const job = newJob();
      await records.createJob(tenant, job);
      const ten = (into: Records) => Promise.all(Array.from({ length: 10 }, () => into.startJob(tenant, job.jobId)));
      const failuresOf = (jobs: (Job | null)[]) => [...new Set(jobs.map((each) => each?.failures))];

      const first = await ten(records);
      await clock.advance(mostUnderWayMs);
      const beside = await ten(records);
      await clock.advance(1);
      const again = await reopen();
      const after = await ten(again);
      await clock.advance(mostUnderWayMs + 1);
      const later = await ten(again);

      expect(failuresOf(first)).toEqual([0]);
      expect(failuresOf(beside)).toEqual([0]);
      expect(failuresOf(after)).toEqual([1]);
      expect(failuresOf(later)).toEqual([2]);
      expect((await again.getJob(tenant, job.jobId))?.attempts).toBe(40);
    });

    it('When a job is created or finished twice, then the first call counts and its events are written once', async () => {
      const { records, tenant } = await setUp();
      const job = newJob();
      const events = [newOutboxEntry(), newOutboxEntry(), newOutboxEntry(), newOutboxEntry()] as const;

      await records.createJob(tenant, job, { outbox: [events[0]] });
      const again = await records.createJob(tenant, { ...job, request: { other: true } }, { outbox: [events[1]] });
      const outcomes = await Promise.all([
        records.finishJob(tenant, job.jobId, outcome, { outbox: [events[2]] }),
        records.finishJob(tenant, job.jobId, failure, { outbox: [events[3]] }),
      ]);

      expect(again.request).toEqual(job.request);
      expect(outcomes.map((each) => [each?.changed, each?.job.status])).toEqual([
        [true, 'completed'],
        [false, 'completed'],
      ]);
      expect(await records.startJob(tenant, job.jobId)).toEqual(outcomes[0]!.job);
      const pending = await outboxIds(records);
      expect(events.map(({ event }) => pending.includes(event.id))).toEqual([true, false, true, false]);
    });

    it('When a job has failed, then it keeps the error and the request, and can be queued again', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob();
      const made = await records.createJob(tenant, job);
      const early = await records.requeueJob(tenant, job.jobId);
      await records.startJob(tenant, job.jobId);
      await clock.advance(10);

      await records.finishJob(tenant, job.jobId, failure);
      const failed = await records.getJob(tenant, job.jobId);
      const [first, second] = [newOutboxEntry(), newOutboxEntry()];
      const queued = await records.requeueJob(tenant, job.jobId, { outbox: [first] });
      const again = await records.requeueJob(tenant, job.jobId, { outbox: [second] });

      expect(failed).toMatchObject({
        status: 'failed',
        error: failure.error,
        request: job.request,
        personId: job.personId,
      });
      expect(early).toEqual({ job: made, changed: false });
      expect(queued).toEqual({ job: made, changed: true });
      expect(again).toEqual({ job: made, changed: false });
      const pending = await outboxIds(records);
      expect([first, second].map(({ event }) => pending.includes(event.id))).toEqual([true, false]);
      expect(await records.requeueJob(newTenant(), job.jobId)).toBeNull();
    });

    it('When a job is cancelled, then it stays cancelled if it was never started, and does not change otherwise', async () => {
      const { records, tenant } = await setUp();
      const [waiting, begun] = [newJob(), newJob()];
      await records.createJob(tenant, waiting);
      await records.createJob(tenant, begun);
      await records.startJob(tenant, begun.jobId);
      const events = [newOutboxEntry(), newOutboxEntry(), newOutboxEntry()] as const;

      const cancelled = await records.cancelJob(tenant, waiting.jobId, { outbox: [events[0]] });
      const twice = await records.cancelJob(tenant, waiting.jobId, { outbox: [events[1]] });
      const late = await records.cancelJob(tenant, begun.jobId, { outbox: [events[2]] });

      expect(cancelled).toMatchObject({ changed: true, job: { status: 'cancelled', request: null, attempts: 0 } });
      expect(cancelled!.job.finishedAt).not.toBeNull();
      expect(twice).toEqual({ changed: false, job: cancelled!.job });
      expect(late).toMatchObject({ changed: false, job: { status: 'processing' } });
      expect(await records.startJob(tenant, waiting.jobId)).toEqual(cancelled!.job);
      expect((await records.finishJob(tenant, waiting.jobId, outcome))?.changed).toBe(false);
      expect(await records.cancelJob(newTenant(), waiting.jobId)).toBeNull();
      const pending = await outboxIds(records);
      expect(events.map(({ event }) => pending.includes(event.id))).toEqual([true, false, false]);
    });

    it('When a started job ends as cancelled, then it keeps the reason and not the request', async () => {
      const { records, tenant } = await setUp();
      const { jobId } = await records.createJob(tenant, newJob());
      await records.startJob(tenant, jobId);
      const error = { code: 'UPLOAD_NOT_FOUND', message: 'gone' };

      const ended = await records.finishJob(tenant, jobId, { status: 'cancelled', error });

      expect(ended).toMatchObject({ changed: true, job: { status: 'cancelled', error, request: null, result: null } });
      expect(ended!.job).toMatchObject({ attempts: 1, underWaySince: null, finishedAt: expect.any(Number) });
      expect(await records.requeueJob(tenant, jobId)).toMatchObject({ changed: false });
    });

    it('When jobs are listed, then they are returned in pages, newest first, and match the filter', async () => {
      const { records, tenant, clock } = await setUp();
      const made = [];
      for (const priority of ['low', 'high', 'low', 'low'] as const) {
        made.push((await records.createJob(tenant, newJob({ priority }))).jobId);
        await clock.advance(10);
      }
      await records.cancelJob(tenant, made[2]!);

      const first = await records.listJobs(tenant, {}, { limit: 3 });
      const rest = await records.listJobs(tenant, {}, { limit: 3, after: first.next! });
      const ids = async (filter: Parameters<Records['listJobs']>[1]) =>
        (await records.listJobs(tenant, filter, { limit: 10 })).items.map(({ jobId }) => jobId);

      expect([...first.items, ...rest.items].map(({ jobId }) => jobId)).toEqual(made.toReversed());
      expect(rest.next).toBeNull();
      expect(await ids({ priority: 'low' })).toEqual([made[3], made[2], made[0]]);
      expect(await ids({ status: 'queued', priority: 'low' })).toEqual([made[3], made[0]]);
      expect(await ids({ status: 'cancelled' })).toEqual([made[2]]);
      await expect(
        records.listJobs(tenant, { priority: 'low' }, { limit: 3, after: first.next! }),
      ).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
      expect((await records.listJobs(newTenant(), {}, { limit: 3 })).items).toEqual([]);
    });

    it('When a batch is created twice, then each item is stored once with its event, listed in order, and counted', async () => {
      const { records, tenant } = await setUp();
      const batchId = randomUUID();
      const batch = Array.from({ length: 12 }, (_, item) => ({
        job: newJob({ batchId, item }),
        outbox: [newOutboxEntry()],
      }));

      await records.createJobs(tenant, batch.slice(0, 5));
      const made = await records.createJobs(
        tenant,
        batch.map(({ job }) => ({ job, outbox: [newOutboxEntry()] })),
      );
      await records.finishJob(tenant, batch[3]!.job.jobId, failure);
      await records.createJob(tenant, newJob());

      const ids = batch.map(({ job }) => job.jobId);
      expect(made.map(({ jobId, item }) => [jobId, item])).toEqual(ids.map((id, i) => [id, i]));
      const page = await records.listBatch(tenant, batchId, {}, { limit: 7 });
      const rest = await records.listBatch(tenant, batchId, {}, { limit: 7, after: page.next! });
      expect([...page.items, ...rest.items].map(({ jobId }) => jobId)).toEqual(ids);
      const failed = await records.listBatch(tenant, batchId, { status: 'failed' }, { limit: 7 });
      expect(failed.items.map(({ item }) => item)).toEqual([3]);
      expect(await records.countBatch(tenant, batchId)).toEqual({
        queued: 11,
        processing: 0,
        completed: 0,
        failed: 1,
        cancelled: 0,
      });
      expect((await records.countBatch(newTenant(), batchId)).queued).toBe(0);
      const pending = await outboxIds(records);
      expect(batch.slice(0, 5).every(({ outbox }) => pending.includes(outbox[0]!.event.id))).toBe(true);
    });

    it('When jobs wait, then the backlog counts them, and finished ones can be expired', async () => {
      const { records, tenant, clock } = await setUp();
      // Expire the jobs of other tests: the backlog and the expiry are for all tenants.
      await clock.advance(24 * 60 * 60 * 1000);
      while ((await records.expireJobs(clock.now(), 1000)) > 0);
      const before = await records.backlog();
      const jobs = [newJob({ priority: 'high' }), newJob({ priority: 'high' }), newJob({ priority: 'low' })] as const;
      await records.createJob(tenant, jobs[0], { outbox: [newOutboxEntry()] });
      await records.createJob(tenant, jobs[1]);
      await records.createJob(tenant, jobs[2]);
      await records.startJob(tenant, jobs[0].jobId);
      await clock.advance(1234);
      await records.finishJob(tenant, jobs[0].jobId, outcome);

      const after = await records.backlog();
      const own = await Promise.all((['high', 'low', 'normal'] as const).map((lane) => records.lane(tenant, lane, 1)));
      const ofOther = await records.lane(newTenant(), 'high', 2);
      const early = await records.expireJobs(clock.now(), 1000);
      await clock.advance(1);
      const late = await records.expireJobs(clock.now(), 1000);

      expect(after.jobs.high - before.jobs.high).toBe(1);
      expect(after.jobs.low - before.jobs.low).toBe(1);
      expect(own.map((place) => place.own)).toEqual([1, 1, 0]);
      expect(own[0]!.last).toBeGreaterThanOrEqual(2);
      expect(own[0]!.last).toBeLessThanOrEqual(after.jobs.high + 1);
      expect(ofOther.own).toBe(0);
      expect(ofOther.last).toBeGreaterThanOrEqual(3);
      expect(after.outbox - before.outbox).toBe(1);
      expect(after.meanProcessingMs).toBe(1234);
      expect([early, late]).toEqual([0, 1]);
      expect(await records.getJob(tenant, jobs[0].jobId)).toBeNull();
      expect(await records.getJob(tenant, jobs[1].jobId)).not.toBeNull();
    });
  });
}
