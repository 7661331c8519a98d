import type { Tenant } from '../../ports/tenant.ts';
import type { Queue } from '../../ports/webhooks.ts';
import type { Database } from './database.ts';

interface QueueRow {
  due_at: number | null;
  busy_until: number;
  rest_until: number;
  turn: string | null;
}

/** Inside a transaction, after messages of the queue have changed. Deletes a queue without messages and without a turn. */
export function refresh(database: Database, tenant: Tenant, queue: string): void {
  const { due } = database.get<{ due: number | null }>(
    'SELECT min(due_at) AS due FROM messages WHERE tenant = ? AND queue = ? AND due_at IS NOT NULL',
    [tenant, queue],
  )!;
  if (due === null) {
    database.run('DELETE FROM queues WHERE tenant = ? AND queue = ? AND turn IS NULL', [tenant, queue]);
    database.run('UPDATE queues SET due_at = NULL WHERE tenant = ? AND queue = ?', [tenant, queue]);
  } else {
    database.run(
      `INSERT INTO queues (tenant, queue, due_at) VALUES (?, ?, ?)
       ON CONFLICT (tenant, queue) DO UPDATE SET due_at = excluded.due_at`,
      [tenant, queue, due],
    );
  }
}

/**
 * Inside a transaction. Returns true if a message is due and no worker was called for the queue: the caller calls one. After that,
 * the queue returns false for `quietMs`.
 */
export function call(database: Database, tenant: Tenant, queue: string, quietMs: number, now: number): boolean {
  const { changes } = database.run(
    `UPDATE queues SET busy_until = ?, turn = NULL
     WHERE tenant = ? AND queue = ? AND due_at <= ? AND busy_until <= ? AND rest_until <= ?`,
    [now + quietMs, tenant, queue, now, now, now],
  );
  return changes > 0;
}

/** Inside a transaction. Like `call`, for all queues; the queue that has been due longest comes first. */
export function callAll(database: Database, limit: number, quietMs: number, now: number): Queue[] {
  const due = database.all<Queue>(
    `SELECT tenant, queue FROM queues WHERE due_at <= ? AND busy_until <= ? AND rest_until <= ? ORDER BY due_at LIMIT ?`,
    [now, now, now, limit],
  );
  return due
    .map(({ tenant, queue }) => ({ tenant, queue }))
    .filter(({ tenant, queue }) => call(database, tenant, queue, quietMs, now));
}

/** Inside a transaction. */
export function begin(
  database: Database,
  { tenant, queue }: Queue,
  turn: string,
  { leaseMs, mostOfTenant }: { readonly leaseMs: number; readonly mostOfTenant: number },
  now: number,
): boolean {
  const row = database.get<QueueRow>('SELECT * FROM queues WHERE tenant = ? AND queue = ?', [tenant, queue]);
  if (row === undefined || row.rest_until > now || (row.turn !== null && row.busy_until > now)) return false;
  const { turns } = database.get<{ turns: number }>(
    'SELECT count(*) AS turns FROM queues WHERE tenant = ? AND turn IS NOT NULL AND busy_until > ?',
    [tenant, now],
  )!;
  const may = turns < mostOfTenant;
  // A refused turn releases the queue, so the next `callAll` returns it again.
  database.run('UPDATE queues SET busy_until = ?, turn = ? WHERE tenant = ? AND queue = ?', [
    may ? now + leaseMs : 0,
    may ? turn : null,
    tenant,
    queue,
  ]);
  return may;
}

/** Inside a transaction. Extends the lease. false: another worker has the queue. */
export function keep(
  database: Database,
  { tenant, queue }: Queue,
  turn: string,
  leaseMs: number,
  now: number,
): boolean {
  const { changes } = database.run('UPDATE queues SET busy_until = ? WHERE tenant = ? AND queue = ? AND turn = ?', [
    now + leaseMs,
    tenant,
    queue,
    turn,
  ]);
  return changes > 0;
}

/** Inside a transaction. Returns true if a worker must be called again. */
export function end(
  database: Database,
  { tenant, queue }: Queue,
  turn: string,
  { restUntil, quietMs }: { readonly restUntil: number; readonly quietMs: number },
  now: number,
): boolean {
  const { changes } = database.run(
    'UPDATE queues SET busy_until = 0, rest_until = ?, turn = NULL WHERE tenant = ? AND queue = ? AND turn = ?',
    [restUntil, tenant, queue, turn],
  );
  if (changes === 0) return false;
  refresh(database, tenant, queue);
  return call(database, tenant, queue, quietMs, now);
}
