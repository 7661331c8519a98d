import { parseArgs } from 'node:util';
import { type DatabaseName, databaseNames } from '../../shared/migrations/migration.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { type EndName, ends } from './copy/end-names.ts';

export const usage = `Usage: npm run migrate -- COMMAND [OPTIONS]

  up                        runs the migrations that have not run yet
  down [--steps N]          rolls back the newest N migrations (default 1)
  status                    shows the state and the last run of every migration
  create NAME --database X  writes an empty migration file
  truncate scylla --tables A,B|all
                            deletes all rows of these tables
  truncate milvus --collections A,B|all
                            deletes all templates of these collections
  erase all|scylla|kafka|minio|milvus
                            deletes everything that FreeFace has stored there
  copy --from embedded --to distributed
                            copies all data from a data folder to the engines, or in the other direction. Stop the platform
                            first. You can stop a copy and run it again. Counts and digests prove the result

  --data DIR      the data folder of a copy (default FREEFACE_DATA, or .freeface)
  --database X    scylla, kafka, minio, milvus, several of them separated by commas, or all (default)
  --dry-run       only shows what would be done
  --confirm       agrees to the loss of data; on a terminal, without this option, the command asks for the name
  --json          writes the result as JSON to standard output

The README describes the settings: addresses of the engines, keyspace, copies of each row, bucket, index. On a terminal the first
\`up\` asks for settings that are missing. Exit codes: 0 done; 1 something failed, and the last lines say what to do; 2 wrong usage or
not confirmed.
`;

export interface Command {
  readonly action: 'up' | 'down' | 'status' | 'create' | 'truncate' | 'erase' | 'copy';
  readonly databases: readonly DatabaseName[];
  readonly steps: number;
  /** Title of the migration to create; empty for other commands. */
  readonly title: string;
  /** Tables or collections to truncate; null: all. */
  readonly parts: readonly string[] | null;
  /** Direction of a copy; null for other commands. */
  readonly ways: { readonly from: EndName; readonly to: EndName } | null;
  readonly dataDir: string | null;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly confirm: boolean;
}

/** Returns `help` when the user asks for the usage text. Errors: UsageError. */
export function readCommand(args: readonly string[]): Command | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      steps: { type: 'string', default: '1' },
      database: { type: 'string' },
      tables: { type: 'string' },
      collections: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      data: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      confirm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const [action, subject, ...more] = positionals;
  const { 'dry-run': dryRun, confirm, json, database } = values;
  if (more.length > 0) throw new UsageError(`Unexpected argument: "${more.join(' ')}".`);
  const command = {
    databases: namesIn(database ?? 'all'),
    steps: 1,
    title: '',
    parts: null,
    ways: null,
    dataDir: values.data ?? null,
    dryRun,
    json,
    confirm,
  };
  switch (action) {
    case 'up':
    case 'status':
      refuse(subject);
      return { ...command, action };
    case 'down': {
      refuse(subject);
      const steps = Number(values.steps);
      if (!Number.isInteger(steps) || steps < 1) throw new UsageError('--steps must be a whole number, 1 or more.');
      return { ...command, action, steps };
    }
    case 'create':
      if (subject === undefined)
        throw new UsageError('Name the migration, for example: create add-cameras --database scylla');
      if (command.databases.length !== 1) throw new UsageError('Name one database, for example: --database scylla');
      return { ...command, action, title: subject };
    case 'erase':
      if (subject === undefined)
        throw new UsageError('Name the database to erase: all, scylla, kafka, minio or milvus.');
      return { ...command, action, databases: namesIn(subject) };
    case 'truncate': {
      const option = subject === 'scylla' ? 'tables' : subject === 'milvus' ? 'collections' : null;
      if (option === null) throw new UsageError('Only scylla and milvus can be truncated. For the others, use erase.');
      const given = values[option];
      if (given === undefined)
        throw new UsageError(`Name the ${option} to truncate: --${option} NAME,NAME or --${option} all`);
      return { ...command, action, databases: namesIn(subject!), parts: given === 'all' ? null : given.split(',') };
    }
    case 'copy': {
      refuse(subject);
      const [from, to] = [endIn(values.from), endIn(values.to)];
      if (from === null || to === null || from === to) {
        throw new UsageError(
          'Set the direction: --from embedded --to distributed, or --from distributed --to embedded.',
        );
      }
      return { ...command, action, ways: { from, to } };
    }
    case undefined:
      throw new UsageError('A command is missing.');
    default:
      throw new UsageError(`"${action}" is not a command.`);
  }
}

function namesIn(list: string): DatabaseName[] {
  if (list === 'all') return [...databaseNames];
  const given = list.split(',');
  const unknown = given.find((name) => !(databaseNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`"${unknown}" is not one of ${databaseNames.join(', ')}, all.`);
  return databaseNames.filter((name) => given.includes(name));
}

const endIn = (name: string | undefined): EndName | null => ends.find((each) => each === name) ?? null;

function refuse(subject: string | undefined): void {
  if (subject !== undefined) throw new UsageError(`Unexpected argument: "${subject}".`);
}
