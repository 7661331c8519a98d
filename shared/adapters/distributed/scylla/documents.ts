import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { AppError } from '../../../errors.ts';
import type { CallOptions } from '../../../ports/tenant.ts';
import type { Bound, Row, Scylla, Value } from './client.ts';
import { drop, platform, put, walk } from './lists.ts';
import type { DocumentTable } from './statements.ts';

/** What a change does. */
export interface Plan<Data, Result> {
  /** The document from now on; null: it is removed; undefined: nothing changes, and nothing else is written. */
  readonly next: Data | null | undefined;
  /** Rows of the same partition that change in the same moment. */
  readonly beside?: readonly Bound[];
  /** What follows from it in lists and in the outbox. */
  readonly effects?: readonly Bound[];
  /** Seconds after which it goes by itself. */
  readonly ttl?: number;
  readonly result: Result;
}

export interface Documents {
  get<Data>(table: DocumentTable, tenant: string, id: string): Promise<Data | null>;
  /**
   * Reads a document, lets `decide` say what becomes of it, and does that unless it was changed meanwhile; then all over again. `decide`
   * may run several times; what it throws is thrown. The signal counts until the change is decided, and ends the waiting for a turn and for
   * what is read at once. `absent`: there is most likely no such document, so it is not read first.
   */
  change<Data, Result>(
    table: DocumentTable,
    tenant: string,
    id: string,
    decide: (current: Data | null) => Plan<Data, Result> | Promise<Plan<Data, Result>>,
    options?: CallOptions & { readonly absent?: boolean },
  ): Promise<Result>;
  /** Says that something is begun which `finish` of `heal` can finish; resolves to what says, without waiting, that it is done. */
  begin(work: Work): Promise<() => void>;
  /** Finishes what was begun before `before` (milliseconds of the real time) and is not done; resolves to how much there was. */
  heal(before: number, finish: (work: Work) => Promise<void>): Promise<number>;
  /** What no caller waits for; it may fail. */
  leave(rest: Promise<unknown>): void;
  /** Resolves when nothing is left. */
  idle(): Promise<void>;
}

/** What is under way, as it is written down. */
export interface Work {
  readonly kind: 'change' | 'enrolment' | 'deletion';
  readonly tenant: string;
  readonly table?: DocumentTable;
  readonly id: string;
  readonly [name: string]: unknown;
}

/** Others may have changed it so often before a call gives up. */
const mostTries = 30;

/**
 * [Note: One row decides]
 * There is no transaction over several partitions. So of everything that belongs to one change, one row decides: its document. The
 * condition that it has not changed since it was read (`revision`) makes the change happen, once, or not. What follows from it, the
 * entries of lists and the events of the outbox, is written into the same row by the same condition (`pending`), then carried out in a
 * logged batch, then cleared, which no caller waits for. Whoever comes to a document with something pending carries that out first. Every
 * follow-up bears the change's own time, so carrying it out again, or too late, changes nothing that came after.
 *
 * [Note: What a crash leaves]
 * Before a change is decided, `unfinished` says that it is about to be. A crash leaves, by where it happens:
 * - before the condition: an entry of `unfinished` that nothing belongs to. It is dropped.
 * - after the condition: the change has happened, lists and events lag behind. The next change of the same document carries them out,
 *   or whoever looks at `unfinished` (`heal`, with every sweep of the outbox, after a minute).
 * - a call whose answer got lost or came too late: one of the two. The caller was told that it failed and does it again: ids follow
 *   from what is stored, so the second time changes nothing.
 * - an enrolment of somebody new, before its image: a claim of the external id and a person that nobody sees ([Note: Somebody new]);
 *   removed by who meets them, or by `heal`.
 * - a deletion of a person that was decided: the person is gone for every reader; faces and images follow with the next call or
 *   `heal` ([Note: Deleting a person]).
 * - a message to a webhook: entries of lists that say nothing ([Note: Pointers first]); the event that told of it is delivered again.
 * - an entry of the audit log: pointers of lists to an entry that is not there, which readers leave out; it was not acknowledged.
 */
