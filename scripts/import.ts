import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { isLoopback } from '../shared/config.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { adminKeyPath } from '../shared/runtime/first-start.ts';
import { isUsageError, UsageError } from './command-line/usage-error.ts';
import { enrol, greet, type Server, ServerError } from './import/client.ts';
import { type Journal, journalFile, openJournal } from './import/journal.ts';
import type { Outcome } from './import/outcome.ts';
import { showProgress } from './import/progress.ts';
import { count, countEarlier, newTally, sum, type Tally, table } from './import/report.ts';
import { type Folder, FolderError, type Photo, scanFolder } from './import/scan.ts';

const usage = `Usage: npm run import -- DIR [OPTIONS]

Enrols a folder of people over the HTTP API: the pictures in DIR/<name>/ as the person <name>, those directly in DIR as
faces of nobody in particular. Can be stopped and started again at any time: what was dealt with is not sent again, what
was changed is.

  --url URL           the server (default http://127.0.0.1:8080, or HOST and PORT of the configuration)
  --key KEY           its API key (default FREEFACE_KEY; for a server on this machine the admin key in FREEFACE_DATA)
  --concurrency N     photos under way at once, 1 to 64 (default 4)
  --strategy NAME     model pack to use (default the server's)
  --again             send everything again, also what was dealt with before
  --dry-run           only say what would be sent
  --journal FILE      where to remember what was done (default in FREEFACE_DATA/imports)

Exit codes: 0 every photo was dealt with (rejected ones, too), 1 some failed, 2 wrong usage, 130 stopped.
`;

interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

interface Settings {
  readonly root: string;
  readonly server: Server;
  readonly concurrency: number;
  readonly again: boolean;
  readonly dryRun: boolean;
  readonly journal: string;
}

