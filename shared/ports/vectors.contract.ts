import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import { newEntry, unitVector, vectorNear } from '../testing/vector-factories.ts';
import type { Tenant } from './tenant.ts';
import type { VectorEntry, VectorFilter, VectorHit, Vectors } from './vectors.ts';

/** A dimension that is not a multiple of four. */
const space = { space: 'test-30.p1', dimension: 30 };
const otherSpace = { space: 'test-128.p1', dimension: 128 };

/** Every promise of `Vectors`. `reopen` closes the store and opens the same data again. */
export function vectorsContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<{ vectors: Vectors; reopen(): Promise<Vectors> }>;
}) {
  const setUp = async () => {
    const { vectors, reopen } = await open(fakeClock());
    return { tenant: newTenant(), vectors: strongly(vectors), reopen: async () => strongly(await reopen()) };
  };

  describe(`${name}: entries`, () => {
    it('When entries are written, then they can be read with all fields, only in their tenant and space', async () => {
      const { vectors, tenant } = await setUp();
      const full = newEntry(30, {
        personId: randomUUID(),
        capturedAt: 1_700_000_000_123,
        location: { lat: -33.9, lon: 18.4, accuracy_m: 5 },
      });
      const bare = newEntry(30);

      await vectors.upsert(tenant, space, [full, bare]);

      const read = await vectors.get(tenant, space, [bare.faceId, randomUUID(), full.faceId, full.faceId]);
      expect(byId(read)).toEqual(byId([full, bare]));
      expect(await vectors.get(newTenant(), space, [full.faceId])).toEqual([]);
      expect(await vectors.get(tenant, otherSpace, [full.faceId])).toEqual([]);
      expect(await vectors.count(tenant, space)).toEqual({ assigned: 1, total: 2 });
      expect(await vectors.count(newTenant(), space, { consistency: 'bounded' })).toEqual({ assigned: 0, total: 0 });
    });

    it('When an entry is written again, then it is replaced', async () => {
      const { vectors, tenant } = await setUp();
      const first = newEntry(30, { personId: randomUUID(), capturedAt: 5, location: { lat: 1, lon: 2 } });
      await vectors.upsert(tenant, space, [first]);
      const second = newEntry(30, { faceId: first.faceId });

      await vectors.upsert(tenant, space, [second]);

      expect(await vectors.get(tenant, space, [first.faceId])).toEqual([second]);
      expect(await vectors.count(tenant, space)).toEqual({ assigned: 0, total: 1 });
      const hits = await vectors.search(tenant, space, second.embedding, { limit: 5 });
      expect(hits.map((hit) => hit.faceId)).toEqual([first.faceId]);
      expect(hits[0]?.cosine).toBeCloseTo(1, 5);
    });

    it('When one of several entries is invalid, then none is written', async () => {
      const { vectors, tenant } = await setUp();
      const good = newEntry(30);
      const wrong = [
        new Float32Array(29).fill(1 / Math.sqrt(29)),
        new Float32Array(30),
        new Float32Array(30).fill(1),
        Float32Array.from(good.embedding, (value, i) => (i === 3 ? Number.NaN : value)),
        Float32Array.from(good.embedding, (value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value)),
      ];

      for (const embedding of wrong) {
        const entries = [good, newEntry(30, { embedding })];
        await expect(vectors.upsert(tenant, space, entries)).rejects.toThrow(RangeError);
        await expect(vectors.search(tenant, space, embedding, { limit: 1 })).rejects.toThrow(RangeError);
      }

      expect(await vectors.count(tenant, space)).toEqual({ assigned: 0, total: 0 });
    });

    it('When a space is written with two dimensions at once, then the first one is valid and the other is a RangeError', async () => {
      const { vectors, tenant, reopen } = await setUp();
      const [first, second] = [newEntry(30), newEntry(31)];

      const outcomes = await Promise.allSettled([
        vectors.upsert(tenant, space, [first]),
        vectors.upsert(tenant, { ...space, dimension: 31 }, [second]),
      ]);

      expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: expect.any(RangeError) }]);
      expect(await (await reopen()).count(tenant, space)).toEqual({ assigned: 0, total: 1 });
    });

    it('When faces are removed, then they are deleted from every space, only for their tenant', async () => {
      const { vectors, tenant } = await setUp();
      const gone = newEntry(30, { personId: randomUUID() });
      const stays = newEntry(30);
      await vectors.upsert(tenant, space, [gone, stays]);
      await vectors.upsert(tenant, otherSpace, [newEntry(128, { faceId: gone.faceId })]);

      expect(await vectors.remove(newTenant(), [gone.faceId])).toBe(0);
      expect(await vectors.remove(tenant, [gone.faceId, randomUUID()])).toBe(2);
      expect(await vectors.remove(tenant, [gone.faceId])).toBe(0);

      expect(await vectors.get(tenant, space, [gone.faceId])).toEqual([]);
      expect(await vectors.count(tenant, space)).toEqual({ assigned: 0, total: 1 });
      expect(await vectors.count(tenant, otherSpace)).toEqual({ assigned: 0, total: 0 });
      const hits = await vectors.search(tenant, space, gone.embedding, { limit: 10 });
      expect(hits.map((hit) => hit.faceId)).toEqual([stays.faceId]);
      expect(await idsOf(vectors, tenant)).toEqual([stays.faceId]);
    });

    it('When face ids are listed, then each face of the tenant is returned once for all spaces', async () => {
      const { vectors, tenant } = await setUp();
      const both = newEntry(30);
      const one = newEntry(128);
      await vectors.upsert(tenant, space, [both]);
      await vectors.upsert(tenant, otherSpace, [newEntry(128, { faceId: both.faceId }), one]);
      await vectors.upsert(newTenant(), space, [newEntry(30)]);

      expect((await idsOf(vectors, tenant)).toSorted()).toEqual([both.faceId, one.faceId].toSorted());
    });

    it('When the caller changes its array after the call, then the stored entry stays', async () => {
      const { vectors, tenant } = await setUp();
      const entry = newEntry(30);
      const before = entry.embedding.slice();

      const writing = vectors.upsert(tenant, space, [entry]);
      entry.embedding.fill(0);
      await writing;
      (await vectors.get(tenant, space, [entry.faceId]))[0]!.embedding.fill(0);

      expect((await vectors.get(tenant, space, [entry.faceId]))[0]?.embedding).toEqual(before);
    });

    it('When the store is reopened, then entries and search results are the same', async () => {
      const { vectors, tenant, reopen } = await setUp();
      const entries = Array.from({ length: 50 }, () => newEntry(30, { personId: randomUUID(), capturedAt: 7 }));
      await vectors.upsert(tenant, space, entries);
      await vectors.remove(tenant, [entries[0]!.faceId]);
      const probe = unitVector(30);
      const before = await vectors.search(tenant, space, probe, { limit: 50 });

      const again = await reopen();

      expect(await again.search(tenant, space, probe, { limit: 50 })).toEqual(before);
      const ids = entries.map((entry) => entry.faceId);
      expect(byId(await again.get(tenant, space, ids))).toEqual(byId(entries.slice(1)));
      expect(await again.count(tenant, space)).toEqual({ assigned: 49, total: 49 });
    });

    it('When several callers write and remove at once, then every resolved write is visible', async () => {
      const { vectors, tenant } = await setUp();

      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const entry = newEntry(30);
          await vectors.upsert(tenant, space, [entry]);
          const hits = await vectors.search(tenant, space, entry.embedding, { limit: 1 });
          expect(hits[0]?.faceId).toBe(entry.faceId);
          if (i % 2 === 0) expect(await vectors.remove(tenant, [entry.faceId])).toBe(1);
        }),
      );

      expect(await vectors.count(tenant, space)).toEqual({ assigned: 0, total: 20 });
    });
  });

  describe(`${name}: search`, () => {
    it('When a gallery is searched, then the order is that of a plain sort, nearest first', async () => {
      const { vectors, tenant } = await setUp();
      const entries = Array.from({ length: 2500 }, () => newEntry(30));
      await vectors.upsert(tenant, space, entries);
      const probe = unitVector(30);

      const hits = await vectors.search(tenant, space, probe, { limit: 100 });

      const expected = plainSearch(entries, probe).slice(0, 100);
      expect(hits.map((hit) => hit.faceId)).toEqual(expected.map((hit) => hit.faceId));
      hits.forEach((hit, i) => {
        expect(hit).toEqual({
          faceId: expected[i]!.faceId,
          personId: null,
          imageId: expected[i]!.imageId,
          cosine: expect.closeTo(expected[i]!.cosine, 5),
        });
      });
    });

    it('When embeddings are equal, then the hits are ordered by face id, also at the limit', async () => {
      const { vectors, tenant } = await setUp();
      const embedding = unitVector(30);
      const entries = Array.from({ length: 9 }, () => newEntry(30, { embedding }));
      await vectors.upsert(tenant, space, entries);

      const hits = await vectors.search(tenant, space, embedding, { limit: 4 });

      const sorted = entries.map((entry) => entry.faceId).toSorted();
      expect(hits.map((hit) => hit.faceId)).toEqual(sorted.slice(0, 4));
      expect(hits.every((hit) => hit.cosine <= 1)).toBe(true);
    });

    it('When a lowest cosine is given, then hits with a smaller one are left out', async () => {
      const { vectors, tenant } = await setUp();
      const probe = unitVector(30);
      const near = newEntry(30, { embedding: vectorNear(probe, 0.8) });
      const far = newEntry(30, { embedding: vectorNear(probe, 0.5) });
      const opposite = newEntry(30, { embedding: vectorNear(probe, -1) });
      await vectors.upsert(tenant, space, [near, far, opposite]);
      const search = async (minCosine?: number) =>
        (
          await vectors.search(tenant, space, probe, minCosine === undefined ? { limit: 9 } : { limit: 9, minCosine })
        ).map((hit) => hit.faceId);

      expect(await search()).toEqual([near.faceId, far.faceId, opposite.faceId]);
      expect(await search(0.6)).toEqual([near.faceId]);
      expect(await search(0.9)).toEqual([]);
    });

    it('When several filters are given, then a hit meets all of them', async () => {
      const { vectors, tenant } = await setUp();
      const [ada, bob] = [randomUUID(), randomUUID()];
      const berlin = { lat: 52.52, lon: 13.405 };
      const potsdam = { lat: 52.39, lon: 13.06 };
      const entries = {
        adaOld: newEntry(30, { personId: ada, capturedAt: 1000, location: berlin }),
        adaNew: newEntry(30, { personId: ada, capturedAt: 2000, location: potsdam }),
        bob: newEntry(30, { personId: bob, capturedAt: 2000, location: berlin }),
        nobody: newEntry(30, { capturedAt: 1500, location: { lat: -52.52, lon: -166.6 } }),
        bare: newEntry(30),
      };
      await vectors.upsert(tenant, space, Object.values(entries));
      const names = new Map(Object.entries(entries).map(([name, entry]) => [entry.faceId, name]));
      const search = async (filter: VectorFilter) => {
        const hits = await vectors.search(tenant, space, unitVector(30), { limit: 10, filter });
        return hits.map((hit) => names.get(hit.faceId)).toSorted();
      };

      expect(await search({})).toEqual(['adaNew', 'adaOld', 'bare', 'bob', 'nobody']);
      expect(await search({ personIds: [ada, ada, randomUUID()] })).toEqual(['adaNew', 'adaOld']);
      expect(await search({ personIds: [] })).toEqual([]);
      expect(await search({ assigned: true })).toEqual(['adaNew', 'adaOld', 'bob']);
      expect(await search({ assigned: false })).toEqual(['bare', 'nobody']);
      expect(await search({ personIds: [ada], assigned: false })).toEqual([]);
      expect(await search({ notFaceIds: [entries.bob.faceId, entries.bare.faceId] })).toEqual([
        'adaNew',
        'adaOld',
        'nobody',
      ]);
      expect(await search({ capturedBetween: { from: 1000, to: 1500 } })).toEqual(['adaOld', 'nobody']);
      // Berlin to Potsdam is 27.5 km.
      expect(await search({ near: { ...berlin, radiusMetres: 27_000 } })).toEqual(['adaOld', 'bob']);
      expect(await search({ near: { ...berlin, radiusMetres: 28_000 } })).toEqual(['adaNew', 'adaOld', 'bob']);
      expect(
        await search({
          personIds: [ada, bob],
          capturedBetween: { from: 1500, to: 3000 },
          near: { ...berlin, radiusMetres: 1 },
        }),
      ).toEqual(['bob']);
    });

    it('When a circle crosses the date line, then faces on both sides match', async () => {
      const { vectors, tenant } = await setUp();
      const west = newEntry(30, { location: { lat: 0, lon: 179.99 } });
      await vectors.upsert(tenant, space, [west]);

      const near = { lat: 0, lon: -179.99, radiusMetres: 3000 };
      const hits = await vectors.search(tenant, space, west.embedding, { limit: 1, filter: { near } });

      expect(hits).toHaveLength(1);
    });

    it('When the person of a face changes, then the filters and the count follow', async () => {
      const { vectors, tenant } = await setUp();
      const entry = newEntry(30);
      await vectors.upsert(tenant, space, [entry]);
      const personId = randomUUID();
      const search = async (filter: VectorFilter) =>
        (await vectors.search(tenant, space, entry.embedding, { limit: 1, filter })).map((hit) => hit.personId);

      await vectors.upsert(tenant, space, [{ ...entry, personId }]);

      expect(await search({ personIds: [personId] })).toEqual([personId]);
      expect(await search({ assigned: false })).toEqual([]);
      expect(await vectors.count(tenant, space)).toEqual({ assigned: 1, total: 1 });
    });

    it('When the limit or the dimension is wrong, then the search is a RangeError', async () => {
      const { vectors, tenant } = await setUp();
      await vectors.upsert(tenant, space, [newEntry(30)]);

      for (const limit of [0, -1, 1.5, 4097]) {
        await expect(vectors.search(tenant, space, unitVector(30), { limit })).rejects.toThrow(RangeError);
      }
      await expect(vectors.search(tenant, space, unitVector(31), { limit: 1 })).rejects.toThrow(RangeError);
    });

    it('When the tenant or the space has no entries, then a search finds nothing', async () => {
      const { vectors, tenant } = await setUp();

      expect(await vectors.search(tenant, space, unitVector(30), { limit: 10 })).toEqual([]);
    });

    it('When the signal is already aborted, then the call rejects with its reason and changes nothing', async () => {
      const { vectors, tenant } = await setUp();
      const signal = AbortSignal.abort(new Error('gone'));
      const entry = newEntry(30);

      await expect(vectors.upsert(tenant, space, [entry], { signal })).rejects.toThrow('gone');
      await expect(vectors.search(tenant, space, entry.embedding, { limit: 1, signal })).rejects.toThrow('gone');

      expect(await vectors.count(tenant, space)).toEqual({ assigned: 0, total: 0 });
    });
  });
}

/** Makes every search strong, because a bounded one may miss the latest writes. */
const strongly = (vectors: Vectors): Vectors => ({
  ...vectors,
  search: (tenant, space, probe, options) =>
    vectors.search(tenant, space, probe, { ...options, consistency: 'strong' }),
});

const byId = (entries: VectorEntry[]) => entries.toSorted((a, b) => (a.faceId < b.faceId ? -1 : 1));

async function idsOf(vectors: Vectors, tenant: Tenant) {
  const ids: string[] = [];
  for await (const id of vectors.faceIds(tenant)) ids.push(id);
  return ids;
}

function plainSearch(entries: VectorEntry[], probe: Float32Array): VectorHit[] {
  return entries
    .map(({ faceId, personId, imageId, embedding }) => {
      const cosine = embedding.reduce((sum, value, i) => sum + value * probe[i]!, 0);
      return { faceId, personId, imageId, cosine };
    })
    .toSorted((a, b) => b.cosine - a.cosine);
}
