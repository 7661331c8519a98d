import { hostname } from 'node:os';
import type { Entry, Journal, Lock, Run } from './journal.ts';
import { type Direction, type MigratedDatabase, type Migration, MigrationError, type Step } from './migration.ts';

/**
 * missing: it ran, but the things that it created do not exist. edited: the file has changed since it ran. unknown: it ran, but there is
 * no such file. needless: the configuration does not need it.
 */
export type State = 'applied' | 'pending' | 'failed' | 'missing' | 'edited' | 'unknown' | 'needless';

export interface Standing {
  readonly name: string;
  readonly state: State;
  readonly entry: Entry | null;
  /** null when the state is `unknown`. */
  readonly migration: Migration | null;
}

/** Result of one migration; in a dry run, the expected result. */
export interface Done extends Pick<Run, 'database' | 'name' | 'direction' | 'durationMs' | 'error'> {
  readonly status: 'done' | 'failed' | 'planned';
  /** For people: the steps that ran; in a dry run, the steps that would run. */
  readonly steps: readonly string[];
}

export interface RunOptions {
  readonly journal: Journal;
  /** null: a dry run, which only reports what it would do. */
  readonly lock: Lock | null;
  /** Called before each step. */
  readonly onStep: (database: MigratedDatabase, name: string, step: Step, done: number, of: number) => void;
  readonly onDone: (done: Done) => void;
}

