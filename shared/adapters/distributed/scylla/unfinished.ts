import type { Bound } from './client.ts';
import { drop, type Entry, platform, put } from './lists.ts';
import type { DocumentTable } from './statements.ts';

/** Work that has started, as it is stored. */
export interface Work {
  readonly kind: 'change' | 'enrolment' | 'deletion';
  readonly tenant: string;
  readonly table?: DocumentTable;
  readonly id: string;
  readonly [name: string]: unknown;
}

/** Records that the work has started. See: [Note: State after a crash] */
export const mark = (marker: Entry, work: Work): Bound[] => put('unfinished', platform, marker, JSON.stringify(work));

/** Records that the work has ended. */
export const unmark = (marker: Entry): Bound[] => drop('unfinished', platform, marker);
