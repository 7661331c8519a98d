import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { openUploads } from '../../shared/adapters/embedded/uploads.ts';
import { changedNotice } from '../../shared/events/changed-notice.ts';
import { adapterOptions } from '../../shared/function/adapter-options.ts';
import type { Event } from '../../shared/ports/events.ts';
import { asTenant } from '../../shared/ports/tenant.ts';
import { cronPipeline } from '../../shared/runtime/cron-pipeline.ts';
import { eventPipeline } from '../../shared/runtime/event-pipeline.ts';
import { fakeExtractor, fakePhoto } from '../../shared/testing/fake-extractor.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { newEvent } from '../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';
import sweepOutbox from '../sweep-outbox/index.ts';
import ingestUpload from './index.ts';

const tenant = asTenant('default');
/** Embedded stores, except that a file counts as finished after 20 ms without growth. */
const openers = {
  ...embeddedOpeners,
  uploads: async (context: Parameters<typeof embeddedOpeners.uploads>[0]) =>
    openUploads({ ...adapterOptions(context), finishedAfterMs: 20 }),
};
const start = (watched: string, dataDir = folderWithWeights(), settings: Readonly<Record<string, string>> = {}) =>
  startPlatform(functions, { dataDir, openers, settings: { FREEFACE_WATCH: watched, ...settings } });

function put(watched: string, name: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(watched, name)), { recursive: true });
  writeFileSync(join(watched, name), bytes);
}

const facesOf = async ({ call }: TestPlatform, externalId: string): Promise<number | null> => {
  const { json } = await call('GET', `/api/v1/persons/by_external_id/${encodeURIComponent(externalId)}`);
  return json.data?.face_count ?? null;
};
const jobsOf = async ({ call }: TestPlatform) => (await call('GET', '/api/v1/faces/enroll/jobs')).json.data.jobs;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

