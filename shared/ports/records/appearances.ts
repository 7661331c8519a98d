import type { Area } from '../../domain/globe.ts';
import type { PlaceCell } from '../../domain/places.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { Face } from './faces.ts';

/** Which appearances of a person; all conditions hold together. An appearance is at `capturedAt`, else at `createdAt`. */
export interface AppearanceFilter {
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  /** Faces without a location never match. */
  readonly area?: Area | undefined;
}

export interface AppearanceSummary {
  readonly count: number;
  /** Milliseconds since the epoch; null when there is none. */
  readonly first: number | null;
  readonly last: number | null;
  /** Of those with a location, in no particular order. */
  readonly cells: readonly PlaceCell[];
}

/** Appearances: the faces of one person by time and place. See: [Note: One store of records] */
export interface AppearanceRecords {
  /** Faces of a person by the time they were seen. Complete and without repeats for faces that stay. */
  listAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options: PageOptions & { readonly order: 'oldest-first' | 'newest-first' },
  ): Promise<Page<Face>>;
  /** Of all that match, however many. */
  summarizeAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options?: CallOptions,
  ): Promise<AppearanceSummary>;
}
