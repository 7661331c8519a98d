import type { Engines } from '../../../engine-settings.ts';

export type IndexKind = Engines['milvus']['index'];

export type Metric = 'COSINE' | 'IP';

export interface IndexParams {
  readonly index_type: IndexKind;
  readonly metric_type: Metric;
  readonly params: Readonly<Record<string, number>>;
}

/** Parameters for one size of gallery. */
interface Row {
  /** Largest number of faces. */
  readonly upTo: number;
  readonly hnsw: { readonly M: number; readonly efConstruction: number; readonly ef: number };
  readonly ivf: { readonly nlist: number; readonly nprobe: number };
  readonly diskann: { readonly search_list: number };
  readonly cagra: {
    readonly intermediate_graph_degree: number;
    readonly graph_degree: number;
    readonly itopk_size: number;
    readonly search_width: number;
  };
}

/**
 * [Note: Index parameters by size of gallery]
 * HNSW: the degree and the breadth grow with the logarithm of the gallery; a larger ef gives a search more recall and takes longer.
 * IVF: the number of lists is about four times the square root of the number of faces; with more lists, a smaller share of them is probed.
 * DiskANN has one parameter. CAGRA: the degrees that its authors recommend, and a wider search for a larger graph. The values come from
 * Milvus' manual and the papers of the methods. They are not measured here: Milvus Lite searches new rows by brute force, and has
 * neither DiskANN nor a GPU.
 */
const rows: readonly Row[] = [
  {
    upTo: 10_000,
    hnsw: { M: 16, efConstruction: 200, ef: 64 },
    ivf: { nlist: 128, nprobe: 32 },
    diskann: { search_list: 64 },
    cagra: { intermediate_graph_degree: 64, graph_degree: 32, itopk_size: 64, search_width: 1 },
  },
  {
    upTo: 100_000,
    hnsw: { M: 16, efConstruction: 200, ef: 96 },
    ivf: { nlist: 1024, nprobe: 64 },
    diskann: { search_list: 96 },
    cagra: { intermediate_graph_degree: 64, graph_degree: 32, itopk_size: 128, search_width: 1 },
  },
  {
    upTo: 1_000_000,
    hnsw: { M: 24, efConstruction: 300, ef: 128 },
    ivf: { nlist: 4096, nprobe: 128 },
    diskann: { search_list: 128 },
    cagra: { intermediate_graph_degree: 96, graph_degree: 48, itopk_size: 128, search_width: 2 },
  },
  {
    upTo: 10_000_000,
    hnsw: { M: 32, efConstruction: 400, ef: 192 },
    ivf: { nlist: 8192, nprobe: 192 },
    diskann: { search_list: 192 },
    cagra: { intermediate_graph_degree: 128, graph_degree: 64, itopk_size: 256, search_width: 4 },
  },
  {
    upTo: Number.POSITIVE_INFINITY,
    hnsw: { M: 48, efConstruction: 500, ef: 256 },
    ivf: { nlist: 32_768, nprobe: 256 },
    diskann: { search_list: 256 },
    cagra: { intermediate_graph_degree: 128, graph_degree: 64, itopk_size: 512, search_width: 4 },
  },
];

/**
 * The metric of an index.
 *
 * [Note: Indexes on a GPU]
 * On a GPU Milvus has no cosine metric and returns at most 1,024 hits. The norm of a template is 1 ± 0.001, so the inner product is the
 * cosine within about a thousandth. A search for more hits returns the 1,024 nearest. From Milvus' manual (GPU Index Overview).
 */
export const metricOf = (kind: IndexKind): Metric => (kind === 'GPU_CAGRA' ? 'IP' : 'COSINE');

/** Largest number of hits of one search. */
export const mostHitsOf = (kind: IndexKind): number => (kind === 'GPU_CAGRA' ? 1024 : 16_384);

const rowFor = (faces: number): Row => rows.find(({ upTo }) => faces <= upTo)!;

/** Build parameters for a gallery of about `faces` faces. */
export function indexParams(kind: IndexKind, faces: number): IndexParams {
  const { hnsw, ivf, cagra } = rowFor(faces);
  const params: Record<IndexKind, Readonly<Record<string, number>>> = {
    HNSW: { M: hnsw.M, efConstruction: hnsw.efConstruction },
    IVF_FLAT: { nlist: ivf.nlist },
    DISKANN: {},
    GPU_CAGRA: { intermediate_graph_degree: cagra.intermediate_graph_degree, graph_degree: cagra.graph_degree },
  };
  return { index_type: kind, metric_type: metricOf(kind), params: params[kind] };
}

/**
 * Search parameters for the `limit` nearest faces; `limit` is at most `mostHitsOf`. `ef`, `search_list` and `itopk_size` must not be below
 * `limit`.
 */
export function searchParams(kind: IndexKind, faces: number, limit: number): Readonly<Record<string, number>> {
  const { hnsw, ivf, diskann, cagra } = rowFor(faces);
  switch (kind) {
    case 'HNSW':
      return { ef: Math.max(hnsw.ef, 2 * limit) };
    case 'IVF_FLAT':
      return { nprobe: ivf.nprobe };
    case 'DISKANN':
      return { search_list: Math.max(diskann.search_list, 2 * limit) };
    case 'GPU_CAGRA':
      return { itopk_size: roundedUp(Math.max(cagra.itopk_size, limit), 32), search_width: cagra.search_width };
  }
}

const roundedUp = (value: number, step: number): number => Math.ceil(value / step) * step;