export function documentsIn(scylla: Scylla): Documents {
  const { inTurn, leave, idle } = turns();

  const read = async (table: DocumentTable, tenant: string, id: string): Promise<Stored | null> => {
    const [row] = await scylla.rows(`${table}:read`, [tenant, id]);
    return row === undefined ? null : toStored(row);
  };

  /** Says that what was pending is done. */
  const clear = async (
    table: DocumentTable,
    tenant: string,
    id: string,
    { op, data }: Pick<Stored, 'op' | 'data'>,
    ttl: number,
  ): Promise<void> => {
    if (data === null) await scylla.decide(`${table}:removed`, [tenant, id, op]);
    else await scylla.decide(`${table}:done`, [ttl, tenant, id, op]);
  };

  const finish = async (table: DocumentTable, tenant: string, id: string, stored: Stored): Promise<void> => {
    await scylla.write(stored.pending, stored.ts);
    await clear(table, tenant, id, stored, 0);
  };

  const attempt = async <Data, Result>(
    table: DocumentTable,
    tenant: string,
    id: string,
    decide: (current: Data | null) => Plan<Data, Result> | Promise<Plan<Data, Result>>,
    { signal, absent }: CallOptions & { readonly absent?: boolean | undefined },
  ): Promise<Turn<Result> | null> => {
    const stored = absent === true ? null : await unlessAborted(read(table, tenant, id), signal);
    if (stored?.op) {
      await finish(table, tenant, id, stored);
      return null;
    }
    const current = stored?.data === undefined || stored.data === null ? null : (JSON.parse(stored.data) as Data);
    const { next, beside = [], effects: given = [], ttl = 0, result } = await decide(current);
    const effects = withoutDropsOfPuts(given);
    if (next === undefined || (next === null && stored === null)) return { result };
    signal?.throwIfAborted();

    const op = effects.length > 0 ? randomUUID() : null;
    const ts = Math.max(microseconds(), (stored?.ts ?? 0) + 2);
    const data = next === null ? null : JSON.stringify(next);
    const marker = { at: Date.now(), id: op ?? '' };
    const work: Work = { kind: 'change', tenant, table, id };
    if (op !== null) await scylla.write(put('unfinished', platform, marker, JSON.stringify(work)), ts - 1);

    const decided: Bound =
      next === null && op === null
        ? [`${table}:remove`, [tenant, id, stored!.revision]]
        : stored === null
          ? [`${table}:create`, [tenant, id, data, 1, op, ts, packed(effects), ttl]]
          : [`${table}:change`, [ttl, data, stored.revision + 1, op, ts, packed(effects), tenant, id, stored.revision]];
    const applied =
      beside.length === 0 ? await scylla.decide(...decided) : await scylla.decideTogether([decided, ...beside]);
    const unmark = drop('unfinished', platform, marker);
    if (!applied) {
      if (op !== null) await scylla.write(unmark, ts);
      return null;
    }
    if (op === null) return { result };
    await scylla.write([...effects, ...unmark], ts);
    return { result, rest: clear(table, tenant, id, { op, data }, ttl) };
  };

  return {
    async get<Data>(table: DocumentTable, tenant: string, id: string) {
      const stored = await read(table, tenant, id);
      return stored === null || stored.data === null ? null : (JSON.parse(stored.data) as Data);
    },
    change: (table, tenant, id, decide, { signal, absent } = {}) =>
      inTurn(JSON.stringify([table, tenant, id]), signal, async () => {
        for (let tries = 0; tries < mostTries; tries++) {
          signal?.throwIfAborted();
          const done = await attempt(table, tenant, id, decide, { signal, absent: absent === true && tries === 0 });
          if (done !== null) return done;
          if (tries > 0) await pause(Math.random() * Math.min(5 * 2 ** tries, 250));
        }
        throw new AppError('STORE_UNAVAILABLE', { message: `${table}: it was changed by others again and again` });
      }),
    async begin(work) {
      const marker = { at: Date.now(), id: randomUUID() };
      await scylla.write(put('unfinished', platform, marker, JSON.stringify(work)), microseconds());
      // Where it cannot be said, somebody looks later and finds nothing to do.
      return () => leave(scylla.write(drop('unfinished', platform, marker), microseconds()));
    },
    async heal(before, finishWork) {
      let found = 0;
      for await (const marker of walk(scylla, 'unfinished', platform, { order: 'up', to: before, step: 100 })) {
        const work = JSON.parse(marker.data) as Work;
        if (work.kind === 'change') {
          const stored = await read(work.table!, work.tenant, work.id);
          if (stored?.op === marker.id) await finish(work.table!, work.tenant, work.id, stored);
        } else await finishWork(work);
        await scylla.write(drop('unfinished', platform, marker), microseconds());
        found++;
      }
      return found;
    },
    leave,
    idle,
  };
}

