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

/** Documents in ScyllaDB, one row each. See: [Note: One row decides] */
export interface Documents {
  get<Data>(table: DocumentTable, tenant: string, id: string): Promise<Data | null>;
  /**
   * Reads a document, calls `decide` for the change, and applies the change if the document is still the same; otherwise starts again. So
   * `decide` may run several times. Errors of `decide` are thrown. An abort has an effect until the change is decided; it ends a wait
   * for a turn or for a read at once. Errors: STORE_UNAVAILABLE when other processes change the document again and again.
   */
  change<Data, Result>(
    table: DocumentTable,
    tenant: string,
    id: string,
    decide: Decide<Data, Result>,
    options?: ChangeOptions,
  ): Promise<Result>;
  /**
   * Ends a conditional write of the document that is still undecided.
   *
   * [Note: Undecided writes]
   * A conditional write whose caller got no response may have been accepted without being applied. A plain read does not see it, but the
   * next conditional statement on the partition applies it first, however late. So a reader must not conclude from a plain read that such
   * a write has not happened, and undo what depends on it. This call runs a conditional statement that changes nothing; later reads see
   * the outcome.
   */
  settle(table: DocumentTable, tenant: string, id: string): Promise<void>;
  /** Records the start of work that `heal` can finish. Resolves to a function that records its end in the background. */
  begin(work: Work): Promise<() => void>;
  /** Finishes all work that started before `before` and has not ended. `before`: system time in milliseconds. Resolves to the number of entries. */
  heal(before: number, finish: (work: Work) => Promise<void>): Promise<number>;
  /** Registers work that no caller waits for. Its errors are ignored. */
  inBackground(rest: Promise<unknown>): void;
  /** Resolves when no work is running. */
  idle(): Promise<void>;
}

/** Attempts to change a document before the call fails. */
const maxTries = 30;

/**
 * [Note: One row decides]
 * ScyllaDB has no transactions over several partitions. So one row decides each change: the row of its document. The write of this row
 * has a condition: the `revision` is the one that was read. So the change happens once or not at all. The writes that follow from it
 * (entries of lists, events of the outbox) are stored in the same row (`pending`). Then they are carried out in a logged batch, and
 * `pending` is cleared in the background. A process that finds a document with pending writes carries them out first. All writes of a
 * change have the timestamp of the change. So repeated or late writes do not change anything newer.
 *
 * [Note: State after a crash]
 * Before a change is decided, the list `unfinished` gets an entry for it. The state after a crash depends on its moment:
 * - Before the conditional write: an entry of `unfinished` without a change. It is deleted.
 * - After the conditional write: the change has happened, but its writes to lists and outbox are missing. The next change of the same
 *   document carries them out, or `heal`, which runs with every sweep of the outbox and handles entries older than a minute.
 * - During a call whose response was lost or late: one of these two. The caller gets an error and repeats the call. Ids are derived from
 *   stored data, so the repetition changes nothing.
 * - During the enrolment of a new person, before its image: a claim of the external id and a provisional person. A reader that finds them
 *   deletes them, or `heal` does ([Note: Enrolment of a new person]).
 * - After the decision to delete a person: readers no longer see the person. The next call or `heal` deletes faces and images
 *   ([Note: Deleting a person]).
 * - During the write of a webhook message: entries of lists without an effect ([Note: Lists before the row]). The event of the message is
 *   delivered again.
 * - During the write of an audit entry: list entries for an audit entry that does not exist. Readers skip them. The entry was not
 *   acknowledged.
 */
export function documentsIn(scylla: Scylla): Documents {
  const { inTurn, inBackground, idle } = turns();

  return {
    async get<Data>(table: DocumentTable, tenant: string, id: string) {
      const stored = await readStored(scylla, table, tenant, id);
      return stored === null || stored.data === null ? null : (JSON.parse(stored.data) as Data);
    },
    change: (table, tenant, id, decide, options = {}) =>
      inTurn(JSON.stringify([table, tenant, id]), options.signal, () =>
        change(scylla, table, tenant, id, decide, options),
      ),
    async settle(table, tenant, id) {
      // No change has this id, so the condition is false.
      await scylla.decide(`${table}:done`, [0, tenant, id, randomUUID()]);
    },
    async begin(work) {
      const marker = { at: Date.now(), id: randomUUID() };
      await scylla.write(mark(marker, work), microseconds());
      // If this write fails, `heal` finds the work later and has nothing to do.
      return () => inBackground(scylla.write(unmark(marker), microseconds()));
    },
    heal: (before, finish) => heal(scylla, before, finish),
    inBackground,
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
  for (let tries = 0; tries < maxTries; tries++) {
    signal?.throwIfAborted();
    const isAbsent = absent === true && tries === 0;
    const done = await tryToChange(scylla, table, tenant, id, decide, { signal, absent: isAbsent });
    if (done !== null) return done;
    if (tries > 0) await pause(Math.random() * Math.min(5 * 2 ** tries, 250));
  }
  throw new AppError('STORE_UNAVAILABLE', {
    message: `${table}: other processes changed the row ${maxTries} times. Retry later`,
  });
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
