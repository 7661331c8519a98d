import { existsSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, readConfig } from '../../../shared/config.ts';
import { auditLine } from '../../../shared/domain/audit-chain.ts';
import { eachOf } from '../../../shared/domain/each-of.ts';
import type { AuditEntry } from '../../../shared/ports/audit.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import { forgetAnswers } from '../cached-answers.ts';
import type { Command } from '../command.ts';
import { MigrationError } from '../migration.ts';
import { requireEngines } from '../open.ts';
import type { Copied, Report } from '../report.ts';
import { type Counting, showCounting, type Terminal } from '../terminal.ts';
import { createDigest, type Digest, type RunningDigest } from './digest.ts';
import type { EndName } from './end-names.ts';
import { openSource, openTarget, type Source, spacesKnown, type Target, tenantsOf } from './ends.ts';
import { atOnce, type Part, parts, rowsOf, type WalkOptions } from './rows.ts';

/** Parts of which the target may hold more: it has been started before, and made a key and written a log. */
const mayHoldMore: ReadonlySet<Part> = new Set<Part>([
  'tenants',
  'users',
  'api_keys',
  'signing_keys',
  'webhooks',
  'audit',
]);

/**
 * `npm run migrate -- copy`. Errors: MigrationError, also when what is in the target afterwards is not what it should be.
 *
 * [Note: A copy can be cut short]
 * Every row is written by its id and as it is, so a copy that was stopped is simply run again: what is there is compared, not doubled.
 * Photos that are there are not sent again. What counts as done is only what was read back from the target and comes to the same
 * digest as what was read from the source.
 *
 * [Note: What a copy does not carry]
 * Events on their way: so it waits for none to be there, no entry of the outbox and no job that is not finished. Sessions: people log in
 * again. The log of webhook deliveries. Answers in the cache.
 */
export async function copy(
  { ways, dataDir, dryRun }: Pick<Command, 'ways' | 'dataDir' | 'dryRun'>,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  report: Report,
): Promise<void> {
  const { from, to } = ways!;
  const config = configOf(environment, dataDir);
  const counting = showCounting(terminal.stderr);
  const spaceOf = await spacesKnown(config);
  if (from === 'embedded' && !existsSync(join(config.dataDir, 'records.db'))) {
    throw new MigrationError(`There is no gallery in ${config.dataDir}. Say where it is: --data DIR`);
  }
  const source = await openSource(from, config);
  const expected = newExpectations();
  try {
    await refuseWork(source, from, report);
    const tenants = [null, ...(await tenantsOf(source))];
    if (dryRun) {
      for (const part of parts) await count(part, source, tenants, { spaceOf }, counting, report);
      return;
    }
    const target = await openTarget(to, config);
    const archive = archiveIn(config.dataDir);
    try {
      for (const part of parts) {
        await copyPart(part, source, target, tenants, { spaceOf, archive: archive.add }, expected, counting);
      }
    } finally {
      await target.close();
    }
    for (const file of archive.files) {
      report.notes.push(
        `Entries of the audit log that others than the folder's own chain hold are in ${file}; npm run verify-audit -- --file proves them.`,
      );
    }
    for (const row of archive.rows()) expected.rows.get('audit')!.delete(digestOf(row));
    await prove(await openSource(to, config), tenants, { spaceOf }, expected, counting, report);
  } finally {
    await source.close();
  }
  if (to === 'distributed' && config.engines.missing(['dragonfly']).length === 0) {
    await forgetAnswers(config.engines.dragonfly).run();
  }
}

function configOf(environment: NodeJS.ProcessEnv, dataDir: string | null): Config {
  const more = {
    FREEFACE_MODE: 'distributed',
    ...(dataDir === null ? {} : { FREEFACE_DATA: dataDir }),
    LOG_LEVEL: 'silent',
  };
  const config = readConfig({ ...environment, ...more });
  requireEngines(config, ['scylla', 'milvus', 's3']);
  return config;
}

/** What is on its way would be lost. */
async function refuseWork({ records, webhooks }: Source, from: EndName, report: Report): Promise<void> {
  const { outbox, jobs } = await records.backlog();
  const waiting = Object.values(jobs).reduce((sum, each) => sum + each, 0);
  if (outbox + waiting > 0) {
    throw new MigrationError(
      `There is work on its way in ${from}: ${waiting} jobs that are not finished, ${outbox} events that are not published. Start the platform on it, wait until they are done, stop it, and copy then.`,
    );
  }
  const { messages } = await webhooks.pending();
  if (messages > 0)
    report.notes.push(`${messages} webhook messages that were not delivered yet stay behind in ${from}.`);
}

/** What the target has to hold. */
interface Expectations {
  readonly digests: Map<Part, RunningDigest>;
  /** Of parts of which the target may hold more. */
  readonly rows: Map<Part, Set<string>>;
}
const newExpectations = (): Expectations => ({ digests: new Map(), rows: new Map() });

