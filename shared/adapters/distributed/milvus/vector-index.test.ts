import { describe, expect, it } from 'vitest';
import { type IndexKind, indexParams, metricOf, mostHitsOf, searchParams } from './vector-index.ts';

const kinds: readonly IndexKind[] = ['HNSW', 'IVF_FLAT', 'DISKANN', 'GPU_CAGRA'];
const sizes = [1, 10_000, 10_001, 100_000, 1_000_000, 10_000_000, 1e9];

describe('index parameters', () => {
  it.each([
    ['HNSW', 100_000, { M: 16, efConstruction: 200 }, { ef: 96 }],
    ['HNSW', 5_000_000, { M: 32, efConstruction: 400 }, { ef: 192 }],
    ['IVF_FLAT', 1_000_000, { nlist: 4096 }, { nprobe: 128 }],
    ['DISKANN', 10_000_000, {}, { search_list: 192 }],
    ['GPU_CAGRA', 1_000_000, { intermediate_graph_degree: 96, graph_degree: 48 }, { itopk_size: 128, search_width: 2 }],
  ] as const)(
    'When %s is built for %i faces, then the build and search parameters have these values',
    (kind, faces, build, search) => {
      expect(indexParams(kind, faces)).toEqual({ index_type: kind, metric_type: metricOf(kind), params: build });
      expect(searchParams(kind, faces, 10)).toEqual(search);
    },
  );

  it.each(kinds)('When the gallery of %s grows, then no parameter becomes smaller', (kind) => {
    const all = sizes.map((faces) => ({ ...indexParams(kind, faces).params, ...searchParams(kind, faces, 10) }));

    all.slice(1).forEach((larger, i) => {
      for (const [name, value] of Object.entries(all[i]!)) expect(larger[name]).toBeGreaterThanOrEqual(value);
    });
  });

  it.each(['HNSW', 'DISKANN', 'GPU_CAGRA'] as const)(
    'When %s is searched for many hits, then the search breadth is at least that number',
    (kind) => {
      for (const faces of sizes) {
        for (const limit of [1, 100, Math.min(4096, mostHitsOf(kind))]) {
          expect(Math.max(...Object.values(searchParams(kind, faces, limit)))).toBeGreaterThanOrEqual(limit);
        }
      }
    },
  );

  it('When an index is on a GPU, then it uses the inner product and no search parameter is above 1,024', () => {
    expect(kinds.map(metricOf)).toEqual(['COSINE', 'COSINE', 'COSINE', 'IP']);
    expect(Math.max(...Object.values(searchParams('GPU_CAGRA', 1e9, mostHitsOf('GPU_CAGRA'))))).toBe(1024);
  });

  it('When IVF is searched, then it probes at most the existing lists', () => {
    for (const faces of sizes) {
      expect(searchParams('IVF_FLAT', faces, 10).nprobe).toBeLessThanOrEqual(
        indexParams('IVF_FLAT', faces).params.nlist!,
      );
    }
  });
});
