import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import ingestUpload from '../../functions/ingest-upload/index.ts';
import processEnrollmentNormal from '../../functions/process-enrollment-normal/index.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { openUploads } from '../adapters/embedded/uploads.ts';
import { AppError } from '../errors.ts';
import { changedNotice } from '../events/changed-notice.ts';
import { adapterOptions } from '../function/adapter-options.ts';
import type { Extractor } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import type { Records } from '../ports/records.ts';
import { asTenant } from '../ports/tenant.ts';
import { eventPipeline } from '../runtime/event-pipeline.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeExtractor, fakePhoto } from '../testing/fake-extractor.ts';
import { startPlatform } from '../testing/platform.ts';
import { newEvent } from '../testing/record-factories.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

const tenant = asTenant('default');
const path = 'ada/1.jpg';

/** A platform without running functions: the test handles each event itself. */
async function start() {
  const watched = temporaryFolder();
  const platform = await startPlatform([], {
    openers: {
      ...embeddedOpeners,
      extractor: async () => fakeExtractor({ latencyMs: () => 0, working: 4 }),
      // Always the watched folder, whatever engine the other ports use.
      uploads: (context) => openUploads(adapterOptions(context)),
    },
    settings: { FREEFACE_WATCH: watched, FREEFACE_MAX_IMAGE_BYTES: '4096' },
  });
  const { ports, context } = platform;
  const { signal } = new AbortController();
  const file = join(watched, path);
  let puts = 0;

  return {
    ports,
    /** Writes the file. Each put is a new version, except with an `at` that was used before (seconds since the epoch). */
    put(bytes: Uint8Array, at = 1_700_000_000 + ++puts): void {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
      utimesSync(file, at, at);
    },
    remove: () => rmSync(file),
    /** Handles a notice of the file. */
    notify: async (changed: Partial<Ports> = {}) =>
      (await eventPipeline(ingestUpload, { ...ports, ...changed }, context))(
        changedNotice(tenant, path, context).event,
        undefined,
        signal,
      ),
    /** Handles the event of a job. */
    work: async (jobId: string, changed: Partial<Ports> = {}) =>
      (await eventPipeline(processEnrollmentNormal, { ...ports, ...changed }, context))(
        newEvent({
          type: 'freeface.enrollment.requested.v1',
          tenant,
          priority: 'normal',
          data: { job_id: jobId, face_id: jobId },
        }),
        undefined,
        signal,
      ),
    /** Oldest first. */
    jobs: async () => (await ports.records.listJobs(tenant, {}, { limit: 9 })).items.toReversed(),
    faces: async () => (await ports.records.listFaces(tenant, {}, { limit: 9 })).items.map(({ faceId }) => faceId),
    templates: async () => {
      const found: string[] = [];
      for await (const faceId of ports.vectors.faceIds(tenant)) found.push(faceId);
      return found;
    },
  };
}

/** Simulates a process that dies at the `times`-th call of a method: that call and all later calls fail without effect. */
function dyingAt(records: Records, method: keyof Records, times = 1): Records {
  let left = times;
  const dead = async () => {
    throw new AppError('STORE_UNAVAILABLE', { message: 'the process is dead' });
  };
  return new Proxy(records, {
    get(target, name: keyof Records) {
      if (name === method && left > 0) left -= 1;
      return left === 0 ? dead : target[name];
    },
  });
}

