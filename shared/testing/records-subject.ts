import type { Page, PageOptions } from '../ports/pages.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Records } from '../ports/records.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { FakeClock } from './fake-clock.ts';
import { newEvent } from './record-factories.ts';

/** The store that a contract tests. */
export interface RecordsSubject {
  readonly records: Records;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Records>;
}

/** Opens a store for one test, with a new tenant and a clock that the test sets. */
export type RecordsSetUp = () => Promise<RecordsSubject & { readonly clock: FakeClock; readonly tenant: Tenant }>;

export const newOutboxEntry = (): OutboxEntry => ({ topic: 'some.topic', event: newEvent() });

/** Every page of a listing, from the position `from` or from the start. */
export async function allPages<T>(
  list: (options: PageOptions) => Promise<Page<T>>,
  limit: number,
  from?: string,
): Promise<Page<T>[]> {
  const pages: Page<T>[] = [];
  let after = from;
  do {
    const page = await list({ limit, after });
    pages.push(page);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return pages;
}