/** Time for writes, in microseconds; of two in one process the later is greater. */
export function microseconds(): number {
  latest = Math.max(latest + 2, Date.now() * 1000);
  return latest;
}
let latest = 0;

interface Stored {
  /** null: it is removed, and that has to be finished. */
  readonly data: string | null;
  readonly revision: number;
  readonly op: string | null;
  readonly ts: number;
  readonly pending: readonly Bound[];
}

const toStored = (row: Row): Stored => ({
  data: row.data as string | null,
  revision: Number(row.revision ?? 0),
  op: row.op as string | null,
  ts: Number(row.ts ?? 0),
  pending: unpacked(row.pending as Buffer | null),
});

const packed = (bounds: readonly Bound[]): Value =>
  bounds.length === 0 ? null : deflateRawSync(JSON.stringify(bounds), { level: 1 });

const unpacked = (bytes: Buffer | null): Bound[] =>
  bytes === null ? [] : (JSON.parse(inflateRawSync(bytes).toString()) as Bound[]);

/** Of two writes of one time a deletion wins, also over what is put in its place. */
function withoutDropsOfPuts(bounds: readonly Bound[]): readonly Bound[] {
  const keyOf = ([name, values]: Bound) => JSON.stringify([name.split(':')[0], values.slice(0, 5)]);
  const kept = new Set(bounds.filter(([name]) => name.endsWith(':put')).map(keyOf));
  return bounds.filter((bound) => !bound[0].endsWith(':drop') || !kept.has(keyOf(bound)));
}

/** What a turn came to. */
interface Turn<Result> {
  readonly result: Result;
  /** What is left, for which the next turn waits and nobody else; it may fail. */
  readonly rest?: Promise<unknown>;
}

/** Work on one thing takes turns within this process: it would only lose against itself. */
function turns() {
  const last = new Map<string, Promise<unknown>>();
  const left = new Set<Promise<unknown>>();

  function leave(rest: Promise<unknown>): Promise<unknown> {
    const settled: Promise<unknown> = rest.catch(() => undefined).then(() => left.delete(settled));
    left.add(settled);
    return settled;
  }

  return {
    async inTurn<Result>(
      key: string,
      signal: AbortSignal | undefined,
      work: () => Promise<Turn<Result>>,
    ): Promise<Result> {
      const before = last.get(key) ?? Promise.resolve();
      const mine = unlessAborted(before, signal).then(work);
      // Whoever leaves before its turn lets nobody past those who were there.
      const over = before
        .then(() => mine)
        .then(
          ({ rest }) => (rest === undefined ? undefined : leave(rest)),
          () => undefined,
        );
      last.set(key, over);
      void over.then(() => {
        if (last.get(key) === over) last.delete(key);
      });
      return (await mine).result;
    },
    leave: (rest: Promise<unknown>): void => void leave(rest),
    async idle(): Promise<void> {
      await Promise.all(last.values());
      await Promise.all(left);
    },
  };
}

/** What a promise comes to, or at once the signal's reason. For what changes nothing. */
export function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const done = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).then(done, done);
  });
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