describe('a file that is replaced', () => {
  it.each([
    ['another photo', fakePhoto(2), 'completed'],
    ['larger than allowed', Buffer.alloc(4097), undefined],
  ])(
    'When the new file is %s and no notice arrives before the job starts, then the job is cancelled with the reason, and the new file is handled',
    async (_, next, last) => {
      const { put, notify, work, jobs, faces } = await start();
      put(fakePhoto(1));
      await notify();
      const [first] = await jobs();

      put(next);
      const answer = await work(first!.jobId);
      await notify();
      const second = (await jobs())[1];
      if (second !== undefined) await work(second.jobId);
      const late = await work(first!.jobId);

      expect([answer.status, late.status]).toEqual([204, 204]);
      const [ended, done] = await jobs();
      expect(ended).toMatchObject({
        status: 'cancelled',
        error: { code: 'UPLOAD_NOT_FOUND', message: 'The file has changed since the job was created.' },
      });
      expect(done?.status).toBe(last);
      expect(await faces()).toEqual(done === undefined ? [] : [done.faceId]);
    },
  );

  it('When the file is deleted before the job starts, then the job is cancelled, and the same file with the same time, put back, is enrolled', async () => {
    const { put, remove, notify, work, jobs, faces } = await start();
    put(fakePhoto(1), 1_700_000_000);
    await notify();
    const [first] = await jobs();

    remove();
    await work(first!.jobId);
    put(fakePhoto(1), 1_700_000_000);
    await notify();
    const second = (await jobs())[1]!;
    await work(second.jobId);

    expect((await jobs()).map(({ status }) => status)).toEqual(['cancelled', 'completed']);
    expect(await faces()).toEqual([second.faceId]);
  });

  it('When a crash ends a job after its face was saved and the file is replaced, then the face is removed, in any order of job and notice', async () => {
    for (const order of ['job first', 'notice first']) {
      const { ports, put, notify, work, jobs, faces, templates } = await start();
      put(fakePhoto(1));
      await notify();
      const [first] = await jobs();
      const cutOff = await work(first!.jobId, { records: dyingAt(ports.records, 'finishJob') });
      const between = await faces();

      put(fakePhoto(2));
      const early = order === 'notice first' ? await notify() : null;
      await work(first!.jobId);
      const leftByJob = await faces();
      await notify();
      const second = (await jobs())[1]!;
      await work(second.jobId);

      expect(cutOff.status).toBe(503);
      expect(between).toHaveLength(1);
      // The job may still be running.
      if (early !== null) expect(early).toMatchObject({ status: 503, reason: 'BUSY' });
      expect(leftByJob).toEqual([]);
      expect((await jobs()).map(({ status }) => status)).toEqual(['cancelled', 'completed']);
      expect(await faces()).toEqual([second.faceId]);
      expect(await templates()).toEqual([second.faceId]);
    }
  });

  it('When a crash comes after the job was created and before the file is marked, then its face is removed when the file is replaced', async () => {
    const { ports, put, notify, work, jobs, faces } = await start();
    put(fakePhoto(1));
    const cutOff = await notify({ records: dyingAt(ports.records, 'saveUpload', 2) });
    const [first] = await jobs();
    await work(first!.jobId);
    const between = await faces();

    put(fakePhoto(2));
    await notify();
    const second = (await jobs())[1]!;
    await work(second.jobId);

    expect(cutOff.status).toBe(503);
    expect(between).toEqual([first!.faceId]);
    expect(await faces()).toEqual([second.faceId]);
  });

  it('When a crash comes before the job is created, then the next notice creates it once', async () => {
    const { ports, put, notify, work, jobs, faces } = await start();
    put(fakePhoto(1));
    await notify({ records: dyingAt(ports.records, 'createJob') });
    const before = await jobs();

    await notify();
    await notify();
    const made = await jobs();
    await work(made[0]!.jobId);

    expect(before).toEqual([]);
    expect(made).toHaveLength(1);
    expect(await faces()).toEqual([made[0]!.faceId]);
  });

  it('When a file is touched and touched back before its job starts, then one job is left, and it enrols the file', async () => {
    const { put, notify, work, jobs, faces } = await start();
    for (const at of [1_700_000_000, 1_700_000_001, 1_700_000_000]) {
      put(fakePhoto(1), at);
      await notify();
    }

    for (const { jobId } of await jobs()) await work(jobId);

    const made = await jobs();
    expect(made.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'completed']);
    expect(await faces()).toEqual([made[2]!.faceId]);
  });

  it('When two notices are handled at once and one has read an older file, then the newest file is recorded, and the other handling fails', async () => {
    const { ports, put, notify, work, jobs, faces } = await start();
    put(fakePhoto(1));
    const [held, newerIsKnown] = [deferred(), deferred()];
    const slow = {
      ...ports.records,
      createJob: async (...given: Parameters<Records['createJob']>) => {
        held.resolve();
        await newerIsKnown.promise;
        return ports.records.createJob(...given);
      },
    };

    const late = notify({ records: slow });
    await held.promise;
    put(fakePhoto(2));
    await notify();
    newerIsKnown.resolve();
    const answer = await late;
    for (const { jobId } of await jobs()) await work(jobId);
    put(fakePhoto(3));
    await notify();
    const third = (await jobs()).find(({ status }) => status === 'queued')!;
    await work(third.jobId);

    expect(answer).toMatchObject({ status: 503, reason: 'VERSION_CONFLICT' });
    expect((await jobs()).map(({ status }) => status).sort()).toEqual(['cancelled', 'completed', 'completed']);
    expect(await faces()).toEqual([third.faceId]);
  });

  it('When a second delivery of a job ends after the first and after the file was replaced, then it saves no face', async () => {
    const { ports, put, notify, work, jobs, faces, templates } = await start();
    put(fakePhoto(1));
    await notify();
    const [first] = await jobs();
    const [held, replaced] = [deferred(), deferred()];
    const slow: Extractor = {
      ...ports.extractor,
      extract: async (...given) => {
        held.resolve();
        await replaced.promise;
        return ports.extractor.extract(...given);
      },
    };

    const late = work(first!.jobId, { extractor: slow });
    await held.promise;
    await work(first!.jobId);
    put(fakePhoto(2));
    await notify();
    replaced.resolve();
    const answer = await late;

    expect(answer.status).toBe(204);
    expect((await jobs()).map(({ status }) => status)).toEqual(['completed', 'queued']);
    expect(await faces()).toEqual([]);
    expect(await templates()).toEqual([]);
  });
});
