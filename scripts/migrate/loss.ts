import { hostname } from 'node:os';
import type { Journal, Run } from '../../shared/migrations/journal.ts';
import { type MigratedDatabase, MigrationError, type Step } from '../../shared/migrations/migration.ts';
import type { Done, RunOptions } from '../../shared/migrations/run.ts';

/**
 * Removes the data of a database by running `steps`. After an erasure the journal has no entry for its migrations. Stops at the first
 * step that fails; calling it again continues the work.
 */
export async function lose(
  database: MigratedDatabase,
  direction: 'truncate' | 'erase',
  steps: readonly Step[],
  { journal, lock, onStep, onDone }: RunOptions,
): Promise<Done> {
  const name = direction;
  const began = Date.now();
  const said: string[] = [];
  const finish = (status: Done['status'], durationMs: number | null, error: string | null): Done => {
    const done = { database: database.name, name, direction, status, durationMs, error, steps: said };
    onDone(done);
    return done;
  };
  if (lock === null) {
    said.push(...steps.map(({ what }) => what));
    return finish('planned', null, null);
  }
  let error: string | null = null;
  try {
    if (direction === 'erase') await forget(database, journal);
    for (const [index, step] of steps.entries()) {
      lock.check();
      onStep(database, name, step, index, steps.length);
      await step.run();
      said.push(step.what);
    }
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  const durationMs = Date.now() - began;
  const status: Run['status'] = error === null ? 'applied' : 'failed';
  const run: Run = { database: database.name, name, direction, status, at: began, durationMs, error, host: hostname() };
  // Erasing ScyllaDB also drops the journal.
  const isGone = database.name === 'scylla' && direction === 'erase' && error === null;
  if (!isGone) await journal.log(run);
  return finish(error === null ? 'done' : 'failed', durationMs, error);
}

async function forget({ name, migrations }: MigratedDatabase, journal: Journal): Promise<void> {
  if (name === 'scylla') return;
  const entries = await journal.entries(name);
  for (const each of new Set([...entries.keys(), ...migrations.map((migration) => migration.name)])) {
    await journal.note(name, each, null);
  }
}

/** The names in `parts`, or all names when `parts` is null. Errors: MigrationError for a name that is not in `all`. */
export function chosen(all: readonly string[], parts: readonly string[] | null, what: string): readonly string[] {
  const unknown = parts?.find((part) => !all.includes(part));
  if (unknown !== undefined) {
    throw new MigrationError(`There is no ${what} ${unknown}. There are: ${all.join(', ') || 'none'}.`);
  }
  return parts ?? all;
}
