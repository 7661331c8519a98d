import type { Run } from '../../shared/migrations/journal.ts';
import type { DatabaseName } from '../../shared/migrations/migration.ts';
import type { Done, Standing } from '../../shared/migrations/run.ts';
import type { Command } from './command.ts';

/** The state of a database. */
export interface DatabaseReport {
  readonly database: DatabaseName;
  readonly title: string;
  readonly standings: readonly Standing[];
  /** Newest first. */
  readonly runs: readonly Run[];
}

/** Result of copying one part; in a dry run, the expected result. */
export interface Copied {
  readonly part: string;
  readonly rows: number;
  /** Rows in the target; null in a dry run. */
  readonly found: number | null;
  /** Digest of the source's rows, hex. */
  readonly digest: string;
  /** Whether the target has the expected rows; null in a dry run. */
  readonly proved: boolean | null;
}

export interface Report {
  readonly copied: Copied[];
  readonly did: Done[];
  readonly databases: DatabaseReport[];
  /** Lines for people. */
  readonly notes: string[];
  /** Lines for people: what failed and what to do. Empty on success. */
  readonly errors: string[];
}

/** `action`: null when the command line was wrong. */
type Shape = { readonly action: Command['action'] | null; readonly dryRun: boolean };

export const emptyReport = (): Report => ({ copied: [], did: [], databases: [], notes: [], errors: [] });

/** The result as one JSON document. */
export const asJson = ({ action, dryRun }: Shape, report: Report): string =>
  `${JSON.stringify(
    {
      command: action,
      dry_run: dryRun,
      ok: report.errors.length === 0,
      did: report.did.map(({ durationMs, ...done }) => ({ ...done, duration_ms: durationMs })),
      databases: report.databases.map(({ database, title, standings, runs }) => ({
        database,
        title,
        up_to_date: isUpToDate(standings),
        migrations: standings.map(({ name, state, entry, migration }) => ({
          name,
          state,
          reason: migration?.needless ?? null,
          at: timeOf(entry?.at),
          duration_ms: entry?.durationMs ?? null,
          error: entry?.error ?? null,
        })),
        runs: runs.map(({ name, direction, status, at, durationMs, error, host }) => ({
          name,
          direction,
          status: status === 'applied' ? 'done' : status,
          at: timeOf(at),
          duration_ms: durationMs,
          error,
          host,
        })),
      })),
      copied: report.copied,
      notes: report.notes,
      errors: report.errors,
    },
    null,
    2,
  )}\n`;

/** The result for people, without the errors. */
export function asText({ action, dryRun }: Shape, report: Report): string {
  const lines: string[] = [];
  for (const each of report.databases) lines.push(...databaseLines(each));
  for (const { part, rows, proved } of report.copied) {
    const state = proved === null ? '' : proved ? '  proved' : '  DIFFERENT';
    if (rows > 0 || proved === false) lines.push(`${part.padEnd(12)} ${String(rows).padStart(8)}${state}`);
  }
  for (const done of report.did) lines.push(...doneLines(done));
  if (action === 'up' && report.did.length === 0 && report.errors.length === 0) lines.push('Everything is up to date.');
  if (action === 'down' && report.did.length === 0 && report.errors.length === 0)
    lines.push('Nothing was rolled back.');
  lines.push(...report.notes);
  if (dryRun) lines.push('Nothing was changed: this was a dry run.');
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export const isUpToDate = (standings: readonly Standing[]): boolean =>
  standings.every(({ state }) => state === 'applied' || state === 'needless');

function databaseLines({ database, title, standings, runs }: DatabaseReport): string[] {
  const width = Math.max(...standings.map(({ name }) => name.length), 10);
  const lines = standings.map(({ name, state, entry, migration }) => {
    const at = entry?.at === undefined ? '' : `${timeOf(entry.at)}  ${entry.durationMs ?? '?'} ms`;
    const why =
      state === 'needless'
        ? (migration?.needless ?? '')
        : (entry?.error ?? (entry?.status === 'running' ? 'was interrupted' : ''));
    return `  ${name.padEnd(width)}  ${state.padEnd(8)}  ${at}  ${why}`.trimEnd();
  });
  const failed = runs.filter(({ status }) => status === 'failed').slice(0, 3);
  return [
    `${database} (${title}): ${isUpToDate(standings) ? 'up to date' : 'not up to date; run npm run migrate -- up'}`,
    ...lines,
    ...failed.map(({ name, at, direction, error }) => `  ${timeOf(at)}  ${direction} ${name} failed: ${error}`),
  ];
}

function doneLines({ database, name, direction, status, durationMs, steps }: Done): string[] {
  const what = `${database}/${name}`;
  const verb = { up: 'done', down: 'rolled back', erase: 'erased', truncate: 'truncated' }[direction];
  if (status === 'planned') return [`${what}: would be ${verb}`, ...steps.map((step) => `  ${step}`)];
  if (status === 'failed') return [`${what}: failed after ${durationMs} ms`];
  return [`${what}: ${verb} in ${durationMs} ms`];
}

const timeOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
