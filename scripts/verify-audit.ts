import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { openAuditFile } from '../shared/adapters/embedded/audit-file.ts';
import { type AuditLine, auditLine, type ChainHead, createChainVerifier } from '../shared/domain/audit-chain.ts';
import { AppError } from '../shared/errors.ts';
import { isUsageError, UsageError } from './command-line/usage-error.ts';

const usage = `Usage: npm run verify-audit -- [OPTIONS]

Verifies the audit log: checks that no entry was changed, removed, inserted or moved. Prints the head of every chain: its last entry.
Store the heads in another place, for example on paper or in another system. Pass them with --head at a later run: this checks that
no entries were removed at the end, and that the log was not rewritten.

  --data DIR        the data folder; the platform may be running (default FREEFACE_DATA, or .freeface)
  --file FILE       an export of GET /api/v1/audit/export without filters, instead of a data folder
  --head SEQ:HASH   an entry that must be in the log; may be repeated

Exit codes: 0 verified, 1 broken, 2 wrong usage or no log to read.
`;

/** Largest number of errors that are printed; further errors are only counted. */
const mostBreaks = 20;

interface Terminal {
  readonly stdout: Pick<NodeJS.WritableStream, 'write'>;
  readonly stderr: Pick<NodeJS.WritableStream, 'write'>;
}

interface Settings {
  readonly source: { readonly file: string } | { readonly dataDir: string };
  readonly heads: readonly Pick<ChainHead, 'sequence' | 'hash'>[];
}

/** `npm run verify-audit`. Resolves to the exit code. */
export async function main(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<number> {
  try {
    const settings = readSettings(args, environment);
    if (settings === 'help') {
      terminal.stdout.write(usage);
      return 0;
    }
    const trouble = await verify(settings, terminal);
    return trouble === 0 ? 0 : 1;
  } catch (error) {
    const isUsage: boolean = isUsageError(error);
    if (!isUsage && !(error instanceof AppError)) throw error;
    const { message } = error as Error;
    terminal.stderr.write(isUsage ? `${message}\n\n${usage}` : `${message}\n`);
    return 2;
  }
}

function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      file: { type: 'string' },
      head: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.data !== undefined && values.file !== undefined) throw new UsageError('Use --data or --file, not both.');
  if (values.file !== undefined && !existsSync(values.file)) throw new UsageError(`There is no file ${values.file}.`);
  return {
    source:
      values.file === undefined
        ? { dataDir: resolve(values.data ?? (environment.FREEFACE_DATA || '.freeface')) }
        : { file: values.file },
    heads: values.head.map(readHead),
  };
}

function readHead(text: string): Settings['heads'][number] {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined) throw new UsageError(`--head ${text} is not SEQ:HASH.`);
  return { sequence: Number(sequence), hash };
}

/** Resolves to the number of errors. */
async function verify({ source, heads }: Settings, { stdout }: Terminal): Promise<number> {
  const verifier = createChainVerifier();
  const missing = new Set(heads.map(({ sequence, hash }) => `${sequence}:${hash}`));
  let entries = 0;
  let troubles = 0;
  const complain = (message: string): void => {
    troubles += 1;
    if (troubles <= mostBreaks) stdout.write(`${message}\n`);
  };
  const take = (line: AuditLine): void => {
    entries += 1;
    missing.delete(`${line.sequence}:${line.hash}`);
    const broken = verifier.add(line);
    if (broken !== null) complain(broken.message);
  };
  if ('file' in source) await readExport(source.file, take, complain);
  else await readFolder(source.dataDir, take, complain);
  for (const head of missing)
    complain(`The entry ${head} is missing: entries were removed at the end, or the log was rewritten.`);
  for (const { tenant, chain, sequence, hash } of verifier.heads())
    stdout.write(`head of tenant ${tenant}, chain ${chain}: ${sequence}:${hash}\n`);
  const chains = verifier.heads().length;
  const counted = `${entries} entries in ${chains} ${chains === 1 ? 'chain' : 'chains'}`;
  stdout.write(troubles === 0 ? `${counted}: verified.\n` : `${counted}: BROKEN, ${troubles} errors.\n`);
  return troubles;
}

async function readFolder(
  dataDir: string,
  take: (line: AuditLine) => void,
  complain: (message: string) => void,
): Promise<void> {
  const file = openAuditFile(dataDir);
  try {
    for (const tenant of await file.tenants()) {
      for await (const entry of file.chains(tenant)) take(auditLine(tenant, entry));
      const wrong = file.wronglyIndexed(tenant);
      if (wrong > 0) complain(`Tenant ${tenant}: the index of subjects differs from the entries in ${wrong} places.`);
    }
  } finally {
    await file.close();
  }
}

async function readExport(
  path: string,
  take: (line: AuditLine) => void,
  complain: (message: string) => void,
): Promise<void> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    const line = parseLine(text);
    if (line === null) complain(`Line ${number} is not an entry.`);
    else take(line);
  }
}

function parseLine(text: string): AuditLine | null {
  try {
    const line = JSON.parse(text) as Partial<AuditLine> | null;
    const isEntry =
      typeof line === 'object' &&
      line !== null &&
      Number.isSafeInteger(line.sequence) &&
      [line.tenant, line.chain, line.previous, line.hash].every((field) => typeof field === 'string');
    return isEntry ? (line as AuditLine) : null;
  } catch {
    return null;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  loadEnvironment({ quiet: true });
  process.exitCode = await main(process.argv.slice(2), process.env, process);
}
