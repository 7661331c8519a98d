import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { enrolPortrait } from '../../shared/testing/gallery.ts';
import { startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';

const path = '/api/v1/faces/enroll_batch';
const batchOf = async ({ call }: TestPlatform, id: string, query = '') =>
  (await call('GET', `${path}/${id}${query}`)).json;

/** Resolves to the batch when it is finished. */
async function finished(platform: TestPlatform, id: string) {
  for (;;) {
    const { data } = await batchOf(platform, id);
    if (data.status === 'finished') return data;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function platformWithFiles(files: Readonly<Record<string, Uint8Array | string>>, definitions = functions) {
  const watched = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(watched, name, '..'), { recursive: true });
    writeFileSync(join(watched, name), content);
  }
  // No function watches the folder: only batches name its files.
  const quiet = definitions.filter(({ manifest }) => !['reconcile-uploads', 'ingest-upload'].includes(manifest.name));
  return startPlatform(quiet, { settings: { FREEFACE_WATCH: watched } });
}

describe('faces/enroll_batch', () => {
  it('When a batch names images and files, then each is enrolled, and the batch shows each item in order', async () => {
    const platform = await platformWithFiles({
      'grace/1.jpg': await drawPortrait({ person: 'boris' }),
      'nobody/1.jpg': await drawScene(),
    });
    const { image_id } = await enrolPortrait(platform, { person: 'amaro' });
    const items = [
      { image_id, external_id: 'amaro' },
      { object_key: 'uploads/default/grace/1.jpg', external_id: 'grace', name: 'Grace' },
      { object_key: 'uploads/default/nobody/1.jpg' },
    ];

    const answer = await platform.call('POST', path, { json: { items, priority: 'high' } });
    const { batch_id } = answer.json.data;
    const batch = await finished(platform, batch_id);

    expect([answer.status, answer.json.data]).toEqual([
      202,
      { batch_id, items: 3, status: 'processing', estimated_completion: expect.any(String) },
    ]);
    expect(batch).toMatchObject({
      total: 3,
      counts: { queued: 0, processing: 0, completed: 2, failed: 1, cancelled: 0 },
      items: [
        { item: 0, status: 'completed', batch_id, priority: 'high', result: { image_id } },
        { item: 1, status: 'completed', external_id: 'grace', result: { status: 'enrolled' } },
        { item: 2, status: 'failed', error: { code: 'NO_FACE' }, result: null },
      ],
    });
    expect(batch.items[1].face_id).toBe(batch.items[1].result.face_id);
    const grace = await platform.call('GET', '/api/v1/persons/by_external_id/grace');
    expect(grace.json.data).toMatchObject({ name: 'Grace', face_count: 1 });
    const failed = await batchOf(platform, batch_id, '?status=failed');
    expect(failed.data.items.map(({ item }: { item: number }) => item)).toEqual([2]);
  });

  it('When the same batch with a manifest is sent again, then no job is created twice', async () => {
    const platform = await platformWithFiles({
      'boris/1.jpg': await drawPortrait({ person: 'boris' }),
      'lists/today.jsonl': '{"object_key":"uploads/default/boris/1.jpg","external_id":"boris"}\n\n',
    });
    const json = { batch_id: '00000000-0000-4000-8000-0000000000AA', manifest: 'uploads/default/lists/today.jsonl' };

    const answers = [await platform.call('POST', path, { json }), await platform.call('POST', path, { json })];
    const batch = await finished(platform, json.batch_id);

    expect(answers.map(({ status, json: { data } }) => [status, data.items, data.batch_id])).toEqual([
      [202, 1, json.batch_id.toLowerCase()],
      [202, 1, json.batch_id.toLowerCase()],
    ]);
    expect([batch.total, batch.items.length, batch.items[0].attempts]).toEqual([1, 1, 1]);
  });

  it('When items are wrong, then the response names each of them, and no item is accepted', async () => {
    const platform = await platformWithFiles({ 'lists/broken.json': '{"items": 3', 'lists/empty.json': '{}' });
    const items = [
      { object_key: 'uploads/default/grace/1.jpg', external_id: 'grace' },
      { image_id: '00000000-0000-4000-8000-000000000000' },
      { external_id: 'nothing' },
      { object_key: 'uploads/other/grace/1.jpg' },
      { object_key: 'uploads/default/../../etc/passwd' },
      { object_key: 'uploads/default/a/1.jpg', captured_at: '2999-01-01T00:00:00Z' },
    ];
    const codeOf = async (json: object) => (await platform.call('POST', path, { json })).json.error;

    const answer = await platform.call('POST', path, { json: { items } });

    expect(answer.status).toBe(400);
    expect(answer.json.error.details.map(({ field }: { field: string }) => field).sort()).toEqual([
      'items.0.object_key',
      'items.1.image_id',
      'items.2.image_id',
      'items.3.object_key',
      'items.4.object_key',
      'items.5.captured_at',
    ]);
    expect((await codeOf({})).details[0].field).toBe('items');
    expect((await codeOf({ manifest: 'uploads/default/lists/gone.json' })).code).toBe('UPLOAD_NOT_FOUND');
    expect((await codeOf({ manifest: 'uploads/default/lists/broken.json' })).details[0].issue).toBe(
      'is not valid JSON',
    );
    expect((await codeOf({ manifest: 'uploads/default/lists/empty.json' })).details[0].field).toBe('items');
    expect((await codeOf({ items: Array.from({ length: 1001 }, () => items[0]) })).details[0].field).toBe('items');
    expect((await platform.call('GET', '/api/v1/faces/enroll/jobs')).json.data.jobs).toEqual([]);
    expect((await batchOf(platform, '00000000-0000-4000-8000-000000000000')).error.code).toBe('BATCH_NOT_FOUND');
  });

  it('When a batch has a thousand items, then one request accepts them all', async () => {
    const withoutWorkers = functions.filter(({ manifest }) => !manifest.name.startsWith('process-enrollment'));
    const platform = await platformWithFiles({}, withoutWorkers as typeof functions);
    const { image_id } = await enrolPortrait(platform, { person: 'amaro' });
    const items = Array.from({ length: 1000 }, (_, i) => ({
      image_id,
      external_id: `person-${i}`,
      metadata: { note: 'x'.repeat(500), number: i },
    }));

    const answer = await platform.call('POST', path, { json: { items } });

    expect(answer.json).toMatchObject({ success: true, data: { items: 1000 } });
    const page = (await batchOf(platform, answer.json.data.batch_id, '?limit=500')).data;
    const rest = (await batchOf(platform, answer.json.data.batch_id, `?limit=500&page_token=${page.next_page_token}`))
      .data;
    expect([...page.items, ...rest.items].map(({ item }: { item: number }) => item)).toEqual(items.map((_, i) => i));
    expect([page.counts.queued, rest.has_more]).toEqual([1000, false]);
  });
});