/** Unlike the system's clock it keeps the process alive: a client that waits for a busy server has nothing else to do. */
const patientClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** `npm run import`: answers the exit code. Aborting `stop` lets the photos under way finish. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  { stop, clock = patientClock }: { readonly stop?: AbortSignal; readonly clock?: Clock } = {},
): Promise<number> {
  try {
    const settings = await readSettings(args, environment, clock);
    if (settings === 'help') {
      terminal.stdout.write(usage);
      return 0;
    }
    return await importFolder(settings, terminal, stop ?? new AbortController().signal);
  } catch (error) {
    if (isUsageError(error)) {
      terminal.stderr.write(`${error.message}\n\n${usage}`);
      return 2;
    }
    if (!(error instanceof FolderError || error instanceof ServerError)) throw error;
    terminal.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function readSettings(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<Settings | 'help'> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      concurrency: { type: 'string', default: '4' },
      strategy: { type: 'string' },
      again: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      journal: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const [given] = positionals;
  if (given === undefined || positionals.length > 1) throw new UsageError('Say which folder to import.');
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64)
    throw new UsageError('--concurrency must be a whole number from 1 to 64.');
  if (!(await stat(given).catch(() => null))?.isDirectory()) throw new UsageError(`There is no folder ${given}.`);
  const root = await realpath(given);
  const url = originOf(values.url ?? defaultUrl(environment));
  const dataDir = resolve(environment.FREEFACE_DATA || '.freeface');
  const key = values.key ?? (environment.FREEFACE_KEY || (await ownKey(url, dataDir)));
  return {
    root,
    server: { url, key, strategy: values.strategy, patience: 300_000, clock },
    concurrency,
    again: values.again,
    dryRun: values['dry-run'],
    journal: values.journal ?? journalFile(dataDir, root, url),
  };
}

/** The admin key goes to nobody but this machine. */
async function ownKey(url: string, dataDir: string): Promise<string | undefined> {
  if (!isLoopback(new URL(url).hostname)) return undefined;
  const text = await readFile(adminKeyPath(dataDir), 'utf8').catch(() => '');
  return text.trim() || undefined;
}

function defaultUrl({ HOST, PORT }: NodeJS.ProcessEnv): string {
  const host = !HOST || HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT || 8080}`;
}

function originOf(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError(`${url} is not the address of a server.`);
  return url.replace(/\/+$/, '');
}

async function importFolder(settings: Settings, { stdout, stderr }: Terminal, stop: AbortSignal): Promise<number> {
  const { root, server, again, dryRun } = settings;
  const folder = await scanFolder(root);
  for (const path of folder.passedOver) stderr.write(`${path} is not a picture by its name; passed over\n`);
  if (folder.photos.length === 0) throw new FolderError(`There are no pictures in ${root}.`);
  const journal = openJournal(settings.journal, { forget: again });
  try {
    if (dryRun) {
      stdout.write(plan(folder, journal));
      return 0;
    }
    await greet(server);
    const tally = newTally(folder.photos.length, folder.people);
    const progress = showProgress(stderr, folder.photos.length, server.clock);
    try {
      await sendAll(folder, journal, settings, tally, () => progress.update(tally), stop);
    } finally {
      progress.stop();
    }
    stdout.write(`\n${table(tally)}\nWhat was done stands in ${journal.file}\n`);
    if (stop.aborted) {
      stderr.write('Stopped. The same command goes on from here.\n');
      return 130;
    }
    return sum(tally.failed) > 0 ? 1 : 0;
  } finally {
    journal.close();
  }
}

function plan({ photos, people }: Folder, journal: Journal): string {
  const left = photos.filter((photo) => journal.find(photo) === undefined);
  const lines = left.map(
    ({ path, person }) => `${path}  ${person ? `${person.externalId} (${person.name})` : 'nobody in particular'}`,
  );
  return `${[...lines, `${left.length} of ${photos.length} photos would be sent, of ${people} people in folders`].join('\n')}\n`;
}

/**
 * [Note: The first photo of a person goes alone]
 * The other photos of a person wait until her first is answered: that one creates the person, and a client that sends several
 * at once makes the server settle a race each time.
 */
async function sendAll(
  { photos }: Folder,
  journal: Journal,
  { root, server, concurrency }: Settings,
  tally: Tally,
  update: () => void,
  stop: AbortSignal,
): Promise<void> {
  const firsts = new Map<string, Promise<void>>();
  const fatal = new AbortController();
  const halted = AbortSignal.any([stop, fatal.signal]);
  let next = 0;

  async function deal(photo: Photo): Promise<void> {
    const outcome = await enrolFile(root, photo, server, halted);
    journal.add(photo, outcome);
    count(tally, photo.path, outcome);
    update();
  }

  async function work(): Promise<void> {
    for (let photo = photos[next++]; photo !== undefined && !halted.aborted; photo = photos[next++]) {
      const earlier = journal.find(photo);
      if (earlier !== undefined) {
        countEarlier(tally, photo.path, earlier);
        update();
        continue;
      }
      const id = photo.person?.externalId;
      const first = id === undefined ? undefined : firsts.get(id);
      const dealing = (first ?? Promise.resolve()).then(() => deal(photo));
      if (id !== undefined && first === undefined)
        firsts.set(
          id,
          dealing.catch(() => undefined),
        );
      await dealing;
    }
  }

  const workers = Array.from({ length: concurrency }, () =>
    work().catch((error: unknown) => {
      if (stop.aborted && error === stop.reason) return;
      fatal.abort(error);
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected');
  if (fatal.signal.aborted) throw fatal.signal.reason;
  if (failed) throw failed.reason;
}

async function enrolFile(root: string, photo: Photo, server: Server, stop: AbortSignal): Promise<Outcome> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(root, photo.path));
  } catch (error) {
    return {
      outcome: 'failed',
      code: 'FILE_UNREADABLE',
      message: error instanceof Error ? error.message : String(error),
    };
  }
  return enrol(photo, bytes, server, stop);
}

/** The first Ctrl-C lets the photos under way finish, the second does not. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  const request = () => {
    if (stop.signal.aborted) process.exit(130);
    process.stderr.write('\nFinishing the photos under way; once more to quit at once.\n');
    stop.abort(new Error('stopped'));
  };
  process.on('SIGINT', request);
  process.on('SIGTERM', request);
  return stop.signal;
}

const entry = process.argv[1];
if (entry !== undefined && (await realpath(entry)) === fileURLToPath(import.meta.url)) {
  loadEnvironment({ quiet: true });
  process.exitCode = await main(process.argv.slice(2), process.env, process, { stop: stopOnSignals() });
}
