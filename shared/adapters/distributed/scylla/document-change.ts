import { randomUUID } from 'node:crypto';
import type { CallOptions } from '../../../ports/tenant.ts';
import type { Bound, Scylla } from './client.ts';
import { packed, readStored, type Stored } from './document-rows.ts';
import type { DocumentTable } from './statements.ts';
import { type Turn, unlessAborted } from './turns.ts';
import { mark, unmark, type Work } from './unfinished.ts';
import { microseconds } from './write-time.ts';

/** Result of `decide`: the change to make. */
export interface Plan<Data, Result> {
  /** The new document; null: delete it; undefined: change nothing and write nothing. */
  readonly next: Data | null | undefined;
  /** Writes to other rows of the same partition; they are applied together with the document. */
  readonly inSameBatch?: readonly Bound[];
  /** Writes to lists and to the outbox that follow from the change. */
  readonly effects?: readonly Bound[];
  /** Seconds until the database deletes the document. Default 0: never. */
  readonly ttl?: number;
  readonly result: Result;
}

export type Decide<Data, Result> = (current: Data | null) => Plan<Data, Result> | Promise<Plan<Data, Result>>;

export interface ChangeOptions extends CallOptions {
  /** The document probably does not exist, so it is not read first. */
  readonly absent?: boolean | undefined;
}

/** Tries to change a document. null: retry, because another change came first or was pending. See: [Note: One row decides] */
export async function tryToChange<Data, Result>(
  scylla: Scylla,
  table: DocumentTable,
  tenant: string,
  id: string,
  decide: Decide<Data, Result>,
  { signal, absent }: ChangeOptions,
): Promise<Turn<Result> | null> {
  const stored = absent === true ? null : await unlessAborted(readStored(scylla, table, tenant, id), signal);
  if (stored?.op) {
    await finishChange(scylla, table, tenant, id, stored);
    return null;
  }
  const current = stored?.data === undefined || stored.data === null ? null : (JSON.parse(stored.data) as Data);
  const { next, inSameBatch = [], effects: given = [], ttl = 0, result } = await decide(current);
  const effects = withoutDropsOfPuts(given);
  if (next === undefined || (next === null && stored === null)) return { result };
  signal?.throwIfAborted();

  const op = effects.length > 0 ? randomUUID() : null;
  const ts = Math.max(microseconds(), (stored?.ts ?? 0) + 2);
  const data = next === null ? null : JSON.stringify(next);
  const marker = { at: Date.now(), id: op ?? '' };
  const work: Work = { kind: 'change', tenant, table, id };
  if (op !== null) await scylla.write(mark(marker, work), ts - 1);

  const decided: Bound =
    next === null && op === null
      ? [`${table}:remove`, [tenant, id, stored!.revision]]
      : stored === null
        ? [`${table}:create`, [tenant, id, data, 1, op, ts, packed(effects), ttl]]
        : [`${table}:change`, [ttl, data, stored.revision + 1, op, ts, packed(effects), tenant, id, stored.revision]];
  const applied =
    inSameBatch.length === 0 ? await scylla.decide(...decided) : await scylla.decideTogether([decided, ...inSameBatch]);
  if (!applied) {
    if (op !== null) await scylla.write(unmark(marker), ts);
    return null;
  }
  if (op === null) return { result };
  await scylla.write([...effects, ...unmark(marker)], ts);
  return { result, rest: clear(scylla, table, tenant, id, { op, data }, ttl) };
}

/** Carries out the pending writes of a document. */
export async function finishChange(
  scylla: Scylla,
  table: DocumentTable,
  tenant: string,
  id: string,
  stored: Stored,
): Promise<void> {
  await scylla.write(stored.pending, stored.ts);
  await clear(scylla, table, tenant, id, stored, 0);
}

/** Marks the pending writes of a document as done. */
async function clear(
  scylla: Scylla,
  table: DocumentTable,
  tenant: string,
  id: string,
  { op, data }: Pick<Stored, 'op' | 'data'>,
  ttl: number,
): Promise<void> {
  if (data === null) await scylla.decide(`${table}:removed`, [tenant, id, op]);
  else await scylla.decide(`${table}:done`, [ttl, tenant, id, op]);
}

/** Removes drops of entries that are also put: of two writes with the same timestamp, the deletion wins. */
function withoutDropsOfPuts(bounds: readonly Bound[]): readonly Bound[] {
  const keyOf = ([name, values]: Bound) => JSON.stringify([name.split(':')[0], values.slice(0, 5)]);
  const kept = new Set(bounds.filter(([name]) => name.endsWith(':put')).map(keyOf));
  return bounds.filter((bound) => !bound[0].endsWith(':drop') || !kept.has(keyOf(bound)));
}
