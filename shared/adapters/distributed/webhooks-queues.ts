import { eachOf } from '../../domain/each-of.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { asTenant } from '../../ports/tenant.ts';
import type { Queue } from '../../ports/webhooks.ts';
import type { Bound } from './scylla/client.ts';
import { drop, type Entry, platform, put, walk } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';
import * as messages from './webhooks-messages.ts';

/**
 * State of a queue: who has the turn. See: [Note: Turns of a queue]
 *
 * [Note: Queues are checked when due]
 * The list `queues_due` has the times at which queues must be checked. Every pending message has an entry with its own due time. `callDue`
 * checks the queues with entries up to now and replaces their entries by one with the next time that matters. So few entries are
 * due at any time. A queue with pending messages always has an entry no later than the time when its message is due, its turn expires or
 * its rest ends. Turns are claimed with conditional writes; all other state of a queue follows from its messages.
 */
interface QueueDocument {
  /** Until this time a worker is called for the queue or has its turn. */
  readonly busyUntil: number;
  /** Nothing is sent before this time. */
  readonly restUntil: number;
  /** Id of the current turn; null: no worker has the turn. */
  readonly turn: string | null;
  /** No pending message is due before this time. Reads start here, so that they skip the entries of old messages. */
  readonly low: number;
}

/** Seconds until the database deletes an unused queue. A missing queue only needs more reads. */
const ttl = 7 * 24 * 60 * 60;
/** More than the clocks of processes differ, and more than a call that adds a message takes. */
const skewMs = 300_000;
/** Entries that one `callDue` reads, and queues that it checks in parallel. */
const [maxEntries, checksAtOnce] = [20_000, 8];

/** Marks the queue as called when a message is due and no worker is called or has the turn. Resolves to whether it did. */
export const call = (
  store: ScyllaStore,
  { tenant, queue }: Queue,
  { quietMs, signal }: CallOptions & { readonly quietMs: number },
): Promise<boolean> =>
  store.documents.change<QueueDocument, boolean>(
    'queues',
    tenant,
    queue,
    async (current) => {
      const at = store.now();
      const first = freeAt(current) > at ? null : await messages.first(store, tenant, queue, current?.low);
      if (first === null || first.message.dueAt > at) return { next: undefined, result: false };
      const next = { busyUntil: at + quietMs, restUntil: 0, turn: null, low: lowOf(first.message.dueAt, at) };
      return { next, ttl, result: true };
    },
    { signal },
  );

/** Like `call`, for all queues, those with the oldest entry first. Resolves to the queues to call a worker for. */
export async function callDue(
  store: ScyllaStore,
  { limit, ...options }: CallOptions & { readonly limit: number; readonly quietMs: number },
): Promise<Queue[]> {
  const checks = new Map<string, { readonly queue: Queue; readonly entries: Entry[] }>();
  let read = 0;
  const wanted = { order: 'up', to: store.now() + 1, step: 1000 } as const;
  for await (const { at, id } of walk(store.scylla, 'queues_due', platform, wanted)) {
    const [tenant, queue] = JSON.parse(id) as [string, string];
    const key = JSON.stringify([tenant, queue]);
    const queued = checks.get(key) ?? { queue: { tenant: asTenant(tenant), queue }, entries: [] };
    queued.entries.push({ at, id });
    checks.set(key, queued);
    if (++read >= maxEntries) break;
  }
  const waiting = [...checks.values()];
  const called: Queue[] = [];
  while (waiting.length > 0 && called.length < limit) {
    options.signal?.throwIfAborted();
    const some = waiting.splice(0, Math.min(checksAtOnce, limit - called.length));
    const due = await eachOf(some, checksAtOnce, ({ queue, entries }) => check(store, queue, entries, options));
    called.push(...some.filter((_, index) => due[index]).map(({ queue }) => queue));
  }
  return called;
}

/** Starts a turn. false: another worker has the turn, the queue is resting or empty, or the tenant already has `mostOfTenant` turns. */
export async function begin(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { leaseMs, mostOfTenant, signal }: CallOptions & { readonly leaseMs: number; readonly mostOfTenant: number },
): Promise<boolean> {
  const outcome = await store.documents.change<QueueDocument, 'started' | 'refused' | 'limited'>(
    'queues',
    tenant,
    queue,
    async (current) => {
      const at = store.now();
      const isTaken = current?.turn != null && current.busyUntil > at;
      const first =
        isTaken || (current?.restUntil ?? 0) > at ? null : await messages.first(store, tenant, queue, current?.low);
      if (first === null) return { next: undefined, result: 'refused' };
      const free = { restUntil: 0, low: lowOf(first.message.dueAt, at) };
      // Write the own turn before counting the others, so that of two parallel calls each sees the other.
      await store.scylla.write(put('queues_in_turn', tenant, inTurn(queue), String(at + leaseMs)), microseconds());
      return (await othersInTurn(store, tenant, queue, mostOfTenant)) < mostOfTenant
        ? { next: { ...free, busyUntil: at + leaseMs, turn }, ttl, result: 'started' }
        : // The next check calls a worker again.
          { next: { ...free, busyUntil: 0, turn: null }, ttl, result: 'limited' };
    },
    { signal },
  );
  if (outcome === 'limited') await store.scylla.write(drop('queues_in_turn', tenant, inTurn(queue)), microseconds());
  return outcome === 'started';
}

