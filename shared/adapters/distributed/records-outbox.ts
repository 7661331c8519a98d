import type { OutboxEntry } from '../../ports/records/outbox.ts';
import { finishDeletion } from './records-deletion.ts';
import { claimsOfPersons, livePerson, type PersonDocument } from './records-persons.ts';
import { abandonedMs } from './scylla/claims.ts';
import { drop, platform, walk } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';
import type { Work } from './scylla/unfinished.ts';
import { microseconds } from './scylla/write-time.ts';

/** See `OutboxRecords.pendingOutbox`. Finishes abandoned work first, because its events may still be missing. */
export async function pendingOutbox(store: ScyllaStore, limit: number): Promise<{ id: string; entry: OutboxEntry }[]> {
  await healRecords(store, Date.now() - abandonedMs);
  const pending: { id: string; entry: OutboxEntry }[] = [];
  if (limit < 1) return pending;
  const wanted = { order: 'up', step: Math.min(limit, 1000) } as const;
  for await (const { at, id, data } of walk(store.scylla, 'outbox', platform, wanted)) {
    if (pending.push({ id: `${at}/${id}`, entry: JSON.parse(data) as OutboxEntry }) >= limit) break;
  }
  return pending;
}

/**
 * Finishes work that started before `before` and was abandoned. Resolves to the number of entries. Every sweep of the outbox does this,
 * because the events of abandoned work must be published too. See: [Note: State after a crash]
 */
export function healRecords(store: ScyllaStore, before: number): Promise<number> {
  return store.documents.heal(before, async ({ kind, tenant, id, personId, externalId }: Work) => {
    if (kind === 'deletion') await finishDeletion(store, tenant, id);
    if (kind !== 'enrolment' || typeof personId !== 'string') return;
    await livePerson(store, tenant, personId);
    if (typeof externalId !== 'string') return;
    const person = await store.documents.get<PersonDocument>('persons', tenant, personId);
    if (person?.externalId !== externalId) await claimsOfPersons(store).release(tenant, externalId, personId);
  });
}

/** See `OutboxRecords.settleOutbox`. */
export async function settleOutbox({ scylla }: ScyllaStore, ids: readonly string[]): Promise<void> {
  const bounds = ids.flatMap((each) => {
    const [at, id] = each.split('/');
    return id === undefined ? [] : drop('outbox', platform, { at: Number(at), id });
  });
  await scylla.write(bounds, microseconds());
}
