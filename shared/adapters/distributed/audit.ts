import { eachOf } from '../../domain/each-of.ts';
import type { Audit, AuditEntry, AuditFilter } from '../../ports/audit.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import { asTenant, type Tenant } from '../../ports/tenant.ts';
import { auditWriter, blockOf, entryAt, subjectsOf } from './audit-chains.ts';
import { atOnce } from './records-images.ts';
import { pageOf, walk } from './scylla/lists.ts';
import { openScyllaStore, type ScyllaStore, type ScyllaStoreOptions, tenantsSeen } from './scylla/store.ts';

/**
 * The audit log in ScyllaDB: one chain for each process and tenant. See: [Note: One chain for each writer]
 *
 * [Note: Durable in a cluster]
 * An entry is written to a quorum of the replicas. By default each node writes its commit log to disk every ten seconds. So an acknowledged
 * entry survives a power cut, unless a quorum of nodes loses power within these seconds.
 */
export async function openAudit(options: ScyllaStoreOptions): Promise<Audit> {
  return auditOn(openScyllaStore('audit', options));
}

/** Exported for tests of crashes. */
export function auditOn(store: ScyllaStore): Audit {
  const writer = auditWriter(store);
  return {
    append: (tenant, entry, call) => store.write(call, () => writer.append(tenant, entry, call)),
    list: (tenant, filter, call) => store.read(call, () => list(store, tenant, filter, call)),
    chains: (tenant, call) => chains(store, tenant, call?.signal),
    tenants: (call) => store.read(call, async () => (await tenantsSeen(store.scylla, 'audit')).map(asTenant)),
    close: () => store.close(),
  };
}

/** Reads the list that is probably the shortest: of a subject, else of the request, else of the actor, else of all entries. */
async function list(
  store: ScyllaStore,
  tenant: string,
  filter: AuditFilter,
  options: PageOptions,
): Promise<Page<AuditEntry>> {
  const { scylla } = store;
  const listing = JSON.stringify(['audit', tenant, Object.entries(filter).sort()]);
  const scope =
    (filter.personId && subjectsOf.person(filter.personId)) ??
    (filter.faceId && subjectsOf.face(filter.faceId)) ??
    (filter.imageId && subjectsOf.image(filter.imageId)) ??
    (filter.requestId && subjectsOf.request(filter.requestId)) ??
    (filter.actor && subjectsOf.actor(filter.actor));
  const table = scope === undefined ? 'audit_by_time' : 'audit_by_subject';
  return await pageOf(scylla, await store.tokens(), listing, table, tenant, {
    ...options,
    scope,
    order: 'down',
    from: filter.from,
    to: filter.to,
    load: (entries) =>
      eachOf(entries, atOnce, async ({ id }) => {
        const { chain, sequence } = entryAt(id);
        const [row] = await scylla.rows('audit:entry', [tenant, chain, blockOf(sequence), sequence]);
        if (row === undefined) return null;
        const entry = parsed(row.data as string);
        return matches(entry, filter) ? entry : null;
      }),
  });
}

function matches({ subjects, ...entry }: AuditEntry, filter: AuditFilter): boolean {
  const is = (wanted: string | undefined, value: string | null) => wanted === undefined || wanted === value;
  const has = (wanted: string | undefined, values: readonly string[]) =>
    wanted === undefined || values.includes(wanted);
  return (
    is(filter.actor, entry.actor) &&
    is(filter.action, entry.action) &&
    is(filter.requestId, entry.requestId) &&
    has(filter.personId, subjects.persons) &&
    has(filter.faceId, subjects.faces) &&
    has(filter.imageId, subjects.images)
  );
}

/** Reads each chain block by block, up to the first missing block. */
async function* chains(
  store: ScyllaStore,
  tenant: Tenant,
  signal: AbortSignal | undefined,
): AsyncGenerator<AuditEntry> {
  const names = await store.read({ signal }, async () => {
    const all: string[] = [];
    for await (const { id } of walk(store.scylla, 'audit_chains', tenant, { order: 'up', step: 1000 })) all.push(id);
    return all;
  });
  for (const chain of names) {
    for (let block = 0; ; block++) {
      signal?.throwIfAborted();
      const rows = await store.read({ signal }, () => store.scylla.rows('audit:block', [tenant, chain, block]));
      if (rows.length === 0) break;
      for (const { data } of rows) yield parsed(data as string);
    }
  }
}

const parsed = (data: string): AuditEntry => JSON.parse(data) as AuditEntry;
