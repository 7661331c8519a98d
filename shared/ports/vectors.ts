import type { Location } from '../domain/face.ts';
import type { CallOptions, Tenant } from './tenant.ts';

/** A space of embeddings. Embeddings can be compared only within one space. */
export interface VectorSpace {
  /** `ModelIdentity.space`. */
  readonly space: string;
  /** Number of elements of an embedding. */
  readonly dimension: number;
}

export interface VectorEntry {
  readonly faceId: string;
  /** null: an unknown face. */
  readonly personId: string | null;
  readonly imageId: string;
  /** `dimension` numbers with L2 norm 1. */
  readonly embedding: Float32Array;
  /** When the photo was taken, in milliseconds since the epoch; null when unknown. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
}

/** Selects entries. An entry must meet all conditions. */
export interface VectorFilter {
  /** Only faces of these persons. An empty list matches nothing. */
  readonly personIds?: readonly string[] | undefined;
  /** true: only faces with a person. false: only unknown faces. */
  readonly assigned?: boolean | undefined;
  /** Faces to leave out. */
  readonly notFaceIds?: readonly string[] | undefined;
  /** Milliseconds since the epoch; both ends are included. A face without a time never matches. */
  readonly capturedBetween?: { readonly from: number; readonly to: number } | undefined;
  /** Great-circle distance. A face without a location never matches. */
  readonly near?: { readonly lat: number; readonly lon: number; readonly radiusMetres: number } | undefined;
}

export interface VectorHit {
  readonly faceId: string;
  readonly personId: string | null;
  readonly imageId: string;
  /** -1..1. */
  readonly cosine: number;
}

export interface SearchOptions extends CallOptions {
  /** 1..4096. */
  readonly limit: number;
  /** Hits with a smaller cosine are left out. Default -1. */
  readonly minCosine?: number | undefined;
  readonly filter?: VectorFilter | undefined;
  /**
   * Default `bounded`: writes of the last seconds may be missing. `strong`: every resolved write is visible, of other
   * processes too.
   */
  readonly consistency?: 'bounded' | 'strong' | undefined;
}

/**
 * The embeddings of the gallery. A resolved write survives a crash and is visible to every later read; a bounded search sees it within
 * `lagMs`.
 * Errors: RangeError for a wrong dimension, a vector whose norm is not 1 (±1e-3), or a number that is not finite.
 */
export interface Vectors {
  /** Longest time in milliseconds after which a bounded search sees a resolved write; 0: at once. */
  readonly lagMs: number;
  /** Inserts or replaces entries by `faceId`: all of them or none. */
  upsert(tenant: Tenant, space: VectorSpace, entries: readonly VectorEntry[], options?: CallOptions): Promise<void>;
  /** Deletes the faces from every space. Unknown ids are ignored. Resolves to the number of deleted entries. */
  remove(tenant: Tenant, faceIds: readonly string[], options?: CallOptions): Promise<number>;
  /** Entries in no particular order; unknown ids are skipped. */
  get(tenant: Tenant, space: VectorSpace, faceIds: readonly string[], options?: CallOptions): Promise<VectorEntry[]>;
  /** Nearest first; hits with equal cosine are ordered by `faceId`. */
  search(tenant: Tenant, space: VectorSpace, probe: Float32Array, options: SearchOptions): Promise<VectorHit[]>;
  /**
   * Number of templates that have a person, and of all templates. Default `strong`. `bounded`: as a bounded search sees them; a large
   * number may be some seconds old.
   */
  count(
    tenant: Tenant,
    space: VectorSpace,
    options?: CallOptions & Pick<SearchOptions, 'consistency'>,
  ): Promise<{ assigned: number; total: number }>;
  /** Every face id of a tenant in all spaces, each once. Used to compare with the records. */
  faceIds(tenant: Tenant, options?: CallOptions): AsyncIterable<string>;
  close(): Promise<void>;
}
