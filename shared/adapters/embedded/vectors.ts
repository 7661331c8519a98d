import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { VectorEntry, VectorSpace, Vectors } from '../../ports/vectors.ts';
import { openKeyFile } from './key-file.ts';
import { makePrivateFolder } from './private-files.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';
import { createGallery, type Gallery } from './vector-gallery.ts';
import { searchExactly } from './vector-search.ts';
import { openTemplates, type Templates } from './vector-templates.ts';

/**
 * Templates on disk in `vectors/templates.db`, encrypted with `vectors.key`; all of them in memory for searching.
 *
 * [Note: Templates in an encrypted database]
 * A log of our own would have to find torn tails, compact itself and prove both. libSQL does, and writes 20,000 templates of
 * 512 numbers in 0.4 s and reads 100,000 in 0.8 s, encryption included (it costs a twentieth of that). Writers that come
 * together share one transaction.
 */
export async function openVectors({ dataDir, clock }: StoreOptions): Promise<Vectors> {
  makePrivateFolder(dataDir);
  const unlock = lockStore(join(dataDir, 'vectors.lock'));
  let templates: Templates | undefined;
  try {
    const path = join(dataDir, 'vectors', 'templates.db');
    const { secret } = await openKeyFile(join(dataDir, 'vectors.key'), async () => existsSync(path));
    templates = openTemplates(path, secret.toString('hex'), clock.now());
    const galleries = await loadGalleries(templates);
    return vectorsOn(templates, galleries, unlock);
  } catch (error) {
    templates?.close();
    unlock();
    throw error;
  }
}

/** By tenant, then by space. */
type Galleries = Map<Tenant, Map<string, Gallery>>;

async function loadGalleries(templates: Templates): Promise<Galleries> {
  const galleries: Galleries = new Map();
  let read = 0;
  for (const { tenant, space, entry } of templates.all()) {
    galleryFor(galleries, tenant, { space, dimension: entry.embedding.length }).put(entry);
    if (++read % 2000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return galleries;
}

function vectorsOn(templates: Templates, galleries: Galleries, unlock: () => void): Vectors {
  let closing: Promise<void> | undefined;

  const galleryOf = (tenant: Tenant, { space, dimension }: VectorSpace): Gallery | undefined => {
    if (closing !== undefined) throw new AppError('STORE_UNAVAILABLE', { message: 'vectors are closed' });
    const gallery = galleries.get(tenant)?.get(space);
    if (gallery !== undefined) requireDimension(gallery.dimension, dimension, `space ${space}`);
    return gallery;
  };

  return {
    async upsert(tenant, space, entries, options) {
      options?.signal?.throwIfAborted();
      galleryOf(tenant, space);
      for (const { faceId, embedding } of entries) requireUnit(embedding, space.dimension, `face ${faceId}`);
      // What the caller does with its arrays afterwards is not our business.
      const kept = entries.map((entry) => ({ ...entry, embedding: entry.embedding.slice() }));
      await templates.upsert(tenant, space.space, kept, options?.signal, () => {
        const gallery = galleryFor(galleries, tenant, space);
        for (const entry of kept) gallery.put(entry);
      });
    },
    async remove(tenant, faceIds, options) {
      options?.signal?.throwIfAborted();
      return await templates.remove(tenant, faceIds, options?.signal, () => {
        const spaces = galleries.get(tenant);
        for (const [space, gallery] of spaces ?? []) {
          for (const faceId of faceIds) gallery.remove(faceId);
          if (gallery.total === 0) spaces!.delete(space);
        }
      });
    },
    async get(tenant, space, faceIds, options) {
      options?.signal?.throwIfAborted();
      const gallery = galleryOf(tenant, space);
      if (gallery === undefined) return [];
      const slots = [...new Set(faceIds)].map((faceId) => gallery.slotOf(faceId));
      return slots.filter((slot) => slot !== undefined).map((slot) => gallery.entry(slot));
    },
    async search(tenant, space, probe, options) {
      options.signal?.throwIfAborted();
      const { limit, minCosine = -1 } = options;
      if (!Number.isInteger(limit) || limit < 1 || limit > 4096) throw new RangeError('limit must be 1 to 4096');
      if (Number.isNaN(minCosine)) throw new RangeError('minCosine is not a number');
      requireUnit(probe, space.dimension, 'the probe');
      const gallery = galleryOf(tenant, space);
      return gallery === undefined ? [] : await searchExactly(gallery, probe, options);
    },
    async count(tenant, space, options) {
      options?.signal?.throwIfAborted();
      const gallery = galleryOf(tenant, space);
      return { assigned: gallery?.assigned ?? 0, total: gallery?.total ?? 0 };
    },
    async *faceIds(tenant, options) {
      const seen = new Set<string>();
      for (const gallery of galleries.get(tenant)?.values() ?? []) {
        for (const faceId of gallery.faceIds()) {
          options?.signal?.throwIfAborted();
          if (seen.has(faceId)) continue;
          seen.add(faceId);
          yield faceId;
        }
      }
    },
    close() {
      closing ??= templates.drained().then(() => {
        templates.close();
        galleries.clear();
        unlock();
      });
      return closing;
    },
  };
}

function galleryFor(galleries: Galleries, tenant: Tenant, { space, dimension }: VectorSpace): Gallery {
  let spaces = galleries.get(tenant);
  if (spaces === undefined) galleries.set(tenant, (spaces = new Map()));
  let gallery = spaces.get(space);
  if (gallery === undefined) spaces.set(space, (gallery = createGallery(dimension)));
  return gallery;
}

function requireUnit(embedding: VectorEntry['embedding'], dimension: number, what: string): void {
  requireDimension(dimension, embedding.length, what);
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // Written so that NaN fails as well.
  if (!(Math.abs(Math.sqrt(squares) - 1) <= 1e-3)) throw new RangeError(`${what}: not a vector of unit norm`);
}

function requireDimension(expected: number, actual: number, what: string): void {
  if (actual !== expected) throw new RangeError(`${what}: ${actual} numbers where ${expected} are expected`);
}
