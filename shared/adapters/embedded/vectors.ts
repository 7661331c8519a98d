import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { VectorEntry, VectorSpace, Vectors } from '../../ports/vectors.ts';
import { openKeyFile } from './key-file.ts';
import { makePrivateFolder } from './private-files.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';
import { createShelf, type Shelf, type ShelfOptions } from './vector-shelf.ts';
import { openTemplates, type Templates } from './vector-templates.ts';

export type VectorsOptions = StoreOptions & ShelfOptions;

/**
 * Templates on disk in `vectors/templates.db`, encrypted with `vectors.key`. All templates are in memory for searching.
 *
 * [Note: Templates in an encrypted database]
 * Our own log file would need code, with tests, for torn writes and compaction. libSQL has all this, writes 20,000 templates of 512
 * numbers in 0.4 s and reads 100,000 in about a second. Encryption makes reading a twentieth slower and writing a third slower. Writes
 * of the same moment share one transaction.
 */
export async function openVectors(options: VectorsOptions): Promise<Vectors> {
  const { dataDir, clock } = options;
  makePrivateFolder(dataDir);
  const unlock = lockStore(join(dataDir, 'vectors.lock'));
  let templates: Templates | undefined;
  try {
    const path = join(dataDir, 'vectors', 'templates.db');
    const { secret } = await openKeyFile(join(dataDir, 'vectors.key'), async () => existsSync(path));
    templates = openTemplates(path, secret.toString('hex'), clock.now());
    const shelves = createShelves((dimension) => createShelf(dimension, options));
    await load(templates, shelves);
    return vectorsOn(templates, shelves, unlock);
  } catch (error) {
    templates?.close();
    unlock();
    throw error;
  }
}

/** By tenant and space. */
interface Shelves {
  /** A space keeps its first dimension. Errors: RangeError for another dimension. */
  fixDimension(tenant: Tenant, space: VectorSpace): void;
  find(tenant: Tenant, space: string): Shelf | undefined;
  findOrMake(tenant: Tenant, space: VectorSpace): Shelf;
  ofTenant(tenant: Tenant): Shelf[];
  /** Closes the empty shelves of a tenant. */
  tidy(tenant: Tenant): void;
  close(): void;
}

function createShelves(make: (dimension: number) => Shelf): Shelves {
  const byTenant = new Map<Tenant, Map<string, Shelf>>();
  const dimensions = new Map<string, number>();
  return {
    fixDimension(tenant, { space, dimension }) {
      const id = `${tenant}\n${space}`;
      const fixed = dimensions.get(id) ?? dimension;
      requireDimension(fixed, dimension, `space ${space}`);
      dimensions.set(id, fixed);
    },
    find: (tenant, space) => byTenant.get(tenant)?.get(space),
    findOrMake(tenant, { space, dimension }) {
      const spaces = byTenant.get(tenant) ?? new Map<string, Shelf>();
      byTenant.set(tenant, spaces);
      const shelf = spaces.get(space) ?? make(dimension);
      spaces.set(space, shelf);
      return shelf;
    },
    ofTenant: (tenant) => [...(byTenant.get(tenant)?.values() ?? [])],
    tidy(tenant) {
      const spaces = byTenant.get(tenant);
      for (const [space, shelf] of spaces ?? []) {
        if (shelf.gallery.total > 0) continue;
        shelf.close();
        spaces!.delete(space);
      }
      if (spaces?.size === 0) byTenant.delete(tenant);
    },
    close() {
      for (const spaces of byTenant.values()) for (const shelf of spaces.values()) shelf.close();
      byTenant.clear();
    },
  };
}

async function load(templates: Templates, shelves: Shelves): Promise<void> {
  let read = 0;
  for (const { tenant, space, entry } of templates.all()) {
    const ofSpace = { space, dimension: entry.embedding.length };
    shelves.fixDimension(tenant, ofSpace);
    shelves.findOrMake(tenant, ofSpace).put(entry);
    if (++read % 2000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function vectorsOn(templates: Templates, shelves: Shelves, unlock: () => void): Vectors {
  let closing: Promise<void> | undefined;

  const shelfOf = (tenant: Tenant, { space, dimension }: VectorSpace): Shelf | undefined => {
    if (closing !== undefined) throw new AppError('STORE_UNAVAILABLE', { message: 'vectors are closed' });
    const shelf = shelves.find(tenant, space);
    if (shelf !== undefined) requireDimension(shelf.gallery.dimension, dimension, `space ${space}`);
    return shelf;
  };

  return {
    lagMs: 0,
    async upsert(tenant, space, entries, options) {
      options?.signal?.throwIfAborted();
      shelfOf(tenant, space);
      for (const { faceId, embedding } of entries) requireUnit(embedding, space.dimension, `face ${faceId}`);
      if (entries.length === 0) return;
      shelves.fixDimension(tenant, space);
      // A copy, because the caller may change its arrays afterwards.
      const kept = entries.map((entry) => ({ ...entry, embedding: entry.embedding.slice() }));
      await templates.upsert(tenant, space.space, kept, options?.signal, () => {
        const shelf = shelves.findOrMake(tenant, space);
        for (const entry of kept) shelf.put(entry);
      });
    },
    async remove(tenant, faceIds, options) {
      options?.signal?.throwIfAborted();
      if (closing !== undefined) throw new AppError('STORE_UNAVAILABLE', { message: 'vectors are closed' });
      return await templates.remove(tenant, faceIds, options?.signal, () => {
        for (const shelf of shelves.ofTenant(tenant)) for (const faceId of faceIds) shelf.remove(faceId);
        shelves.tidy(tenant);
      });
    },
    async get(tenant, space, faceIds, options) {
      options?.signal?.throwIfAborted();
      const gallery = shelfOf(tenant, space)?.gallery;
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
      return (await shelfOf(tenant, space)?.search(probe, options)) ?? [];
    },
    async count(tenant, space, options) {
      options?.signal?.throwIfAborted();
      const gallery = shelfOf(tenant, space)?.gallery;
      return { assigned: gallery?.assigned ?? 0, total: gallery?.total ?? 0 };
    },
    async *faceIds(tenant, options) {
      const seen = new Set<string>();
      for (const { gallery } of shelves.ofTenant(tenant)) {
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
        shelves.close();
        unlock();
      });
      return closing;
    },
  };
}

function requireUnit(embedding: VectorEntry['embedding'], dimension: number, what: string): void {
  requireDimension(dimension, embedding.length, what);
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // The negation refuses NaN too.
  if (!(Math.abs(Math.sqrt(squares) - 1) <= 1e-3)) throw new RangeError(`${what}: not a vector of unit norm`);
}

function requireDimension(expected: number, actual: number, what: string): void {
  if (actual !== expected) throw new RangeError(`${what}: ${actual} numbers where ${expected} are expected`);
}
