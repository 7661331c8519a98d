import { randomUUID } from 'node:crypto';
import { AppError } from '../../../errors.ts';
import type { Scylla } from './client.ts';
import { type ChangeOptions, type Decide, finishChange, tryToChange } from './document-change.ts';
import { readStored } from './document-rows.ts';
import { platform, walk } from './lists.ts';
import type { DocumentTable } from './statements.ts';
import { type Turn, turns } from './turns.ts';
import { mark, unmark, type Work } from './unfinished.ts';
import { microseconds } from './write-time.ts';

export interface Documents {
  get<Data>(table: DocumentTable, tenant: string, id: string): Promise<Data | null>;
  /**
   * Reads a document, lets `decide` say what becomes of it, and does that unless it was changed meanwhile; then all over again. `decide`
   * may run several times; what it throws is thrown. The signal counts until the change is decided, and ends the waiting for a turn and for
   * what is read at once.
   */
  change<Data, Result>(
    table: DocumentTable,
    tenant: string,
    id: string,
    decide: Decide<Data, Result>,
    options?: ChangeOptions,
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

  return {
    async get<Data>(table: DocumentTable, tenant: string, id: string) {
      const stored = await readStored(scylla, table, tenant, id);
      return stored === null || stored.data === null ? null : (JSON.parse(stored.data) as Data);
    },
    change: (table, tenant, id, decide, options = {}) =>
      inTurn(JSON.stringify([table, tenant, id]), options.signal, () =>
        change(scylla, table, tenant, id, decide, options),
      ),
    async begin(work) {
      const marker = { at: Date.now(), id: randomUUID() };
      await scylla.write(mark(marker, work), microseconds());
      // Where it cannot be said, somebody looks later and finds nothing to do.
      return () => leave(scylla.write(unmark(marker), microseconds()));
    },
    heal: (before, finish) => heal(scylla, before, finish),
    leave,
    idle,
  };
}

async function change<Data, Result>(
  scylla: Scylla,
  table: DocumentTable,
  tenant: string,
  id: string,
  decide: Decide<Data, Result>,
  { signal, absent }: ChangeOptions,
): Promise<Turn<Result>> {
  for (let tries = 0; tries < mostTries; tries++) {
    signal?.throwIfAborted();
    const isAbsent = absent === true && tries === 0;
    const done = await tryToChange(scylla, table, tenant, id, decide, { signal, absent: isAbsent });
    if (done !== null) return done;
    if (tries > 0) await pause(Math.random() * Math.min(5 * 2 ** tries, 250));
  }
  throw new AppError('STORE_UNAVAILABLE', { message: `${table}: it was changed by others again and again` });
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function heal(scylla: Scylla, before: number, finish: (work: Work) => Promise<void>): Promise<number> {
  let found = 0;
  for await (const marker of walk(scylla, 'unfinished', platform, { order: 'up', to: before, step: 100 })) {
    const work = JSON.parse(marker.data) as Work;
    if (work.kind === 'change') {
      const stored = await readStored(scylla, work.table!, work.tenant, work.id);
      if (stored?.op === marker.id) await finishChange(scylla, work.table!, work.tenant, work.id, stored);
    } else await finish(work);
    await scylla.write(unmark(marker), microseconds());
    found++;
  }
  return found;
}
