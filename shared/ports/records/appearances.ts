import type { Area } from '../../domain/globe.ts';
import type { PlaceCell } from '../../domain/places.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { Face } from './faces.ts';

/**
 * Selects appearances of a person. An appearance must meet all conditions. Its time is the `capturedAt` of the face, or the
 * `createdAt` when `capturedAt` is null.
 */
export interface AppearanceFilter {
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Milliseconds since the epoch, exclusive. */
  readonly to?: number | undefined;
  /** A face without a location never matches. */
  readonly area?: Area | undefined;
}

export interface AppearanceSummary {
  readonly count: number;
  /** Time of the first appearance, in milliseconds since the epoch; null when `count` is 0. */
  readonly first: number | null;
  /** Time of the last appearance; null when `count` is 0. */
  readonly last: number | null;
  /** Cells of the appearances that have a location, in no particular order. */
  readonly cells: readonly PlaceCell[];
}

/** Appearances: the faces of one person by time and place. See: [Note: One store of records] */
export interface AppearanceRecords {
  /**
   * Faces of a person, ordered by the time of the appearance. A face that exists during the whole listing is returned
   * exactly once.
   */
  listAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options: PageOptions & { readonly order: 'oldest-first' | 'newest-first' },
  ): Promise<Page<Face>>;
  /** Summarises all appearances that match. Their number is not limited. */
  summarizeAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options?: CallOptions,
  ): Promise<AppearanceSummary>;
}
