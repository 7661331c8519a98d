import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFiles } from '../../../migrations/files.ts';
import { statementsOf } from '../../../migrations/scylla.ts';
import { statements } from './statements.ts';

const all = Object.entries(statements);
const migrations = await readFiles('migrations', 'scylla');
const tables = migrations.flatMap(({ text }) => statementsOf(text)).filter((cql) => cql.startsWith('CREATE TABLE'));
const keys = new Map(
  tables.map((cql) => [
    /CREATE TABLE IF NOT EXISTS (\w+)/.exec(cql)![1]!,
    (/PRIMARY KEY \(\(([^)]*)\)/.exec(cql)?.[1] ?? /(\w+) text PRIMARY KEY/.exec(cql)![1]!).split(', '),
  ]),
);
const tableOf = (cql: string): string => /(?:FROM|INTO|UPDATE) (\w+)/.exec(cql)![1]!;

describe('statements on ScyllaDB', () => {
  it.each(all)(
    'When %s runs, then it says how, and asks for nothing that reads or counts without bounds',
    (_, statement) => {
      const { cql, consistency, serial } = statement;

      expect(consistency).toBe('LOCAL_QUORUM');
      expect(serial).toBe(/ IF /.test(cql) ? 'LOCAL_SERIAL' : undefined);
      expect(cql).not.toMatch(/ALLOW FILTERING|TOKEN\s*\(|COUNT\s*\(|SELECT \*|\bcounter\b/i);
      expect(cql, 'values belong into markers, or it is prepared anew for each').not.toMatch(/= '(?!-')|= \d|\$\{/);
    },
  );

  it.each(all)('When %s runs, then it names one partition, by the tenant first', (name, { cql }) => {
    const key = keys.get(tableOf(cql))!;
    const given = cql.startsWith('INSERT')
      ? /\(([^)]*)\) VALUES/.exec(cql)![1]!.split(', ')
      : [...cql.split(' WHERE ')[1]!.matchAll(/(\w+) = \?/g)].map(([, column]) => column!);

    expect(given).toEqual(expect.arrayContaining(key));
    expect(key[0]).toBe(name.startsWith('setting:') ? 'name' : 'tenant');
  });

  it('When a table is decided by conditions, then no other statement writes its rows', () => {
    const writes = all.filter(([, { cql }]) => !cql.startsWith('SELECT'));
    const decided = new Set(writes.filter(([, { serial }]) => serial).map(([, { cql }]) => tableOf(cql)));

    const others = writes.filter(([, { cql, serial }]) => serial === undefined && decided.has(tableOf(cql)));

    // Rows of faces change in batches that the image's row decides.
    expect(others.map(([name]) => name)).toEqual(['images:putFace', 'images:dropFace']);
  });

  it('When tables are made, then none has counters, views, indexes or types that one of the engines lacks', () => {
    for (const { name, text } of migrations) {
      for (const statement of statementsOf(text)) {
        expect(statement, name).toMatch(/^(CREATE TABLE IF NOT EXISTS|DROP TABLE IF EXISTS) \w+/);
        expect(statement, name).not.toMatch(/\bcounter\b|\bstatic\b|vector<|MATERIALIZED|INDEX|tablets/i);
      }
    }
  });

  it('When code speaks to ScyllaDB, then only through the table of statements', () => {
    const folder = 'shared/adapters/distributed/';
    const speaking = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .filter((name) => /from 'cassandra-driver'/.test(readFileSync(folder + name, 'utf8')));

    expect(speaking).toEqual(['scylla/client.ts']);
  });
});
