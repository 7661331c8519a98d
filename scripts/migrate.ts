import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as loadEnvironment } from 'dotenv';
import { createFile, nextFile } from '../shared/migrations/files.ts';
import type { Journal, Lock } from '../shared/migrations/journal.ts';
import type { MigratedDatabase } from '../shared/migrations/migration.ts';
import { type Done, migrateDown, migrateUp, newest, type RunOptions, standings } from '../shared/migrations/run.ts';
import { isUsageError } from './command-line/usage-error.ts';
import { forgetAnswers } from './migrate/cached-answers.ts';
import { type Command, readCommand, usage } from './migrate/command.ts';
import { askedConfig, configOf } from './migrate/first-questions.ts';
import { chosen, lose } from './migrate/loss.ts';
import { type Opened, openDatabases } from './migrate/open.ts';
import { asJson, asText, emptyReport, type Report } from './migrate/report.ts';
import { confirmLoss, NotConfirmed, type Progress, showProgress, type Terminal } from './migrate/terminal.ts';

export interface MigrateOptions {
  /** Folder of the migrations. */
  readonly folder?: string;
  /** Text before each topic name. */
  readonly topicPrefix?: string;
  /** How long to wait for another process that migrates, in milliseconds. */
  readonly waitMs?: number;
}

/** `npm run migrate`. Resolves to the exit code. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  { folder = resolve('migrations'), topicPrefix = '', waitMs = 150_000 }: MigrateOptions = {},
): Promise<number> {
  const report = emptyReport();
  const progress = showProgress(terminal.stderr);
  let command: Command | null = null;
  let code = 0;
  try {
    const wanted = readCommand(args);
    if (wanted === 'help') {
      terminal.stdout.write(usage);
      return 0;
    }
    command = wanted;
    await run(command, environment, terminal, { folder, topicPrefix, waitMs }, report, progress);
  } catch (error) {
    const isUsage = isUsageError(error);
    code = isUsage || error instanceof NotConfirmed ? 2 : 1;
    const message = error instanceof Error ? error.message : String(error);
    report.errors.push(isUsage ? `${message}\n\n${usage}` : message);
  } finally {
    progress.stop();
  }
  const isJson = args.includes('--json');
  const shape = command ?? { action: null, dryRun: false };
  terminal.stdout.write(isJson ? asJson(shape, report) : asText(shape, report));
  if (!isJson) for (const error of report.errors) terminal.stderr.write(`${error}\n`);
  return report.errors.length > 0 ? Math.max(code, 1) : 0;
}

async function run(
  command: Command,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  { folder, topicPrefix, waitMs }: Required<MigrateOptions>,
  report: Report,
  progress: Progress,
): Promise<void> {
  const { action, databases: names, dryRun, json } = command;
  if (action === 'create') {
    const path = await nextFile(folder, names[0]!, command.title);
    if (dryRun) return void report.notes.push(`${path} would be written.`);
    await createFile(path, names[0]!);
    report.notes.push(`${path} was written. Write the migration into this file, then run: npm run generate`);
    return;
  }
  if (action === 'copy') {
    const { copy } = await import('./migrate/copy/copy.ts');
    return await copy(command, environment, terminal, report);
  }
  const asks = action === 'up' && !dryRun && !json;
  const { config, chosen: answers } = asks
    ? await askedConfig(environment, terminal, folder)
    : { config: configOf(environment), chosen: [] };
  if (answers.length > 0)
    report.notes.push(`Set these for the platform as well, for example in .env:\n  ${answers.join('\n  ')}`);

  const opened = await openDatabases(config, names, { folder, topicPrefix });
  const { scylla } = opened;
  const options = (lock: Lock | null, journal = scylla.journal): RunOptions => ({
    journal,
    lock,
    onStep: progress.step,
    onDone(done) {
      report.did.push(done);
      if (done.status === 'failed') report.errors.push(failure(done));
    },
  });
  let lock: Lock | null = null;
  try {
    if (action === 'status') return await showStatus(opened, report);
    await beforeLoss(command, opened, terminal);
    if (!dryRun && action === 'up') {
      const made = await scylla.prepare();
      if (made !== null) report.notes.push(made);
    }
    const isThere = (await scylla.replication()) !== null;
    if (!isThere && dryRun && action === 'up') report.notes.push(`The keyspace ${scylla.title} would be created.`);
    else if (!isThere && action === 'erase')
      return await act(command, opened, options(dryRun ? null : noLock, noJournal), report, config);
    else if (!isThere) return void report.notes.push(nothingYet(scylla));
    if (isThere && !dryRun) {
      await scylla.journal.prepare();
      lock = await scylla.journal.lock(waitMs, () => progress.say('Another process is migrating. Waiting for it.'));
    }
    await act(command, opened, options(lock), report, config);
  } finally {
    progress.stop();
    await lock?.release();
    await opened.close();
  }
}

async function act(
  { action, steps, parts }: Command,
  { scylla, milvus, databases }: Opened,
  options: RunOptions,
  report: Report,
  config: ReturnType<typeof configOf>,
): Promise<void> {
  const isOfPeople = databases.some(({ name }) => name === 'scylla' || name === 'milvus');
  const answers =
    isOfPeople && config.engines.missing(['dragonfly']).length === 0 ? [forgetAnswers(config.engines.dragonfly)] : [];
  switch (action) {
    case 'up':
      await eachOf(databases, report, (database) => migrateUp(database, options));
      return;
    case 'down':
      await migrateDown(databases, steps, options);
      return;
    case 'truncate': {
      const [all, what] = milvus === null ? [scylla.tables, 'table'] : [await milvus.collections(), 'collection'];
      const names = chosen(all, parts, what);
      if (milvus === null && parts !== null)
        report.notes.push('Other tables can still contain references to the deleted rows.');
      await lose(databases[0]!, action, [...(milvus ?? scylla).truncate(names), ...answers], options);
      return;
    }
    case 'erase':
      report.notes.push(...(await keptBy(databases)));
      // ScyllaDB, which has the journal, is erased last, and only after all other erasures succeeded.
      for (const database of databases.toReversed()) {
        const more = database === databases[0] ? answers : [];
        const { status } = await lose(database, action, [...more, ...(await database.erase())], options);
        if (status === 'failed') return;
      }
      return;
  }
}

/** Runs `work` on each database. Records an error and continues with the next database. */
async function eachOf(
  databases: readonly MigratedDatabase[],
  report: Report,
  work: (database: MigratedDatabase) => Promise<unknown>,
): Promise<void> {
  for (const database of databases) {
    await work(database).catch((error: unknown) => {
      report.errors.push(`${database.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

async function showStatus({ scylla, databases }: Opened, report: Report): Promise<void> {
  await eachOf(databases, report, async (database) => {
    report.databases.push({
      database: database.name,
      title: database.title,
      standings: await standings(database, scylla.journal),
      runs: await scylla.journal.runs(database.name, 20),
    });
  });
}

/** Asks for a confirmation before anything is deleted. Errors: NotConfirmed. */
async function beforeLoss(
  { action, steps, parts, dryRun, confirm }: Command,
  { scylla, databases }: Opened,
  terminal: Terminal,
): Promise<void> {
  if (dryRun || action === 'up') return;
  const title = databases.length === 1 ? databases[0]!.title : scylla.title;
  if (action === 'down') {
    const lost: string[] = [];
    for (const { database, migration } of await newest(databases, steps, scylla.journal)) {
      const held = await migration.holds();
      if (held.length > 0) lost.push(`  ${database.name}/${migration.name}: ${held.join(', ')}`);
    }
    if (lost.length === 0) return;
    await confirmLoss(terminal, `A rollback deletes this data:\n${lost.join('\n')}`, title, confirm);
  } else if (action === 'truncate') {
    const what = parts === null ? 'everything' : parts.join(', ');
    await confirmLoss(terminal, `This truncates ${what} in ${databases[0]!.name} (${title}).`, title, confirm);
  } else {
    const what = databases.map((database) => `${database.name} (${database.title})`).join(', ');
    const loss = [`This removes everything that FreeFace has stored in ${what}.`, ...(await keptBy(databases))].join(
      '\n',
    );
    await confirmLoss(terminal, loss, title, confirm);
  }
}

/** Lines for people: what an erasure does not remove. */
const keptBy = async (databases: readonly MigratedDatabase[]): Promise<string[]> =>
  (await Promise.all(databases.map(async ({ keeps }) => (await keeps?.()) ?? []))).flat();

/** For an erasure without a keyspace: there is no journal and no lock, but the other engines may still contain data. */
const noLock: Lock = { check: () => undefined, release: async () => undefined };
const noJournal: Journal = {
  prepare: async () => undefined,
  entries: async () => new Map(),
  runs: async () => [],
  note: async () => undefined,
  log: async () => undefined,
  lock: async () => noLock,
};

const failure = ({ database, name, direction, error }: Done): string =>
  `${database}/${name} failed: ${error}\nCorrect what is wrong and run the same command again; ${direction === 'up' ? 'it continues with the failed step' : 'completed steps stay completed'}.`;

const nothingYet = ({ title }: Pick<MigratedDatabase, 'title'>): string =>
  `There is no keyspace ${title}: no migration has run yet. To start: npm run migrate -- up`;

const entry = process.argv[1];
if (entry !== undefined && (await realpath(entry)) === fileURLToPath(import.meta.url)) {
  loadEnvironment({ quiet: true });
  process.exitCode = await main(process.argv.slice(2), process.env, process);
}
