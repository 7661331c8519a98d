import { randomUUID } from 'node:crypto';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';
import type { Engines } from '../../engine-settings.ts';
import { vectorsContract } from '../../ports/vectors.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { portProxy } from '../../testing/port-proxy.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { newEntry, unitVector } from '../../testing/vector-factories.ts';
import { checked, codes, load, openMilvus } from './milvus/client.ts';
import { collectionName, openCollections } from './milvus/collections.ts';
import { openVectors } from './vectors.ts';

it('When spaces differ, then the names of their collections differ', () => {
  const spaces = ['a.b-c', 'a-b.c', 'apb', 'a.b', 'a-b', 'ab'];

  const names = spaces.map((space) => collectionName('freeface', space));

  expect(new Set(names).size).toBe(spaces.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
});

describeEngine('milvus', 'distributed vectors', (milvus) => {
  const settings = { ...milvus, collectionPrefix: `test_${randomUUID().replaceAll('-', '')}` };
  const admin = openMilvus(milvus);
  const space = { space: 'own-64.p1', dimension: 64 };
  const open = async (changes: Partial<Engines['milvus']> = {}) => {
    const vectors = await openVectors({ engines: { milvus: { ...settings, ...changes } }, pageSize: 500 });
    onTestFinished(() => vectors.close());
    return vectors;
  };
  afterAll(async () => {
    const { data } = await admin.showCollections();
    for (const { name } of data) {
      if (name.startsWith(settings.collectionPrefix)) await admin.dropCollection({ collection_name: name });
    }
    await admin.closeConnection();
  });

  vectorsContract({
    name: 'contract',
    open: async () => {
      const vectors = await open();
      return {
        vectors,
        reopen: async () => {
          await vectors.close();
          return await open();
        },
      };
    },
  });

  it('When a collection is not loaded, for example after a restart, then it is loaded again', async () => {
    const vectors = await open();
    const tenant = newTenant();
    const entry = newEntry(64);
    await vectors.upsert(tenant, space, [entry]);
    const collection_name = collectionName(settings.collectionPrefix, space.space);

    await admin.releaseCollection({ collection_name });
    const hits = await vectors.search(tenant, space, entry.embedding, { limit: 1 });
    await admin.releaseCollection({ collection_name });
    const read = await vectors.get(tenant, space, [entry.faceId]);
    await admin.releaseCollection({ collection_name });
    const removed = await vectors.remove(tenant, [entry.faceId]);

    expect([hits.map(({ faceId }) => faceId), read.length, removed]).toEqual([[entry.faceId], 1, 1]);
  });

  it('When a collection with templates was dropped, then calls fail with STORE_UNAVAILABLE until a template is written again', async () => {
    const own = { space: 'dropped-64.p1', dimension: 64 };
    const vectors = await open();
    const tenant = newTenant();
    const entry = newEntry(64);
    await vectors.upsert(tenant, own, [entry]);
    await admin.dropCollection({ collection_name: collectionName(settings.collectionPrefix, own.space) });
    const search = () => vectors.search(tenant, own, entry.embedding, { limit: 1 });

    for (const ask of [search, search, () => vectors.count(tenant, own), () => vectors.get(tenant, own, ['any'])])
      await expect(ask()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });

    await vectors.upsert(tenant, own, [entry]);
    expect((await search()).map(({ faceId }) => faceId)).toEqual([entry.faceId]);
  });

  it('When a collection has no index, then the next write creates the index and loads the collection', async () => {
    const own = { space: 'left-64.p1', dimension: 64 };
    const collection_name = collectionName(settings.collectionPrefix, own.space);
    const tenant = newTenant();
    await (await open()).upsert(tenant, own, [newEntry(64)]);
    await admin.releaseCollection({ collection_name });
    await admin.dropIndex({ collection_name, field_name: 'embedding', index_name: 'embedding' });
    const entry = newEntry(64);
    const vectors = await open();

    await vectors.upsert(tenant, own, [entry]);

    const { index_descriptions } = await admin.describeIndex({ collection_name });
    expect(index_descriptions[0]?.params).toContainEqual({ key: 'index_type', value: 'HNSW' });
    const hits = await vectors.search(tenant, own, entry.embedding, { limit: 1, consistency: 'strong' });
    expect(hits.map(({ faceId }) => faceId)).toEqual([entry.faceId]);
  });

  it('When a collection does not finish loading, then the wait ends after its time limit or when it is aborted', async () => {
    await (await open()).upsert(newTenant(), space, [newEntry(64)]);
    const name = collectionName(settings.collectionPrefix, space.space);
    const client: typeof admin = Object.assign(Object.create(admin), {
      getLoadingProgress: async (request: { collection_name: string }) => ({
        ...(await admin.getLoadingProgress(request)),
        progress: '40',
      }),
    });
    const controller = new AbortController();

    const waiting = load(client, name, { withinMs: 60_000, signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow();
    await expect(load(client, name, { withinMs: 300 })).rejects.toMatchObject({
      code: codes.collectionNotLoaded,
      message: expect.stringContaining('only 40 % after 300 ms'),
    });
  });

  it('When many calls need a collection that is not loaded, then it is loaded once', async () => {
    await (await open()).upsert(newTenant(), space, [newEntry(64)]);
    const name = collectionName(settings.collectionPrefix, space.space);
    let [responses, loads] = [0, 0];
    const client: typeof admin = Object.assign(Object.create(admin), {
      async loadCollectionAsync(request: { collection_name: string }) {
        loads++;
        await vi.waitUntil(() => responses >= 10);
        return await admin.loadCollectionAsync(request);
      },
    });
    const collections = openCollections(client, settings);
    await admin.releaseCollection({ collection_name: name });
    const read = async () => {
      const answer = await client.query({ collection_name: name, filter: 'id != ""', output_fields: ['id'], limit: 1 });
      responses++;
      return checked('reading', answer).data;
    };

    const answers = await Promise.all(Array.from({ length: 10 }, () => collections.loaded(name, read)));

    expect(answers.every(({ length }) => length === 1)).toBe(true);
    expect([responses, loads]).toEqual([20, 1]);
  });

  it('When the index is on a GPU, then hits have their cosine and there are at most 1,024', async () => {
    const own = { space: 'gpu-64.p1', dimension: 64 };
    const collection_name = collectionName(settings.collectionPrefix, own.space);
    const tenant = newTenant();
    await (await open()).upsert(tenant, own, [newEntry(64)]);
    await admin.releaseCollection({ collection_name });
    await admin.dropIndex({ collection_name, field_name: 'embedding', index_name: 'embedding' });
    // The test server has no GPU. This index uses the same metric.
    const index = { field_name: 'embedding', index_name: 'embedding', index_type: 'FLAT', metric_type: 'IP' };
    await admin.createIndex({ collection_name, ...index });
    const vectors = await open({ index: 'GPU_CAGRA' });
    const entries = Array.from({ length: 1200 }, () => newEntry(64));
    await vectors.upsert(tenant, own, entries);
    const probe = entries[0]!.embedding;

    const hits = await vectors.search(tenant, own, probe, { limit: 2000, consistency: 'strong' });

    expect(hits).toHaveLength(1024);
    expect(hits[0]).toMatchObject({ faceId: entries[0]!.faceId, cosine: expect.closeTo(1, 5) });
    const cosines = entries.map(({ embedding }) => embedding.reduce((sum, value, i) => sum + value * probe[i]!, 0));
    expect(hits[1]!.cosine).toBeCloseTo(cosines.toSorted((a, b) => b - a)[1]!, 5);
  });

  it('When ids contain filter syntax, then they match only themselves', async () => {
    const vectors = await open();
    const [tenant, other] = [newTenant(), newTenant()];
    const evil = ['x" or tenant != "', 'x\\', "'; drop"];
    await vectors.upsert(other, space, [newEntry(64, { personId: 'person' })]);
    await vectors.upsert(
      tenant,
      space,
      evil.map((personId, i) => newEntry(64, { faceId: `${personId}${i}`, personId })),
    );
    const search = (personIds: string[]) =>
      vectors.search(tenant, space, unitVector(64), { limit: 10, filter: { personIds }, consistency: 'strong' });

    for (const personId of evil) {
      expect((await search([personId])).map((hit) => hit.personId)).toEqual([personId]);
    }
    expect(await vectors.remove(tenant, ['x" or tenant != "" or face_id == "'])).toBe(0);
    expect(await vectors.remove(tenant, [`${evil[0]}0`])).toBe(1);
    expect(await vectors.count(other, space)).toEqual({ assigned: 1, total: 1 });
  });

  it('When a bounded count is repeated, then a small one is counted again and a large one is cached', async () => {
    const vectors = await open();
    const keeping = await openVectors({ engines: { milvus: settings }, manyTemplates: 2 });
    onTestFinished(() => keeping.close());
    const tenant = newTenant();
    const count = async () => (await keeping.count(tenant, space, { consistency: 'bounded' })).assigned;
    const add = () => vectors.upsert(tenant, space, [newEntry(64, { personId: 'person' })]);

    const counts = [await count()];
    for (let i = 0; i < 3; i++) {
      await add();
      counts.push(await count());
    }

    expect(counts).toEqual([0, 1, 2, 2]);
    expect((await keeping.count(tenant, space)).assigned).toBe(3);
  });

  it('When a tenant has more faces than one page, then every id is listed once', async () => {
    const vectors = await open();
    const tenant = newTenant();
    const entries = Array.from({ length: 2300 }, () => newEntry(64));
    await vectors.upsert(tenant, space, entries);

    const listed: string[] = [];
    for await (const faceId of vectors.faceIds(tenant)) listed.push(faceId);

    expect(listed.toSorted()).toEqual(entries.map(({ faceId }) => faceId).toSorted());
  });

  it('When most of the nearest faces are outside the circle, then the faces inside are still found', async () => {
    const vectors = await open();
    const tenant = newTenant();
    const centre = { lat: 60, lon: 10 };
    const corners = Array.from({ length: 300 }, (_, i) =>
      newEntry(64, { location: { lat: 60.085, lon: 10.17 + i * 1e-6 } }),
    );
    const inside = newEntry(64, { location: centre });
    await vectors.upsert(tenant, space, [...corners, inside]);
    const probe = corners[0]!.embedding;

    const hits = await vectors.search(tenant, space, probe, {
      limit: 1,
      filter: { near: { ...centre, radiusMetres: 10_000 } },
      consistency: 'strong',
    });

    expect(hits.map(({ faceId }) => faceId)).toEqual([inside.faceId]);
  });

  it('When the server is down, then opening succeeds, calls fail in time, and they work once it is up', async () => {
    const [host, port] = milvus.address.split(':');
    const proxy = await portProxy({ host: host!, port: Number(port) });
    await proxy.down();
    const vectors = await open({ address: `127.0.0.1:${proxy.port}` });
    const tenant = newTenant();
    const entry = newEntry(64);
    const begun = performance.now();

    await expect(vectors.upsert(tenant, space, [entry])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const took = performance.now() - begun;
    await proxy.up();
    const written = () =>
      vectors.upsert(tenant, space, [entry]).then(
        () => 'written',
        () => 'down',
      );
    await expect.poll(written, { timeout: 20_000 }).toBe('written');
    proxy.restart();
    const read = () =>
      vectors.get(tenant, space, [entry.faceId]).then(
        (entries) => entries.length,
        () => 'down',
      );
    await expect.poll(read, { timeout: 20_000 }).toBe(1);

    expect(took).toBeLessThan(10_500);
  });

  it('When a call is aborted while the server hangs, then it rejects with the reason at once', async () => {
    const [host, port] = milvus.address.split(':');
    const proxy = await portProxy({ host: host!, port: Number(port) });
    const vectors = await open({ address: `127.0.0.1:${proxy.port}` });
    await vectors.count(newTenant(), space);
    const controller = new AbortController();
    proxy.hang();

    const waiting = vectors.count(newTenant(), space, { signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow('gone');
  });

  it('When the store is closed, then calls are refused', async () => {
    const vectors = await open();

    await vectors.close();

    await expect(vectors.count(newTenant(), space)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
