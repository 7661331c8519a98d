import { expect, it } from 'vitest';
import { newEntry, unitVector } from '../../testing/vector-factories.ts';
import { createGallery } from './vector-gallery.ts';
import { searchGallery } from './vector-search.ts';

const dimension = 128;

function bigGallery(rows: number) {
  const gallery = createGallery(dimension);
  const embeddings = Array.from({ length: 50 }, () => unitVector(dimension));
  for (let i = 0; i < rows; i++) {
    gallery.put(newEntry(dimension, { faceId: `face-${i}`, imageId: 'image', embedding: embeddings[i % 50]! }));
  }
  return gallery;
}

it('When a big gallery is scanned, then other work runs in between and an abort ends the scan', async () => {
  const gallery = bigGallery(120_000);
  const controller = new AbortController();
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };

  const aborted = searchGallery(gallery, undefined, unitVector(dimension), { limit: 10, signal: controller.signal });
  setImmediate(() => controller.abort(new Error('enough')));
  await expect(aborted).rejects.toThrow('enough');
  setImmediate(count);
  const hits = await Promise.all(
    [1, 2, 3, 4].map(() => searchGallery(gallery, undefined, unitVector(dimension), { limit: 10 })),
  );
  done = true;

  expect(turns).toBeGreaterThan(1);
  expect(hits.map((found) => found.length)).toEqual([10, 10, 10, 10]);
});

it('When faces are added and removed while a search runs, then remaining faces are found and removed ones are not', async () => {
  const gallery = createGallery(dimension);
  const probe = unitVector(dimension);
  for (let i = 0; i < 120_000; i++) {
    gallery.put(newEntry(dimension, { faceId: `filler-${i}`, imageId: 'image', embedding: fillers[i % 50]! }));
  }
  const staying = newEntry(dimension, { faceId: 'last', embedding: probe });
  gallery.put(newEntry(dimension, { faceId: 'leaving', embedding: probe }));
  gallery.put(staying);

  const search = searchGallery(gallery, undefined, probe, { limit: 5 });
  setImmediate(() => {
    gallery.remove('filler-1');
    gallery.remove('leaving');
    gallery.put(newEntry(dimension, { faceId: 'coming', embedding: fillers[0]! }));
  });
  const hits = await search;

  expect(hits[0]?.faceId).toBe('last');
  expect(hits.map((hit) => hit.faceId)).not.toContain('leaving');
});

const fillers = Array.from({ length: 50 }, () => unitVector(dimension));

it('When a face is removed, then its embedding is overwritten and its slot is used again', () => {
  const gallery = createGallery(dimension);
  gallery.put(newEntry(dimension, { faceId: 'a' }));
  gallery.put(newEntry(dimension, { faceId: 'b' }));

  const slot = gallery.remove('a');

  expect(slot).toBe(0);
  expect([...gallery.blocks[0]!.subarray(0, dimension)].every((value) => value === 0)).toBe(true);
  expect(gallery.put(newEntry(dimension, { faceId: 'c' })).slot).toBe(0);
  expect(gallery.slots).toBe(2);
});