/** The message that is due first; null: no message is due, or the turn is lost. */
export async function next(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { leaseMs, signal }: CallOptions & { readonly leaseMs: number },
): ReturnType<typeof messages.first> {
  const current = await store.documents.get<QueueDocument>('queues', tenant, queue);
  if (current?.turn !== turn) return null;
  // Renew the lease only after a quarter of it, not for every message.
  const isKept =
    current.busyUntil >= store.now() + leaseMs * 0.75 ||
    (await change(store, { tenant, queue }, turn, { signal }, (mine) => ({
      ...mine,
      busyUntil: store.now() + leaseMs,
    })));
  const first = isKept ? await messages.first(store, tenant, queue, current.low) : null;
  return first === null || first.message.dueAt > store.now() ? null : first;
}

/** Ends a turn. Resolves to whether the caller must call a worker for the queue again. */
export async function end(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { restUntil, ...options }: CallOptions & { readonly restUntil: number; readonly quietMs: number },
): Promise<boolean> {
  // The next turn uses the same entry, so the deletion needs an earlier timestamp.
  const stamp = microseconds();
  const ended = await change(store, { tenant, queue }, turn, options, (mine) => ({
    ...mine,
    busyUntil: 0,
    restUntil,
    turn: null,
  }));
  if (!ended) return false;
  await store.scylla.write(drop('queues_in_turn', tenant, inTurn(queue)), stamp);
  // After the end: messages that were added until now found the queue busy, so no worker was called for them.
  return await call(store, { tenant, queue }, options);
}

/** Checks a queue. Resolves to whether it was called. Writes new entries before it deletes the handled ones. */
async function check(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  entries: readonly Entry[],
  options: CallOptions & { readonly quietMs: number },
): Promise<boolean> {
  const again = (at: number): Bound[] => put('queues_due', platform, { at, id: JSON.stringify([tenant, queue, '']) });
  const replace = async (later: readonly Bound[], done: readonly Entry[]) => {
    await store.scylla.write(later, microseconds());
    await store.scylla.write(
      done.flatMap((entry) => drop('queues_due', platform, entry)),
      microseconds(),
    );
  };
  const at = store.now();
  const current = await store.documents.get<QueueDocument>('queues', tenant, queue);
  if (freeAt(current) > at) {
    await replace(again(freeAt(current)), entries);
    return false;
  }
  if (await call(store, { tenant, queue }, options)) {
    await replace(again(at + options.quietMs), entries);
    return true;
  }
  const first = await messages.first(store, tenant, queue, current?.low);
  // Recent entries may belong to messages that are still being written, so keep them.
  const old = entries.filter((entry) => entry.at <= at - messages.strayMs || isOfQueue(entry));
  if (first === null) await replace([], old);
  else if (first.message.dueAt > at) await replace(again(first.message.dueAt), old);
  return false;
}

/** Changes a queue during this turn. false: the turn is lost. */
const change = (
  { documents }: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { signal }: CallOptions,
  become: (mine: QueueDocument) => QueueDocument,
): Promise<boolean> =>
  documents.change<QueueDocument, boolean>(
    'queues',
    tenant,
    queue,
    (current) =>
      current?.turn === turn ? { next: become(current), ttl, result: true } : { next: undefined, result: false },
    { signal },
  );

/** Number of turns of the tenant's other queues, counted up to `most`. */
async function othersInTurn(store: ScyllaStore, tenant: string, queue: string, most: number): Promise<number> {
  let count = 0;
  for await (const { id, at, data } of walk(store.scylla, 'queues_in_turn', tenant, { order: 'up', step: 100 })) {
    if (id === queue) continue;
    if (Number(data) > store.now() || (await isInTurn(store, tenant, { at, id }))) count++;
    if (count >= most) break;
  }
  return count;
}

/** Whether the turn of an expired entry was renewed. Otherwise deletes the entry. */
async function isInTurn({ scylla, documents, now }: ScyllaStore, tenant: string, entry: Entry): Promise<boolean> {
  const stamp = microseconds();
  const current = await documents.get<QueueDocument>('queues', tenant, entry.id);
  if (current?.turn != null && current.busyUntil > now()) return true;
  await scylla.write(drop('queues_in_turn', tenant, entry), stamp);
  return false;
}

const freeAt = (current: QueueDocument | null): number => Math.max(current?.busyUntil ?? 0, current?.restUntil ?? 0);
const lowOf = (dueAt: number, at: number): number => Math.min(dueAt, at - skewMs);
/** A tenant has few turns, so all of them are in one bucket. */
const inTurn = (queue: string): Entry => ({ at: 0, id: queue });
const isOfQueue = ({ id }: Entry): boolean => (JSON.parse(id) as string[])[2] === '';
