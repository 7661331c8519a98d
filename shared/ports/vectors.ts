import type { Location } from '../domain/face.ts';
import type { CallOptions, Tenant } from './tenant.ts';

/** Embeddings of one space are comparable with one another and with nothing else. */
export interface VectorSpace {
  /** `ModelIdentity.space`. */
  readonly space: string;
  readonly dimension: number;
}

export interface VectorEntry {
  readonly faceId: string;
  /** null: the face belongs to nobody yet. */
  readonly personId: string | null;
  readonly imageId: string;
  /** Unit L2 norm, `dimension` long. */
  readonly embedding: Float32Array;
  /** Milliseconds since the epoch. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
}

/** All conditions hold together. */
export interface VectorFilter {
  /** Only faces of these persons. An empty list matches nothing. */
  readonly personIds?: readonly string[] | undefined;
  /** true: only faces that belong to somebody; false: only those that belong to nobody. */
  readonly assigned?: boolean | undefined;
  readonly notFaceIds?: readonly string[] | undefined;
  /** Milliseconds since the epoch, both ends included. Faces without a time never match. */
  readonly capturedBetween?: { readonly from: number; readonly to: number } | undefined;
  /** Great-circle distance. Faces without a location never match. */
  readonly near?: { readonly lat: number; readonly lon: number; readonly radiusMetres: number } | undefined;
}

export interface VectorHit {
  readonly faceId: string;
  readonly personId: string | null;
  readonly imageId: string;
  /** -1..1 */
  readonly cosine: number;
}

export interface SearchOptions extends CallOptions {
  /** 1..4096 */
  readonly limit: number;
  /** Hits below are left out. Default -1. */
  readonly minCosine?: number | undefined;
  readonly filter?: VectorFilter | undefined;
  /** Default `bounded`: writes of the last seconds, of other processes too, may be missing. `strong`: every resolved write is seen. */
  readonly consistency?: 'bounded' | 'strong' | undefined;
}

/**
 * The gallery's embeddings. What a resolved write has done survives a crash and is seen by every later read; by a bounded search
 * within seconds.
 * Errors: RangeError for a wrong dimension or a vector that is not of unit norm (±1e-3) or not finite.
 */
export interface Vectors {
  /** How long after a resolved write a bounded search may not see it, in milliseconds; 0: never. */
  readonly lagMs: number;
  /** Inserts or replaces by faceId; all entries or none. */
  upsert(tenant: Tenant, space: VectorSpace, entries: readonly VectorEntry[], options?: CallOptions): Promise<void>;
  /** Removes from every space; unknown ids are no error. Resolves to how many entries were removed. */
  remove(tenant: Tenant, faceIds: readonly string[], options?: CallOptions): Promise<number>;
  /** Entries by id, in no particular order; unknown ids are left out. */
  get(tenant: Tenant, space: VectorSpace, faceIds: readonly string[], options?: CallOptions): Promise<VectorEntry[]>;
  /** Nearest first; ties by faceId. */
  search(tenant: Tenant, space: VectorSpace, probe: Float32Array, options: SearchOptions): Promise<VectorHit[]>;
  /**
   * Templates that belong to somebody, and all templates. Default `strong`; `bounded`: as a bounded search sees them, and of many
   * what was counted some seconds ago.
   */
  count(
    tenant: Tenant,
    space: VectorSpace,
    options?: CallOptions & Pick<SearchOptions, 'consistency'>,
  ): Promise<{ assigned: number; total: number }>;
  /** Every face id of a tenant over all spaces, for comparing with the records. */
  faceIds(tenant: Tenant, options?: CallOptions): AsyncIterable<string>;
  close(): Promise<void>;
}