const digestOf = (row: unknown): string => {
  const digest = createDigest();
  digest.add(row);
  return digest.read().digest;
};

async function copyPart(
  part: Part,
  source: Source,
  target: Target,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  expected: Expectations,
  counting: Counting,
): Promise<void> {
  const digest = createDigest();
  const rows = new Set<string>();
  expected.digests.set(part, digest);
  expected.rows.set(part, rows);
  for (const tenant of tenants) {
    const total = tenant === null ? null : await totalOf(part, source, tenant);
    const there = part === 'photos' && tenant !== null ? await photosOf(target, tenant) : new Set<string>();
    for await (const batch of rowsOf(part, source, tenant, { ...options, hasPhoto: (key) => there.has(key) })) {
      await eachOf(batch, atOnce, ({ write }) => write(target));
      for (const { row } of batch) {
        digest.add(withTenant(tenant, row));
        if (mayHoldMore.has(part)) rows.add(digestOf(withTenant(tenant, row)));
      }
      counting.at(`copying ${part}`, digest.read().count, total);
    }
  }
  counting.end(`copied ${part}`, digest.read().count);
}

const withTenant = (tenant: Tenant | null, row: unknown) => [tenant, row];

async function totalOf(part: Part, { records }: Source, tenant: Tenant): Promise<number | null> {
  if (part === 'persons') return (await records.usage(tenant)).persons;
  return part === 'templates' ? (await records.usage(tenant)).faces : null;
}

async function photosOf({ images }: Target, tenant: Tenant): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of images.keys(tenant)) keys.add(key);
  return keys;
}

/** Reads back all of it. Errors: MigrationError when it is not what it should be. */
async function prove(
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  expected: Expectations,
  counting: Counting,
  report: Report,
): Promise<void> {
  try {
    for (const part of parts) report.copied.push(await provePart(part, source, tenants, options, expected, counting));
  } finally {
    await source.close();
  }
  const wrong = report.copied.filter(({ proved }) => !proved);
  if (wrong.length === 0) return;
  const what = wrong.map(({ part, rows, found }) => `  ${part}: ${rows} in the source, ${found} in the target`);
  throw new MigrationError(
    `The target does not hold what the source does:\n${what.join('\n')}\nRun the same command again. When it stays so, the target holds what the source does not (any more): empty it (erase, or another folder) and copy anew.`,
  );
}

async function provePart(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  { digests, rows }: Expectations,
  counting: Counting,
): Promise<Copied> {
  const wanted = digests.get(part)!.read();
  const missing = rows.get(part)!;
  const isLoose = mayHoldMore.has(part);
  const found = await digestOfPart(part, source, tenants, options, (count, batch) => {
    if (isLoose) for (const row of batch) missing.delete(digestOf(row));
    counting.at(`reading back ${part}`, count, wanted.count);
  });
  const proved = isLoose ? missing.size === 0 : found.digest === wanted.digest;
  counting.end(`${proved ? 'proved' : 'DIFFERENT:'} ${part}`, found.count);
  return { part, rows: wanted.count, found: found.count, digest: wanted.digest, proved };
}

async function count(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  counting: Counting,
  report: Report,
): Promise<void> {
  const { count: rows, digest } = await digestOfPart(part, source, tenants, options, (count) =>
    counting.at(`reading ${part}`, count, null),
  );
  report.copied.push({ part, rows, found: null, digest, proved: null });
}

/** Reads all of a part. `onBatch` is told how many there were so far, and the latest with their tenant. */
async function digestOfPart(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  onBatch: (count: number, rows: readonly unknown[]) => void,
): Promise<Digest> {
  const digest = createDigest();
  for (const tenant of tenants) {
    for await (const batch of rowsOf(part, source, tenant, options)) {
      const rows = batch.map(({ row }) => withTenant(tenant, row));
      for (const row of rows) digest.add(row);
      onBatch(digest.read().count, rows);
    }
  }
  return digest.read();
}

/** Files beside the folder's own log, one a tenant, in the form of an export. */
function archiveIn(dataDir: string) {
  const files = new Set<string>();
  const kept: unknown[] = [];
  return {
    files,
    rows: () => kept,
    async add(tenant: Tenant, entries: readonly AuditEntry[]): Promise<void> {
      const file = join(dataDir, `audit-copied-${tenant}.jsonl`);
      if (!files.has(file)) await rm(file, { force: true });
      files.add(file);
      kept.push(...entries.map((entry) => withTenant(tenant, entry)));
      const lines = entries.map((entry) => `${JSON.stringify(auditLine(tenant, entry))}\n`);
      await appendFile(file, lines.join(''), { mode: 0o600 });
    },
  };
}