/** A bucket notification as MinIO writes it. */
const notification = (keys: readonly string[], name = 's3:ObjectCreated:Put'): Event =>
  newEvent({
    type: 'dev.knative.kafka.event',
    partitionkey: keys[0],
    data: {
      EventName: name,
      Key: `freeface-uploads/${keys[0]}`,
      Records: keys.map((key) => ({
        s3: {
          bucket: { name: 'freeface-uploads' },
          object: { key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'), sequencer: '17F' },
        },
      })),
    },
  });

describe('the watched folder', () => {
  it('When photos are already there, are added or removed, then each is enrolled or erased once, also across restarts', async () => {
    const watched = temporaryFolder();
    const dataDir = folderWithWeights();
    put(watched, 'amaro/before.jpg', await drawPortrait({ person: 'amaro' }));
    put(watched, 'amaro/.hidden.jpg', await drawPortrait({ person: 'boris' }));
    put(watched, 'amaro/notes.txt', Buffer.from('hello'));

    const first = await start(watched, dataDir);
    await until(async () => (await facesOf(first, 'amaro')) === 1);
    put(watched, 'Doe,_Jürgen/a + b.jpg', await drawPortrait({ person: 'boris' }));
    await until(async () => (await facesOf(first, 'Doe,_Jürgen')) === 1);
    await first.close();
    put(watched, 'kira/while-away.jpg', await drawPortrait({ person: 'kira' }));
    rmSync(join(watched, 'amaro/before.jpg'));
    const second = await start(watched, dataDir);
    await until(async () => (await facesOf(second, 'kira')) === 1 && (await facesOf(second, 'amaro')) === 0);
    rmSync(join(watched, 'kira/while-away.jpg'));
    await until(async () => (await facesOf(second, 'kira')) === 0);

    const jobs = await jobsOf(second);
    expect(jobs.map((job: { external_id: string; status: string }) => [job.external_id, job.status]).sort()).toEqual([
      ['Doe,_Jürgen', 'completed'],
      ['amaro', 'completed'],
      ['kira', 'completed'],
    ]);
    const person = await second.call('GET', `/api/v1/persons/by_external_id/${encodeURIComponent('Doe,_Jürgen')}`);
    expect(person.json.data.name).toBe('Doe, Jürgen');
    expect((await second.ports.records.listImages(tenant, { limit: 10 })).items).toHaveLength(1);
    expect((await second.ports.records.backlog()).deadLetters).toBe(0);
  }, 60_000);

  it('When the folder is replaced by an empty one, as when a drive is not mounted, then no face is erased', async () => {
    const watched = join(temporaryFolder(), 'drive');
    const dataDir = folderWithWeights();
    put(watched, 'amaro/1.jpg', await drawPortrait({ person: 'amaro' }));
    const first = await start(watched, dataDir);
    await until(async () => (await facesOf(first, 'amaro')) === 1);
    await first.close();
    renameSync(watched, `${watched}-away`);
    mkdirSync(watched);

    const second = await start(watched, dataDir);
    const tried = () =>
      second.logs.some(({ function: name, msg }) => name === 'reconcile-uploads' && msg === 'run failed');
    await until(async () => tried());

    expect(await facesOf(second, 'amaro')).toBe(1);
  }, 60_000);
});

describe('notifications of a bucket', () => {
  it('When a notification arrives ten times, late or out of order, then there is one job, and the current file decides', async () => {
    const watched = temporaryFolder();
    const platform = await start(watched);
    const key = 'uploads/default/Zoë + Co/größe 1.jpg';
    const file = join(watched, 'default/Zoë + Co/größe 1.jpg');
    const seen = (count: number) => async () =>
      platform.logs.filter(({ event_type, status }) => event_type === 'dev.knative.kafka.event' && status === 204)
        .length >= count;
    put(watched, 'default/Zoë + Co/größe 1.jpg', await drawPortrait({ person: 'amaro' }));
    utimesSync(file, 1_700_000_000, 1_700_000_000);

    await platform.ports.events.publish('freeface.uploads', [notification([key], 's3:ObjectRemoved:Delete')]);
    await platform.ports.events.publish(
      'freeface.uploads',
      Array.from({ length: 10 }, () => notification([key])),
    );
    await until(async () => (await facesOf(platform, 'Zoë + Co')) === 1);
    await until(seen(11));
    // The face is visible a moment before the job is completed and has its person id.
    await until(async () => (await jobsOf(platform))[0].status === 'completed');
    const once = await jobsOf(platform);
    await platform.call('DELETE', `/api/v1/persons/${once[0].person_id}`);
    await platform.ports.events.publish('freeface.uploads', [notification([key])]);
    await until(seen(12));
    const erased = await facesOf(platform, 'Zoë + Co');
    put(watched, 'default/Zoë + Co/größe 1.jpg', await drawPortrait({ person: 'boris' }));
    await until(async () => (await facesOf(platform, 'Zoë + Co')) === 1);
    rmSync(file);
    await platform.ports.events.publish('freeface.uploads', [notification([key])]);
    await until(async () => (await facesOf(platform, 'Zoë + Co')) === 0);

    expect(once).toHaveLength(1);
    expect(erased).toBeNull();
    expect((await platform.ports.records.listFaces(tenant, {}, { limit: 10 })).items).toEqual([]);
    expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
  }, 60_000);

  it('When a message names several files and one is rejected, then the others are still enrolled', async () => {
    const watched = temporaryFolder();
    const platform = await start(watched);
    put(watched, 'nowhere/ada/1.jpg', await drawPortrait({ person: 'kira' }));
    put(watched, 'default/amaro/1.jpg', await drawPortrait({ person: 'amaro' }));
    const keys = ['uploads/nowhere/ada/1.jpg', 'uploads/default/amaro/1.jpg', 'elsewhere/x.jpg'];

    await platform.ports.events.publish('freeface.uploads', [
      notification(keys),
      newEvent({ type: 'dev.knative.kafka.event', data: { hello: 'world' } }),
    ]);
    await until(async () => (await facesOf(platform, 'amaro')) === 1);
    const letters = async () => (await platform.ports.records.listDeadLetters(tenant, {}, { limit: 9 })).items;
    // The folder is watched too, so the file may have a second dead letter.
    const kinds = async () => [...new Set((await letters()).map(({ type, reason }) => `${type} ${reason}`))].sort();
    await until(async () => (await kinds()).length === 2);

    expect(await kinds()).toEqual([
      'dev.knative.kafka.event VALIDATION_FAILED',
      'freeface.upload.changed.v1 TENANT_NOT_FOUND',
    ]);
  }, 60_000);

  it('When a file of another tenant cannot be enrolled, then only that tenant can read the dead letter', async () => {
    const watched = temporaryFolder();
    const platform = await start(watched, undefined, { FREEFACE_MAX_IMAGE_BYTES: '60000' });
    const { call } = platform;
    const letters = '/api/v1/events/dead_letters';
    const key = (await call('POST', '/api/v1/tenants', { json: { tenant: 'north', name: 'North' } })).json.data.api_key
      .key as string;
    put(watched, 'north/secret-name/1.jpg', Buffer.alloc(60_001));
    put(watched, 'default/amaro/1.jpg', await drawPortrait({ person: 'amaro' }));
    const message = notification(['uploads/north/secret-name/1.jpg', 'uploads/default/amaro/1.jpg']);

    // Deliver the message twice.
    await platform.ports.events.publish('freeface.uploads', [message, { ...message }]);
    const own = async () => (await call('GET', letters, { as: key })).json.data.dead_letters;
    await until(async () => (await own()).length > 0 && (await facesOf(platform, 'amaro')) === 1);
    const [letter] = await own();
    const shown = (await call('GET', `${letters}/${letter.dead_letter_id}`, { as: key })).json.data;
    const others = (await call('GET', letters)).json.data.dead_letters;
    const notOurs = await call('GET', `${letters}/${letter.dead_letter_id}`);
    const discarded = await call('DELETE', `${letters}/${letter.dead_letter_id}`, { as: key });

    expect(letter).toMatchObject({ type: 'freeface.upload.changed.v1', reason: 'IMAGE_TOO_LARGE' });
    expect(shown.event).toMatchObject({ tenant: 'north', data: { path: 'secret-name/1.jpg' } });
    expect(others).toEqual([]);
    expect(notOurs.status).toBe(404);
    expect(discarded.status).toBe(200);
  }, 60_000);

  it('When two files have the same photo and one is removed, then its faces stay until the other is removed too', async () => {
    const watched = temporaryFolder();
    const platform = await start(watched);
    const photo = await drawPortrait({ person: 'amaro' });
    put(watched, 'amaro/1.jpg', photo);
    await until(async () => (await facesOf(platform, 'amaro')) === 1);
    put(watched, 'amaro/2.jpg', photo);
    await until(
      async () =>
        (await jobsOf(platform)).filter(({ status }: { status: string }) => status === 'completed').length === 2,
    );

    rmSync(join(watched, 'amaro/1.jpg'));
    await until(
      async () =>
        platform.logs.filter(({ event_type, status }) => event_type === 'freeface.upload.changed.v1' && status === 204)
          .length >= 3,
    );
    const after = await facesOf(platform, 'amaro');
    rmSync(join(watched, 'amaro/2.jpg'));
    await until(async () => (await facesOf(platform, 'amaro')) === 0);

    expect(after).toBe(1);
  }, 60_000);

  it('When a photo shows no face, then its job fails once, and the sweep does not retry it', async () => {
    const watched = temporaryFolder();
    const dataDir = folderWithWeights();
    const first = await start(watched, dataDir);
    put(watched, 'nobody/1.jpg', await drawScene());
    await until(async () => (await jobsOf(first))[0]?.status === 'failed');
    await first.close();

    const second = await start(watched, dataDir);
    await until(async () => second.logs.some(({ function: name }) => name === 'reconcile-uploads'));

    expect(await jobsOf(second)).toMatchObject([{ status: 'failed', attempts: 1 }]);
  }, 60_000);
});

describe('a file that is replaced', () => {
  /** A fake extractor that waits until the test calls `release`. */
  function heldExtractor() {
    const inner = fakeExtractor({ latencyMs: () => 0, working: 4 });
    const held: (() => void)[] = [];
    let free = false;
    return {
      extractor: {
        ...inner,
        extract: async (...args: Parameters<typeof inner.extract>) => {
          if (!free) await new Promise<void>((resolve) => held.push(resolve));
          return inner.extract(...args);
        },
      },
      isHolding: async () => held.length > 0,
      release: () => {
        free = true;
        for (const go of held) go();
      },
    };
  }

  /** Starts a platform without the functions in `names`. The test sends their events with `notify`. */
  async function startWithout(names: RegExp, watched: string, dataDir = folderWithWeights()) {
    const { extractor, isHolding, release } = heldExtractor();
    const platform = await startPlatform(
      functions.filter(({ manifest }) => !names.test(manifest.name)),
      { dataDir, openers: { ...openers, extractor: async () => extractor }, settings: { FREEFACE_WATCH: watched } },
    );
    const ingest = eventPipeline(ingestUpload, platform.ports, platform.context);
    const publish = cronPipeline(sweepOutbox, platform.ports, platform.context);
    const notify = async (path: string) => {
      const { signal } = new AbortController();
      const answer = await ingest(changedNotice(tenant, path, platform.context).event, undefined, signal);
      await publish(signal);
      return answer;
    };
    return { platform, isHolding, release, notify };
  }

  const faces = async ({ ports }: TestPlatform) => (await ports.records.listFaces(tenant, {}, { limit: 9 })).items;
  const statuses = async (platform: TestPlatform): Promise<string[]> =>
    (await jobsOf(platform)).map(({ status }: { status: string }) => status).sort();

  it('When the job of the old file is running, then it ends first, so that no face is left when the file is removed', async () => {
    const watched = temporaryFolder();
    const { platform, isHolding, release, notify } = await startWithout(/^(ingest|reconcile)-uploads?$/, watched);
    put(watched, 'ada/1.jpg', fakePhoto(1));
    await notify('ada/1.jpg');
    await until(isHolding);

    put(watched, 'ada/1.jpg', fakePhoto(22));
    const early = await notify('ada/1.jpg');
    release();
    await until(async () => (await statuses(platform)).join() === 'completed');
    const replaced = await notify('ada/1.jpg');
    await until(async () => (await statuses(platform)).join() === 'completed,completed');
    const between = await faces(platform);
    rmSync(join(watched, 'ada/1.jpg'));
    await notify('ada/1.jpg');

    expect(early).toMatchObject({ status: 503, reason: 'BUSY' });
    expect(replaced.status).toBe(204);
    expect(between).toHaveLength(1);
    expect(await faces(platform)).toEqual([]);
  }, 60_000);

  it('When the job of the old file is queued, then it is cancelled, and no job fails', async () => {
    const [watched, dataDir] = [temporaryFolder(), folderWithWeights()];
    const first = await startWithout(/^(ingest|reconcile)-uploads?$|^process-enrollment/, watched, dataDir);
    put(watched, 'ada/1.jpg', fakePhoto(1));
    await first.notify('ada/1.jpg');
    put(watched, 'ada/1.jpg', fakePhoto(22));
    await first.notify('ada/1.jpg');
    const waiting = await statuses(first.platform);
    await first.platform.close();

    const { platform, release } = await startWithout(/^(ingest|reconcile)-uploads?$/, watched, dataDir);
    release();
    const done = () =>
      platform.logs.filter(({ function: name, status }) => /^process/.test(`${name}`) && status === 204);
    await until(async () => done().length === 2);

    expect(waiting).toEqual(['cancelled', 'queued']);
    expect(await statuses(platform)).toEqual(['cancelled', 'completed']);
    expect(await faces(platform)).toHaveLength(1);
    expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
  }, 60_000);

  it('When the old file is put back with its old time, then it is enrolled again', async () => {
    const watched = temporaryFolder();
    const { platform, release, notify } = await startWithout(/^(ingest|reconcile)-uploads?$/, watched);
    release();
    const kept = new Date('2026-01-01T00:00:00Z');
    const putOld = () => {
      put(watched, 'ada/1.jpg', fakePhoto(1));
      utimesSync(join(watched, 'ada/1.jpg'), kept, kept);
    };
    putOld();
    await notify('ada/1.jpg');
    await until(async () => (await statuses(platform)).join() === 'completed');
    const [before] = await faces(platform);
    put(watched, 'ada/1.jpg', fakePhoto(22));
    await notify('ada/1.jpg');
    await until(async () => (await statuses(platform)).join() === 'completed,completed');

    putOld();
    await notify('ada/1.jpg');
    await until(async () => (await statuses(platform)).join() === 'completed,completed,completed');

    expect((await faces(platform)).map(({ faceId }) => faceId)).toEqual([before!.faceId]);
  }, 60_000);
});
