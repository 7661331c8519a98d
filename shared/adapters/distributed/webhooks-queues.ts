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
 * Who has the turn of a queue. See: [Note: Turns of a queue]
 *
 * [Note: Looked at when due]
 * `queues_due` says when to look at a queue: every pending message has put an entry there for its own time, and whoever looks
 * (`callDue`) puts off what need not be looked at yet to the time when it must be. So the entries up to now are few, and a queue with
 * something pending always has one no later than its message is due, its turn runs out or its rest ends. Turns are claimed by
 * condition; everything else about queues follows from the messages.
 */
interface QueueDocument {
  /** Called for, or having its turn, until then. */
  readonly busyUntil: number;
  readonly restUntil: number;
  readonly turn: string | null;
  /** Nothing that is pending is due before: what was sent long ago is not read again and again. */
  readonly low: number;
}

/** A queue is forgotten when nothing has happened for so long; it only costs reading. */
const ttl = 7 * 24 * 60 * 60;
/** Clocks of processes differ less, and no call that puts a message in takes longer. */
const skewMs = 300_000;
/** Entries that one look goes through, and queues looked at at once. */
const [mostEntries, looksAtOnce] = [20_000, 8];

/** Whether something is due that nobody was called for; somebody is from now on. */
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

/** The same for all queues, the longest due first. */
export async function callDue(
  store: ScyllaStore,
  { limit, ...options }: CallOptions & { readonly limit: number; readonly quietMs: number },
): Promise<Queue[]> {
  const looks = new Map<string, { readonly queue: Queue; readonly entries: Entry[] }>();
  let read = 0;
  const wanted = { order: 'up', to: store.now() + 1, step: 1000 } as const;
  for await (const { at, id } of walk(store.scylla, 'queues_due', platform, wanted)) {
    const [tenant, queue] = JSON.parse(id) as [string, string];
    const key = JSON.stringify([tenant, queue]);
    const look = looks.get(key) ?? { queue: { tenant: asTenant(tenant), queue }, entries: [] };
    look.entries.push({ at, id });
    looks.set(key, look);
    if (++read >= mostEntries) break;
  }
  const waiting = [...looks.values()];
  const called: Queue[] = [];
  while (waiting.length > 0 && called.length < limit) {
    options.signal?.throwIfAborted();
    const some = waiting.splice(0, Math.min(looksAtOnce, limit - called.length));
    const due = await eachOf(some, looksAtOnce, ({ queue, entries }) => look(store, queue, entries, options));
    called.push(...some.filter((_, index) => due[index]).map(({ queue }) => queue));
  }
  return called;
}

/** false: somebody has it, it is to rest, nothing waits, or the tenant has as many as it may. */
export async function begin(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { leaseMs, mostOfTenant, signal }: CallOptions & { readonly leaseMs: number; readonly mostOfTenant: number },
): Promise<boolean> {
  const outcome = await store.documents.change<QueueDocument, 'begun' | 'refused' | 'crowded'>(
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
      // It is counted before it counts the others: of two at once, both see both.
      await store.scylla.write(put('queues_in_turn', tenant, inTurn(queue), String(at + leaseMs)), microseconds());
      return (await othersInTurn(store, tenant, queue, mostOfTenant)) < mostOfTenant
        ? { next: { ...free, busyUntil: at + leaseMs, turn }, ttl, result: 'begun' }
        : // Called for again as soon as somebody looks.
          { next: { ...free, busyUntil: 0, turn: null }, ttl, result: 'crowded' };
    },
    { signal },
  );
  if (outcome === 'crowded') await store.scylla.write(drop('queues_in_turn', tenant, inTurn(queue)), microseconds());
  return outcome === 'begun';
}

/** What is due first; null: nothing, or the turn is lost. */
export async function next(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { leaseMs, signal }: CallOptions & { readonly leaseMs: number },
): ReturnType<typeof messages.first> {
  const current = await store.documents.get<QueueDocument>('queues', tenant, queue);
  if (current?.turn !== turn) return null;
  // Prolonged when a quarter is gone, not for every message.
  const isKept =
    current.busyUntil >= store.now() + leaseMs * 0.75 ||
    (await change(store, { tenant, queue }, turn, { signal }, (mine) => ({
      ...mine,
      busyUntil: store.now() + leaseMs,
    })));
  const first = isKept ? await messages.first(store, tenant, queue, current.low) : null;
  return first === null || first.message.dueAt > store.now() ? null : first;
}

/** Whether the queue is called for again. */
export async function end(
  store: ScyllaStore,
  { tenant, queue }: Queue,
  turn: string,
  { restUntil, ...options }: CallOptions & { readonly restUntil: number; readonly quietMs: number },
): Promise<boolean> {
  // As of before the next turn, which stands in the same entry.
  const stamp = microseconds();
  const ended = await change(store, { tenant, queue }, turn, options, (mine) => ({
    ...mine,
    busyUntil: 0,
    restUntil,
    turn: null,
  }));
  if (!ended) return false;
  await store.scylla.write(drop('queues_in_turn', tenant, inTurn(queue)), stamp);
  // Afterwards: what came until now has found the queue busy.
  return await call(store, { tenant, queue }, options);
}

/** Whether it was called for. What follows is written before what is done with is removed. */
async function look(
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
  // Entries of messages that are being written say more than what is seen yet.
  const old = entries.filter((entry) => entry.at <= at - messages.leftMs || isOfQueue(entry));
  if (first === null) await replace([], old);
  else if (first.message.dueAt > at) await replace(again(first.message.dueAt), old);
  return false;
}

/** Changes a queue while it is in this turn; false: it is not any more. */
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

/** Turns of a tenant's other queues; counted up to `most`. */
async function othersInTurn(store: ScyllaStore, tenant: string, queue: string, most: number): Promise<number> {
  let count = 0;
  for await (const { id, at, data } of walk(store.scylla, 'queues_in_turn', tenant, { order: 'up', step: 100 })) {
    if (id === queue) continue;
    if (Number(data) > store.now() || (await isInTurn(store, tenant, { at, id }))) count++;
    if (count >= most) break;
  }
  return count;
}

/** Of a turn that was prolonged; the entry of one that was not is removed. */
async function isInTurn({ scylla, documents, now }: ScyllaStore, tenant: string, entry: Entry): Promise<boolean> {
  const stamp = microseconds();
  const current = await documents.get<QueueDocument>('queues', tenant, entry.id);
  if (current?.turn != null && current.busyUntil > now()) return true;
  await scylla.write(drop('queues_in_turn', tenant, entry), stamp);
  return false;
}

const freeAt = (current: QueueDocument | null): number => Math.max(current?.busyUntil ?? 0, current?.restUntil ?? 0);
const lowOf = (dueAt: number, at: number): number => Math.min(dueAt, at - skewMs);
/** A tenant's turns are few, and stand in one bucket. */
const inTurn = (queue: string): Entry => ({ at: 0, id: queue });
const isOfQueue = ({ id }: Entry): boolean => (JSON.parse(id) as string[])[2] === '';
