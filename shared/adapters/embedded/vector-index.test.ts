import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../ports/clock.ts';
import type { SearchOptions, VectorEntry } from '../../ports/vectors.ts';
import { newEntry, seededRandom, unitVector, vectorNear } from '../../testing/vector-factories.ts';
import { createGallery, type Gallery } from './vector-gallery.ts';
import { createVectorIndex, type VectorIndex } from './vector-index.ts';
import { searchGallery } from './vector-search.ts';
import { createShelf } from './vector-shelf.ts';

const dimension = 64;
const people = 1200;
const facesEach = 5;

/** People as an embedder maps them: the faces of one person are near one direction. */
function makePeople(seed: number) {
  const random = seededRandom(seed);
  const centres = Array.from({ length: people }, () => unitVector(dimension, random));
  const entries = centres.flatMap((centre, person) =>
    Array.from({ length: facesEach }, (_, face) =>
      newEntry(dimension, {
        faceId: `face-${person}-${face}`,
        personId: face === 4 ? null : `person-${person}`,
        imageId: 'image',
        embedding: vectorNear(centre, 0.8, random),
        capturedAt: face,
      }),
    ),
  );
  const mated = Array.from({ length: 150 }, (_, i) => vectorNear(centres[(i * 7) % people]!, 0.8, random));
  const strangers = Array.from({ length: 150 }, () => unitVector(dimension, random));
  return { random, entries, mated, strangers };
}

async function indexed(entries: readonly VectorEntry[]) {
  const gallery = createGallery(dimension);
  for (const entry of entries) gallery.put(entry);
  const index = createVectorIndex(gallery, { clock: systemClock });
  await caughtUp(index);
  return { gallery, index };
}

async function caughtUp(index: VectorIndex): Promise<void> {
  while (index.behind()?.size !== 0) await new Promise((resolve) => setImmediate(resolve));
}

/** Share of the first `limit` exact hits that the index also finds. */
async function recall(gallery: Gallery, index: VectorIndex, probes: readonly Float32Array[], options: SearchOptions) {
  let found = 0;
  let all = 0;
  for (const probe of probes) {
    const exact = await searchGallery(gallery, undefined, probe, options);
    const fast = await searchGallery(gallery, index, probe, options);
    const ids = new Set(fast.map((hit) => hit.faceId));
    found += exact.filter((hit) => ids.has(hit.faceId)).length;
    all += exact.length;
  }
  return found / all;
}

describe('an index that contains all changes', () => {
  const { entries, mated, strangers } = makePeople(1);
  let gallery: Gallery;
  let index: VectorIndex;
  beforeAll(async () => {
    ({ gallery, index } = await indexed(entries));
  }, 60_000);
  afterAll(() => index.close());

  it('When the index is used, then it finds the same faces as the exact scan, for people in the gallery and for strangers', async () => {
    expect(await recall(gallery, index, mated, { limit: 1 })).toBeGreaterThanOrEqual(0.99);
    expect(await recall(gallery, index, mated, { limit: 10 })).toBeGreaterThanOrEqual(0.97);
    expect(await recall(gallery, index, strangers, { limit: 1 })).toBeGreaterThanOrEqual(0.99);
    expect(await recall(gallery, index, strangers, { limit: 10 })).toBeGreaterThanOrEqual(0.97);
  });

  it.each([
    ['no face excluded', {}, 0.97],
    ['faces excluded', { notFaceIds: Array.from({ length: 40 }, (_, i) => `face-${i * 7}-0`) }, 0.97],
    ['most faces match', { assigned: true }, 0.97],
    ['a fifth matches', { assigned: false }, 0.97],
    ['a fifth matches, by time', { capturedBetween: { from: 2, to: 2 } }, 0.97],
    ['few match: exact', { capturedBetween: { from: 2, to: 2 }, assigned: false }, 1],
    ['one person: exact', { personIds: ['person-7'] }, 1],
  ] as const)(
    'When a filter is given and %s, then the hits are those of the exact scan',
    async (_, filter, least) => {
      const options = { limit: 10, filter };

      for (const probe of mated.slice(0, 20)) {
        const exact = await searchGallery(gallery, undefined, probe, options);
        const fast = await searchGallery(gallery, index, probe, options);
        expect(fast.length).toBe(exact.length);
        const byId = new Map(exact.map((hit) => [hit.faceId, hit]));
        for (const hit of fast) if (byId.has(hit.faceId)) expect(hit).toEqual(byId.get(hit.faceId));
      }
      if (least < 1) expect(await recall(gallery, index, mated, options)).toBeGreaterThanOrEqual(least);
    },
    60_000,
  );

  it('When a lowest cosine is given, then the index returns all hits above it and none below', async () => {
    for (const probe of mated) {
      const options = { limit: 100, minCosine: 0.5 };
      const exact = await searchGallery(gallery, undefined, probe, options);
      expect(await searchGallery(gallery, index, probe, options)).toEqual(exact);
    }
  });
});

it('When faces are added, removed and changed, then searches are correct before and after the index has caught up', async () => {
  const { random, entries } = makePeople(2);
  const { gallery, index } = await indexed(entries);
  onTestFinished(() => index.close());
  const gone = entries.filter((_, i) => i % 3 === 0);
  const changed = entries.filter((_, i) => i % 3 === 1).slice(0, 300);
  const come = Array.from({ length: 300 }, (_, i) =>
    newEntry(dimension, { faceId: `new-${i}`, embedding: unitVector(dimension, random) }),
  );

  for (const { faceId } of gone) index.touch(gallery.remove(faceId)!);
  const moved = changed.map((entry) => ({ ...entry, embedding: unitVector(dimension, random) }));
  for (const entry of [...moved, ...come]) index.touch(gallery.put(entry).slot);
  const check = async () => {
    for (const { embedding, faceId } of [...moved.slice(0, 50), ...come.slice(0, 50)]) {
      expect((await searchGallery(gallery, index, embedding, { limit: 1 }))[0]?.faceId).toBe(faceId);
    }
    for (const { embedding, faceId } of gone.slice(0, 100)) {
      const hits = await searchGallery(gallery, index, embedding, { limit: 20 });
      expect(hits).toHaveLength(20);
      expect(hits.map((hit) => hit.faceId)).not.toContain(faceId);
    }
  };

  await check();
  await caughtUp(index);
  await check();
}, 60_000);

it('When a gallery grows above the size for an index, then an index is built without blocking the event loop', async () => {
  const { entries } = makePeople(5);
  const shelf = createShelf(dimension, { clock: systemClock, indexAbove: 1000 * dimension });
  onTestFinished(() => shelf.close());
  let longest = 0;
  let last = performance.now();

  for (const entry of entries) shelf.put(entry);
  for (let turn = 0; turn < 500; turn++) {
    const now = performance.now();
    if (turn > 0) longest = Math.max(longest, now - last);
    last = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const hits = await shelf.search(entries[17]!.embedding, { limit: 1 });

  expect(hits[0]?.faceId).toBe(entries[17]!.faceId);
  // A slice takes 4 ms; the rest is tolerance for a busy machine.
  expect(longest).toBeLessThan(150);
});
