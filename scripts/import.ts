import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { isLoopback } from '../shared/domain/outside-issuer.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { adminKeyPath } from '../shared/runtime/first-start.ts';
import { isUsageError, UsageError } from './command-line/usage-error.ts';
import { enrol, greet, type Server, ServerError } from './import/client.ts';
import { describeGallery, readGallery } from './import/gallery.ts';
import { type Journal, journalFile, openJournal } from './import/journal.ts';
import type { Outcome } from './import/outcome.ts';
import { showProgress } from './import/progress.ts';
import { count, countEarlier, newTally, sum, type Tally, table } from './import/report.ts';
import { type Folder, FolderError, type Photo, scanFolder } from './import/scan.ts';

const usage = `Usage: npm run import -- DIR [OPTIONS]

Enrols a folder of people over the HTTP API. Photos in DIR/<name>/ are enrolled for the person <name>. Photos directly in DIR
are enrolled without a person. You can stop the import at any time and start it again: it sends only new and changed photos,
and photos that failed.

  --url URL           the server (default http://127.0.0.1:8080, or HOST and PORT of the configuration)
  --key KEY           the API key (default FREEFACE_KEY; for a server on this machine, the admin key in FREEFACE_DATA)
  --concurrency N     number of photos sent at the same time, 1 to 64 (default 4)
  --strategy NAME     model pack to use (default: the server's default)
  --again             send all photos again
  --dry-run           only list the photos that would be sent
  --journal FILE      file that records the results (default: a file in FREEFACE_DATA/imports)

Exit codes: 0 every photo was enrolled or rejected, 1 some photos or folders failed, 2 wrong usage, 130 stopped.
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

/** Unlike `systemClock`, its timers keep the process alive: while the client waits for a busy server, nothing else does. */
const patientClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** `npm run import`. Resolves to the exit code. After an abort of `stop`, photos that are being sent still finish. */
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
  if (given === undefined || positionals.length > 1) throw new UsageError('Name one folder to import.');
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

/** The admin key, but only for a server on this machine: it is never sent to another machine. */
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
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`${url} is not the address of a server. Use http://HOST:PORT.`);
  return url.replace(/\/+$/, '');
}

async function importFolder(settings: Settings, { stdout, stderr }: Terminal, stop: AbortSignal): Promise<number> {
  const { root, server, again, dryRun } = settings;
  const folder = await scanFolder(root);
  for (const path of folder.skipped) stderr.write(`${path} is skipped: its name is not that of a picture\n`);
  for (const problem of folder.problems) stderr.write(`${problem}\n`);
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
    const gallery = describeGallery(await readGallery(server));
    stdout.write(`\n${table(tally)}\n${gallery}\nThe results are recorded in ${journal.file}\n`);
    if (stop.aborted) {
      stderr.write('Stopped. Run the same command again to continue.\n');
      return 130;
    }
    return sum(tally.failed) > 0 || folder.problems.length > 0 ? 1 : 0;
  } finally {
    journal.close();
  }
}

function plan({ photos, people }: Folder, journal: Journal): string {
  const left = photos.filter((photo) => journal.find(photo) === undefined);
  const lines = left.map(
    ({ path, person }) => `${path}  ${person ? `${person.externalId} (${person.name})` : 'no person'}`,
  );
  return `${[...lines, `${left.length} of ${photos.length} photos would be sent; ${people} folders of people`].join('\n')}\n`;
}

/**
 * [Note: The first photo of a person goes alone]
 * The other photos of a person wait for the response to the first photo, because the first photo creates the person. Several photos at
 * the same time would cause a race on the server.
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

/** After the first Ctrl-C, photos that are being sent still finish. The second Ctrl-C exits at once. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  const request = () => {
    if (stop.signal.aborted) process.exit(130);
    process.stderr.write('\nFinishing the photos that are being sent. Press Ctrl-C again to quit at once.\n');
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
