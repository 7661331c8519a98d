import { existsSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, readConfig } from '../../../shared/config.ts';
import { auditLine } from '../../../shared/domain/audit-chain.ts';
import { eachOf } from '../../../shared/domain/each-of.ts';
import { MigrationError } from '../../../shared/migrations/migration.ts';
import type { AuditEntry } from '../../../shared/ports/audit.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import { forgetAnswers } from '../cached-answers.ts';
import type { Command } from '../command.ts';
import { requireEngines } from '../open.ts';
import type { Copied, Report } from '../report.ts';
import { type Counting, showCounting, type Terminal } from '../terminal.ts';
import { createDigest, hashOf } from './digest.ts';
import type { EndName } from './end-names.ts';
import { openSource, openTarget, type Source, spacesKnown, type Target, tenantsOf } from './ends.ts';
import { type Expectation, expectAmongOthers, expectChains, expectExactly, type TenantRow } from './expectations.ts';
import { atOnce, type Part, parts, rowsOf, type WalkOptions } from './rows.ts';

/** Parts of which the target may have more rows than the source: the target was started before, and created a key. */
const amongOthers: ReadonlySet<Part> = new Set<Part>(['tenants', 'users', 'api_keys', 'signing_keys', 'webhooks']);

/**
 * `npm run migrate -- copy`. Errors: MigrationError, also when the target does not have the expected rows afterwards.
 *
 * [Note: A copy can be interrupted]
 * Every row is written under its id and without changes. So an interrupted copy is simply run again: it creates no duplicates. Photos that
 * the target already has are not sent again. After writing, all rows are read back from the target. A part is proved only when digests
 * show that the target has the source's rows.
 *
 * [Note: Data that a copy leaves out]
 * Events that are not published: a copy is refused while the outbox has entries or a job is not finished. Sessions: people log in again.
 * The log of webhook deliveries. Cached responses.
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
    throw new MigrationError(`There is no gallery in ${config.dataDir}. Set the data folder with --data DIR.`);
  }
  const source = await openSource(from, config);
  const log = expectChains();
  const expected = new Map(parts.map((part) => [part, part === 'audit' ? log : expectationOf(part)]));
  try {
    await refuseWork(source, from, report);
    const tenants = [null, ...(await tenantsOf(source))];
    if (dryRun) {
      for (const part of parts) await count(part, source, tenants, { spaceOf }, counting, report);
      return;
    }
    const target = await openTarget(to, config);
    const archive = archiveIn(config.dataDir);
    const options: WalkOptions = {
      spaceOf,
      async archive(tenant, entries) {
        log.leaveOut(tenant, entries[0]!.chain);
        await archive.add(tenant, entries);
      },
    };
    try {
      for (const [part, expectation] of expected)
        await copyPart(part, source, target, tenants, options, expectation, counting);
    } finally {
      await target.close();
    }
    for (const file of archive.files) {
      report.notes.push(
        `The data folder stores one audit chain for each tenant. Entries of other chains are in ${file}. To verify them: npm run verify-audit -- --file ${file}`,
      );
    }
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

/** Refuses a copy while jobs or events are pending: a copy would lose them. Errors: MigrationError. */
async function refuseWork({ records, webhooks }: Source, from: EndName, report: Report): Promise<void> {
  const { outbox, jobs } = await records.backlog();
  const waiting = Object.values(jobs).reduce((sum, each) => sum + each, 0);
  if (outbox + waiting > 0) {
    throw new MigrationError(
      `The ${from} side has pending work: ${waiting} jobs that are not finished, ${outbox} events that are not published. Start the platform in ${from} mode, wait until the work is done, stop the platform, and copy again.`,
    );
  }
  const { messages } = await webhooks.pending();
  if (messages > 0) report.notes.push(`${messages} undelivered webhook messages are not copied. They stay in ${from}.`);
}

const expectationOf = (part: Part): Expectation => (amongOthers.has(part) ? expectAmongOthers() : expectExactly());