/** The state of every migration of a database, in order. Changes nothing. */
export async function standings({ name, migrations }: MigratedDatabase, journal: Journal): Promise<Standing[]> {
  const entries = await journal.entries(name);
  const known: Standing[] = [];
  for (const migration of migrations) {
    const entry = entries.get(migration.name) ?? null;
    entries.delete(migration.name);
    known.push({ name: migration.name, migration, entry, state: await stateOf(migration, entry) });
  }
  const unknown = [...entries.values()].map((entry) => ({
    name: entry.name,
    migration: null,
    entry,
    state: 'unknown' as const,
  }));
  return [...known, ...unknown].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function stateOf(migration: Migration, entry: Entry | null): Promise<State> {
  const { checksum, needless } = migration;
  // The file of a migration that has never completed may be edited.
  if (entry?.status === 'applied' && entry.checksum !== checksum) return 'edited';
  if (needless !== undefined) return 'needless';
  if (entry === null) return 'pending';
  if (entry.status !== 'applied') return 'failed';
  return (await migration.isThere?.()) === false ? 'missing' : 'applied';
}

/**
 * Runs the migrations that have not run yet, in order, and stops at the first failure. Errors: MigrationError when a migration was edited
 * or is unknown.
 */
export async function migrateUp(database: MigratedDatabase, options: RunOptions): Promise<Done[]> {
  const results: Done[] = [];
  for (const { migration, state, entry } of await soundStandings(database, options.journal)) {
    if (migration === null || state === 'applied' || state === 'needless') continue;
    const done = await runOne(database, migration, 'up', entry, options);
    results.push(done);
    if (done.status === 'failed') break;
  }
  return results;
}

/**
 * Rolls back the newest `count` migrations of several databases. Within a database, the highest number goes first; between databases, the
 * migration that ran last goes first. Stops at the first failure. Errors: MigrationError when a migration was edited, is unknown or
 * cannot be rolled back.
 */
export async function migrateDown(
  databases: readonly MigratedDatabase[],
  count: number,
  options: RunOptions,
): Promise<Done[]> {
  const taken = await newest(databases, count, options.journal);
  // Checks all migrations before the first one is rolled back.
  for (const { migration } of taken) await planOf(migration, 'down');
  const results: Done[] = [];
  for (const { database, migration, entry } of taken) {
    const done = await runOne(database, migration, 'down', entry, options);
    results.push(done);
    if (done.status === 'failed') break;
  }
  return results;
}

/** The migrations that `migrateDown` rolls back, in the same order. Errors: MigrationError. */
export async function newest(databases: readonly MigratedDatabase[], count: number, journal: Journal) {
  const stacks: { database: MigratedDatabase; migration: Migration; entry: Entry }[][] = [];
  for (const database of databases) {
    const ran = (await soundStandings(database, journal)).flatMap(({ migration, entry }) =>
      migration === null || entry === null ? [] : [{ database, migration, entry }],
    );
    if (ran.length > 0) stacks.push(ran);
  }
  const taken = [];
  while (taken.length < count) {
    const [stack] = stacks
      .filter(({ length }) => length > 0)
      // Migrations that started in the same millisecond: the reverse of the order in which databases are migrated.
      .sort((a, b) => b.at(-1)!.entry.at - a.at(-1)!.entry.at || stacks.indexOf(b) - stacks.indexOf(a));
    if (stack === undefined) break;
    taken.push(stack.pop()!);
  }
  return taken;
}

async function soundStandings(database: MigratedDatabase, journal: Journal): Promise<Standing[]> {
  const all = await standings(database, journal);
  for (const { name, state } of all) {
    const what = `${database.name}/${name}`;
    if (state === 'unknown') {
      throw new MigrationError(
        `${what} ran here, but this version of FreeFace does not know it: a newer version wrote it. Update FreeFace.`,
      );
    }
    if (state === 'edited') {
      throw new MigrationError(
        `${what} was changed after it had run here. Restore the file. For a change, create a new migration: npm run migrate -- create NAME --database ${database.name}`,
      );
    }
  }
  return all;
}

/**
 * [Note: A migration that was interrupted]
 * The journal records every completed step, so the next `up` continues with the step that failed or was interrupted. A file that was
 * edited in the meantime starts from its first step. A rollback also starts from its first step: its steps can run twice.
 */
async function runOne(
  database: MigratedDatabase,
  migration: Migration,
  direction: Direction,
  before: Entry | null,
  { journal, lock, onStep, onDone }: RunOptions,
): Promise<Done> {
  const { name, checksum } = migration;
  const result = { database: database.name, name, direction };
  const began = Date.now();
  const continues = before?.status !== 'applied' && before?.direction === 'up' && before.checksum === checksum;
  let steps = continues && direction === 'up' ? before.steps : 0;
  const stepTexts: string[] = [];
  const finish = (status: Done['status'], durationMs: number | null, error: string | null): Done => {
    const done = { ...result, status, durationMs, error, steps: stepTexts };
    onDone(done);
    return done;
  };

  if (lock === null) {
    for (const { what } of (await planOf(migration, direction)).slice(steps)) stepTexts.push(what);
    return finish('planned', null, null);
  }
  // A rollback keeps the start time of the `up` run: that time decides the order of rollbacks.
  const entry = {
    name,
    checksum,
    direction,
    at: direction === 'down' ? before!.at : began,
    durationMs: null,
    error: null,
  };
  const end = async (error: string | null): Promise<Done> => {
    const durationMs = Date.now() - began;
    const status = error === null ? 'applied' : 'failed';
    const isGone = direction === 'down' && error === null;
    await journal.note(database.name, name, isGone ? null : { ...entry, status, steps, durationMs, error });
    await journal.log({ ...result, status, at: began, durationMs, error, host: hostname() });
    return finish(error === null ? 'done' : 'failed', durationMs, error);
  };
  try {
    const plan = await planOf(migration, direction);
    for (const step of plan.slice(steps)) {
      lock.check();
      await journal.note(database.name, name, { ...entry, status: 'running', steps });
      onStep(database, name, step, steps, plan.length);
      await step.run();
      steps++;
      stepTexts.push(step.what);
    }
    lock.check();
  } catch (error) {
    return await end(error instanceof Error ? error.message : String(error));
  }
  return await end(null);
}

/** Errors: MigrationError when the migration cannot be rolled back. */
async function planOf(migration: Migration, direction: Direction): Promise<readonly Step[]> {
  const plan = direction === 'up' ? await migration.up() : await migration.down();
  if ('none' in plan) throw new MigrationError(`${migration.name} cannot be rolled back: ${plan.none}`);
  return plan;
}
