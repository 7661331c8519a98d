import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGallery, type Gallery } from '../../shared/adapters/embedded/vector-gallery.ts';
import { createVectorIndex, type VectorIndex } from '../../shared/adapters/embedded/vector-index.ts';
import { searchGallery } from '../../shared/adapters/embedded/vector-search.ts';
import { openVectors } from '../../shared/adapters/embedded/vectors.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import type { SearchOptions, VectorEntry } from '../../shared/ports/vectors.ts';
import { median, type Row } from './rows.ts';

const section = 'vectors';
const facesEach = 5;
/** Cosine of a face with the direction of its person. Two photos of the same person then have a cosine of 0.64. */
const likeness = 0.8;
const limit = 10;

/**
 * Measures a search in 1,000, 10,000 and 100,000 templates, exact and with the index, and the recall of the index. Also measures how long
 * the store takes to write and to load. `quick` skips the index with 100,000 templates, because building it takes a minute.
 */
export async function measureVectors({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const dimension of [128, 512]) {
    for (const size of [1_000, 10_000, 100_000]) {
      const withIndex = size < 100_000 || !quick;
      rows.push(...(await measureSize(size, dimension, withIndex)));
    }
  }
  rows.push(...(await measureStore(quick ? 10_000 : 100_000, 512)));
  return rows;
}

async function measureSize(size: number, dimension: number, withIndex: boolean): Promise<Row[]> {
  const gallery = createGallery(dimension);
  const { mated, strangers } = drawPeople(size, dimension, (entry) => gallery.put(entry));
  const probes = [...mated, ...strangers];
  const name = `${size.toLocaleString('en')} × ${dimension}`;
  const exact = await medianMs(gallery, undefined, probes, { limit });
  const atFull = size === 100_000;
  const row = (what: string, value: number, unit: string, more: Partial<Row> = {}): Row => ({
    section,
    name: `${name}, ${what}`,
    value,
    unit,
    ...more,
  });
  const rows = [row('exact', exact, 'ms', atFull ? { goal: { atMost: 60 } } : {})];
  if (!withIndex) return rows;

  const started = performance.now();
  const index = createVectorIndex(gallery, { clock: systemClock });
  const stall = await caughtUp(index);
  const built = (performance.now() - started) / 1000;
  const fast = await medianMs(gallery, index, probes, { limit });
  const known = await recall(gallery, index, mated);
  const unknown = await recall(gallery, index, strangers);
  rows.push(
    row('index', fast, 'ms', atFull ? { goal: { atMost: 5 } } : {}),
    row('exact / index', exact / fast, '×'),
    row('index, nearest of a known face', 100 * known.first, '%', { goal: { atLeast: 99 } }),
    row(`index, ${limit} nearest of a known face`, 100 * known.all, '%'),
    row('index, nearest of a stranger', 100 * unknown.first, '%'),
    row(`index, ${limit} nearest of a stranger`, 100 * unknown.all, '%'),
    row('index, built in the background', built, 's', {
      note: `longest block of the event loop ${stall.toFixed(0)} ms`,
    }),
  );
  index.close();
  return rows;
}

async function medianMs(
  gallery: Gallery,
  index: VectorIndex | undefined,
  probes: readonly Float32Array[],
  options: SearchOptions,
): Promise<number> {
  const times: number[] = [];
  // The probes run twice: the first round only warms up the code.
  for (const probe of [...probes, ...probes]) {
    const started = performance.now();
    await searchGallery(gallery, index, probe, options);
    times.push(performance.now() - started);
  }
  return median(times.slice(probes.length));
}

/** Shares of the exact results that the index also returns: of the nearest result, and of the first `limit` results. */
async function recall(gallery: Gallery, index: VectorIndex, probes: readonly Float32Array[]) {
  let first = 0;
  let all = 0;
  for (const probe of probes) {
    const exact = await searchGallery(gallery, undefined, probe, { limit });
    const fast = new Set((await searchGallery(gallery, index, probe, { limit })).map((hit) => hit.faceId));
    if (fast.has(exact[0]!.faceId)) first++;
    all += exact.filter((hit) => fast.has(hit.faceId)).length / exact.length;
  }
  return { first: first / probes.length, all: all / probes.length };
}

/**
 * Waits until the index is built. Resolves to the longest time that the event loop was blocked meanwhile, in milliseconds of CPU time: on
 * a busy machine, wall-clock time would include the work of other processes.
 */
async function caughtUp(index: VectorIndex): Promise<number> {
  let longest = 0;
  while (index.behind()?.size !== 0) {
    const started = cpuMs();
    await new Promise((resolve) => setTimeout(resolve, 0));
    longest = Math.max(longest, cpuMs() - started);
  }
  return longest;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measureStore(size: number, dimension: number): Promise<Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freeface-bench-'));
  const space = { space: 'bench', dimension };
  // Without an index: building it would disturb the measurement.
  const options = { dataDir, clock: systemClock, indexAbove: Number.POSITIVE_INFINITY };
  try {
    const vectors = await openVectors(options);
    const entries: VectorEntry[] = [];
    drawPeople(size, dimension, (entry) => entries.push(entry));
    const writing = performance.now();
    for (let from = 0; from < size; from += 1000) {
      await vectors.upsert(defaultTenant, space, entries.slice(from, from + 1000));
    }
    const written = performance.now() - writing;
    const singles = performance.now();
    for (const entry of entries.slice(0, 200)) await vectors.upsert(defaultTenant, space, [entry]);
    const single = (performance.now() - singles) / 200;
    await vectors.close();
    const opening = performance.now();
    const again = await openVectors(options);
    const opened = performance.now() - opening;
    await again.close();
    const name = `${size.toLocaleString('en')} × ${dimension}`;
    return [
      { section, name: `${name}, opened`, value: opened, unit: 'ms' },
      { section, name: `${name}, written, 1,000 at once`, value: (1000 * size) / written, unit: '/s' },
      { section, name: 'one template, durable', value: single, unit: 'ms' },
    ];
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Draws random templates of people. Returns 100 probes of people in the gallery and 100 probes of strangers. */
function drawPeople(size: number, dimension: number, take: (entry: VectorEntry) => void) {
  const random = seededRandom(size + dimension);
  const mated: Float32Array[] = [];
  const strangers: Float32Array[] = [];
  let centre = direction(dimension, random);
  for (let i = 0; i < size; i++) {
    if (i % facesEach === 0) centre = direction(dimension, random);
    take({
      faceId: `face-${i}`,
      personId: `person-${Math.floor(i / facesEach)}`,
      imageId: `image-${i}`,
      embedding: near(centre, random),
      capturedAt: null,
      location: null,
    });
    if (i % Math.ceil(size / 100) === 0) {
      mated.push(near(centre, random));
      strangers.push(direction(dimension, random));
    }
  }
  return { mated, strangers };
}

function direction(dimension: number, random: () => number): Float32Array {
  // A sum of four uniform numbers is close enough to a normal distribution, and fast.
  return unit(Float32Array.from({ length: dimension }, () => random() + random() + random() + random() - 2));
}

function near(centre: Float32Array, random: () => number): Float32Array {
  const other = direction(centre.length, random);
  const sine = Math.sqrt(1 - likeness * likeness);
  return unit(centre.map((value, i) => likeness * value + sine * other[i]!));
}

function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  return vector.map((value) => value / norm);
}

function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 4_294_967_296;
  };
}
