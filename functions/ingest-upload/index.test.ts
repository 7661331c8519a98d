import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { openUploads } from '../../shared/adapters/embedded/uploads.ts';
import type { Event } from '../../shared/ports/events.ts';
import { asTenant } from '../../shared/ports/tenant.ts';
import { adapterOptions } from '../../shared/runtime/adapter-options.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { newEvent } from '../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';

const tenant = asTenant('default');
/** A file counts as finished at once where nothing else is said. */
const openers = {
  ...embeddedOpeners,
  uploads: async (context: Parameters<typeof embeddedOpeners.uploads>[0]) =>
    openUploads({ ...adapterOptions(context), finishedAfterMs: 20 }),
};
const start = (watched: string, dataDir = folderWithWeights()) =>
  startPlatform(functions, { dataDir, openers, settings: { FREEFACE_WATCH: watched } });

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

/** As MinIO writes it. */
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
  it('When photos lie there, come and go, then they are enrolled and erased, each once, also across restarts', async () => {
    const watched = temporaryFolder();
    const dataDir = folderWithWeights();
    put(watched, 'amaro/before.jpg', await drawPortrait({ person: 'amaro' }));
    put(watched, 'amaro/.hidden.jpg', await drawPortrait({ person: 'boris' }));
    put(watched, 'amaro/notes.txt', Buffer.from('hello'));

    const first = await start(watched, dataDir);
    await until(async () => (await facesOf(first, 'amaro')) === 1);
    put(watched, 'Jürgen Groß/a + b.jpg', await drawPortrait({ person: 'boris' }));
    await until(async () => (await facesOf(first, 'Jürgen Groß')) === 1);
    await first.close();
    put(watched, 'kira/while-away.jpg', await drawPortrait({ person: 'kira' }));
    rmSync(join(watched, 'amaro/before.jpg'));
    const second = await start(watched, dataDir);
    await until(async () => (await facesOf(second, 'kira')) === 1 && (await facesOf(second, 'amaro')) === 0);
    rmSync(join(watched, 'kira/while-away.jpg'));
    await until(async () => (await facesOf(second, 'kira')) === 0);

    const jobs = await jobsOf(second);
    expect(jobs.map((job: { external_id: string; status: string }) => [job.external_id, job.status]).sort()).toEqual([
      ['Jürgen Groß', 'completed'],
      ['amaro', 'completed'],
      ['kira', 'completed'],
    ]);
    expect((await second.ports.records.listImages(tenant, { limit: 10 })).items).toHaveLength(1);
    expect((await second.ports.records.backlog()).deadLetters).toBe(0);
  }, 60_000);

  it('When the folder vanishes, as a drive that is not mounted, then nobody is erased', async () => {
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
  it('When one comes ten times, late or out of order, then there is one job, and the file as it is counts', async () => {
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

  it('When a message names several files, then one that is refused does not keep the others from being enrolled', async () => {
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
    const letters = async () =>
      (await platform.ports.records.listDeadLetters(tenant, { type: 'dev.knative.kafka.event' }, { limit: 9 })).items;
    await until(async () => (await letters()).length === 2);

    expect((await letters()).map(({ reason }) => reason).sort()).toEqual(['TENANT_NOT_FOUND', 'VALIDATION_FAILED']);
  }, 60_000);

  it('When two files hold the same photo and one goes, then its faces stay until the other goes too', async () => {
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

  it('When a photo shows nobody, then its job fails once, and the sweep does not try it again and again', async () => {
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
