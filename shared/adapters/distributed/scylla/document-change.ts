import { randomUUID } from 'node:crypto';
import type { CallOptions } from '../../../ports/tenant.ts';
import type { Bound, Scylla } from './client.ts';
import { packed, readStored, type Stored } from './document-rows.ts';
import type { DocumentTable } from './statements.ts';
import { type Turn, unlessAborted } from './turns.ts';
import { mark, unmark, type Work } from './unfinished.ts';
import { microseconds } from './write-time.ts';

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

export type Decide<Data, Result> = (current: Data | null) => Plan<Data, Result> | Promise<Plan<Data, Result>>;

export interface ChangeOptions extends CallOptions {
  /** There is most likely no such document, so it is not read first. */
  readonly absent?: boolean | undefined;
}

/** One attempt to change a document; null: it was changed meanwhile, or had something pending. See: [Note: One row decides] */
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
  const { next, beside = [], effects: given = [], ttl = 0, result } = await decide(current);
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
    beside.length === 0 ? await scylla.decide(...decided) : await scylla.decideTogether([decided, ...beside]);
  if (!applied) {
    if (op !== null) await scylla.write(unmark(marker), ts);
    return null;
  }
  if (op === null) return { result };
  await scylla.write([...effects, ...unmark(marker)], ts);
  return { result, rest: clear(scylla, table, tenant, id, { op, data }, ttl) };
}

/** Carries out what is pending in a document. */
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

/** Says that what was pending is done. */
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

/** Of two writes of one time a deletion wins, also over what is put in its place. */
function withoutDropsOfPuts(bounds: readonly Bound[]): readonly Bound[] {
  const keyOf = ([name, values]: Bound) => JSON.stringify([name.split(':')[0], values.slice(0, 5)]);
  const kept = new Set(bounds.filter(([name]) => name.endsWith(':put')).map(keyOf));
  return bounds.filter((bound) => !bound[0].endsWith(':drop') || !kept.has(keyOf(bound)));
}
