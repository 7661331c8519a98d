import type { Run } from '../../shared/migrations/journal.ts';
import type { DatabaseName } from '../../shared/migrations/migration.ts';
import type { Done, Standing } from '../../shared/migrations/run.ts';
import type { Command } from './command.ts';

/** How a database stands. */
export interface DatabaseReport {
  readonly database: DatabaseName;
  readonly title: string;
  readonly standings: readonly Standing[];
  /** Newest first. */
  readonly runs: readonly Run[];
}

/** What was copied of a part, or would be. */
export interface Copied {
  readonly part: string;
  readonly rows: number;
  /** In the target; null: nobody looked. */
  readonly found: number | null;
  /** Of the source's rows, hex. */
  readonly digest: string;
  /** Whether the target has come to the same; null: nobody looked. */
  readonly proved: boolean | null;
}

export interface Report {
  readonly copied: Copied[];
  readonly did: Done[];
  readonly databases: DatabaseReport[];
  /** For people. */
  readonly notes: string[];
  /** For people; what failed and what to do. Empty: all went well. */
  readonly errors: string[];
}

/** null: the command was not understood. */
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

/** The result for people; errors go elsewhere. */
export function asText({ action, dryRun }: Shape, report: Report): string {
  const lines: string[] = [];
  for (const each of report.databases) lines.push(...databaseLines(each));
  for (const { part, rows, proved } of report.copied) {
    const state = proved === null ? '' : proved ? '  proved' : '  DIFFERENT';
    if (rows > 0 || proved === false) lines.push(`${part.padEnd(12)} ${String(rows).padStart(8)}${state}`);
  }
  for (const done of report.did) lines.push(...doneLines(done));
  if (action === 'up' && report.did.length === 0 && report.errors.length === 0) lines.push('Everything is up to date.');
  if (action === 'down' && report.did.length === 0 && report.errors.length === 0) lines.push('Nothing has been done.');
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
        : (entry?.error ?? (entry?.status === 'running' ? 'was cut short' : ''));
    return `  ${name.padEnd(width)}  ${state.padEnd(8)}  ${at}  ${why}`.trimEnd();
  });
  const failed = runs.filter(({ status }) => status === 'failed').slice(0, 3);
  return [
    `${database} (${title}): ${isUpToDate(standings) ? 'up to date' : 'behind; run npm run migrate -- up'}`,
    ...lines,
    ...failed.map(({ name, at, direction, error }) => `  ${timeOf(at)}  ${direction} ${name} failed: ${error}`),
  ];
}

function doneLines({ database, name, direction, status, durationMs, steps }: Done): string[] {
  const what = `${database}/${name}`;
  const verb = { up: 'done', down: 'taken back', erase: 'erased', truncate: 'emptied' }[direction];
  if (status === 'planned') return [`${what}: would be ${verb}`, ...steps.map((step) => `  ${step}`)];
  if (status === 'failed') return [`${what}: failed after ${durationMs} ms`];
  return [`${what}: ${verb} in ${durationMs} ms`];
}

const timeOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
