import { parseArgs } from 'node:util';
import { type DatabaseName, databaseNames } from '../../shared/migrations/migration.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { type EndName, ends } from './copy/end-names.ts';

export const usage = `Usage: npm run migrate -- COMMAND [OPTIONS]

  up                        does what has not been done yet
  down [--steps N]          takes back the newest N migrations (default 1)
  status                    how every migration stands, and what ran when
  create NAME --database X  writes an empty migration
  truncate scylla --tables A,B|all
  truncate milvus --collections A,B|all
  erase all|scylla|kafka|minio|milvus
  copy --from embedded --to distributed   carries everything from a data folder to the engines, or the other way round; the
                            platform is stopped meanwhile. Can be stopped and run again; proved by counts and digests

  --data DIR      the data folder of a copy (default FREEFACE_DATA, or .freeface)
  --database X    scylla, kafka, minio, milvus, several separated by commas, or all (default)
  --dry-run       only says what would be done
  --confirm       yes to losing data; on a terminal the name is asked for instead
  --json          the result as JSON on standard output

Where the engines are, the keyspace and its copies, the bucket, the index: see the configuration in the README. On a terminal the first
\`up\` asks for what is not set. Exit codes: 0 done, 1 something failed and the last lines say what to do, 2 wrong usage or not confirmed.
`;

export interface Command {
  readonly action: 'up' | 'down' | 'status' | 'create' | 'truncate' | 'erase' | 'copy';
  readonly databases: readonly DatabaseName[];
  readonly steps: number;
  /** Of a migration to create. */
  readonly title: string;
  /** Tables or collections to empty; null: all. */
  readonly parts: readonly string[] | null;
  /** Of a copy. */
  readonly ways: { readonly from: EndName; readonly to: EndName } | null;
  readonly dataDir: string | null;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly confirm: boolean;
}

/** `help` where that is wanted. Errors: UsageError. */
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
  if (more.length > 0) throw new UsageError(`"${more.join(' ')}" is too much.`);
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
      if (!Number.isInteger(steps) || steps < 1) throw new UsageError('--steps must be a whole number from 1 on.');
      return { ...command, action, steps };
    }
    case 'create':
      if (subject === undefined) throw new UsageError('Say what it does, as in: create add-cameras --database scylla');
      if (command.databases.length !== 1) throw new UsageError('Say which database it is for: --database scylla');
      return { ...command, action, title: subject };
    case 'erase':
      if (subject === undefined) throw new UsageError('Say what to erase: all, scylla, kafka, minio or milvus.');
      return { ...command, action, databases: namesIn(subject) };
    case 'truncate': {
      const option = subject === 'scylla' ? 'tables' : subject === 'milvus' ? 'collections' : null;
      if (option === null) throw new UsageError('Only scylla and milvus can be truncated; see erase.');
      const given = values[option];
      if (given === undefined) throw new UsageError(`Say what to empty: --${option} NAME,NAME or --${option} all`);
      return { ...command, action, databases: namesIn(subject!), parts: given === 'all' ? null : given.split(',') };
    }
    case 'copy': {
      refuse(subject);
      const [from, to] = [endIn(values.from), endIn(values.to)];
      if (from === null || to === null || from === to) {
        throw new UsageError('Say from where to where: --from embedded --to distributed, or the other way round.');
      }
      return { ...command, action, ways: { from, to } };
    }
    case undefined:
      throw new UsageError('Say what to do.');
    default:
      throw new UsageError(`"${action}" is not a command.`);
  }
}

function namesIn(list: string): DatabaseName[] {
  if (list === 'all') return [...databaseNames];
  const given = list.split(',');
  const unknown = given.find((name) => !(databaseNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`"${unknown}" is none of ${databaseNames.join(', ')}, all.`);
  return databaseNames.filter((name) => given.includes(name));
}

const endIn = (name: string | undefined): EndName | null => ends.find((each) => each === name) ?? null;

function refuse(subject: string | undefined): void {
  if (subject !== undefined) throw new UsageError(`"${subject}" is too much.`);
}