async function copyPart(
  part: Part,
  source: Source,
  target: Target,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  { wanted, expect }: Expectation,
  counting: Counting,
): Promise<void> {
  for (const tenant of tenants) {
    const total = tenant === null ? null : await totalOf(part, source, tenant);
    const there = part === 'photos' && tenant !== null ? await photosOf(target, tenant) : new Set<string>();
    for await (const batch of rowsOf(part, source, tenant, { ...options, hasPhoto: (key) => there.has(key) })) {
      await eachOf(batch, atOnce, ({ write }) => write(target));
      for (const { row } of batch) expect([tenant, row]);
      counting.at(`copying ${part}`, wanted.read().count, total);
    }
  }
  counting.end(`copied ${part}`, wanted.read().count);
}

async function totalOf(part: Part, { records }: Source, tenant: Tenant): Promise<number | null> {
  if (part === 'persons') return (await records.usage(tenant)).persons;
  return part === 'templates' ? (await records.usage(tenant)).faces : null;
}

async function photosOf({ images }: Target, tenant: Tenant): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const { key } of images.keys(tenant)) keys.add(key);
  return keys;
}

/** Reads all rows back from the target. Errors: MigrationError when they are not the expected rows. */
async function prove(
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  expected: ReadonlyMap<Part, Expectation>,
  counting: Counting,
  report: Report,
): Promise<void> {
  try {
    for (const [part, expectation] of expected)
      report.copied.push(await provePart(part, source, tenants, options, expectation, counting));
  } finally {
    await source.close();
  }
  const wrong = report.copied.filter(({ proved }) => !proved);
  if (wrong.length === 0) return;
  const what = wrong.map(({ part, rows, found }) => `  ${part}: ${rows} in the source, ${found} in the target`);
  throw new MigrationError(
    `The target differs from the source:\n${what.join('\n')}\nRun the same command again. If it fails again, the target has rows that the source does not have (any more). Then empty the target (erase, or use another folder) and copy again.`,
  );
}

async function provePart(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  { wanted, found, find, isMet }: Expectation,
  counting: Counting,
): Promise<Copied> {
  const { count: rows, digest } = wanted.read();
  const countFound = () => found.read().count;
  for await (const batch of tenantRows(part, source, tenants, options)) {
    for (const row of batch) find(row);
    counting.at(`reading back ${part}`, countFound(), rows);
  }
  const proved = isMet();
  counting.end(`${proved ? 'proved' : 'DIFFERENT:'} ${part}`, countFound());
  return { part, rows, found: countFound(), digest, proved };
}

async function count(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
  counting: Counting,
  report: Report,
): Promise<void> {
  const running = createDigest();
  for await (const batch of tenantRows(part, source, tenants, options)) {
    for (const row of batch) running.add(hashOf(row));
    counting.at(`reading ${part}`, running.read().count, null);
  }
  const { count: rows, digest } = running.read();
  report.copied.push({ part, rows, found: null, digest, proved: null });
}

/** All rows of a part, with their tenants. */
async function* tenantRows(
  part: Part,
  source: Source,
  tenants: readonly (Tenant | null)[],
  options: WalkOptions,
): AsyncGenerator<TenantRow[]> {
  for (const tenant of tenants)
    for await (const batch of rowsOf(part, source, tenant, options)) yield batch.map(({ row }) => [tenant, row]);
}

/** Audit entries that the data folder cannot store: one file for each tenant, in the format of an export. */
function archiveIn(dataDir: string) {
  const files = new Set<string>();
  return {
    files,
    async add(tenant: Tenant, entries: readonly AuditEntry[]): Promise<void> {
      const file = join(dataDir, `audit-copied-${tenant}.jsonl`);
      if (!files.has(file)) await rm(file, { force: true });
      files.add(file);
      const lines = entries.map((entry) => `${JSON.stringify(auditLine(tenant, entry))}\n`);
      await appendFile(file, lines.join(''), { mode: 0o600 });
    },
  };
}
