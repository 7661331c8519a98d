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
    'When %s runs, then it has a consistency level, and no part that reads or counts without a limit',
    (_, statement) => {
      const { cql, consistency, serial } = statement;

      expect(consistency).toBe('LOCAL_QUORUM');
      expect(serial).toBe(/ IF /.test(cql) ? 'LOCAL_SERIAL' : undefined);
      expect(cql).not.toMatch(/ALLOW FILTERING|TOKEN\s*\(|COUNT\s*\(|SELECT \*|\bcounter\b/i);
      expect(cql, 'use markers for values; a literal value needs a new prepared statement each time').not.toMatch(
        /= '(?!-')|= \d|\$\{/,
      );
    },
  );

  it.each(all)(
    'When %s runs, then it addresses one partition, with the tenant as first key column',
    (name, { cql }) => {
      const key = keys.get(tableOf(cql))!;
      const given = cql.startsWith('INSERT')
        ? /\(([^)]*)\) VALUES/.exec(cql)![1]!.split(', ')
        : [...cql.split(' WHERE ')[1]!.matchAll(/(\w+) = \?/g)].map(([, column]) => column!);

      expect(given).toEqual(expect.arrayContaining(key));
      expect(key[0]).toBe(name.startsWith('setting:') ? 'name' : 'tenant');
    },
  );

  it('When a table has conditional writes, then all writes of its rows are conditional', () => {
    const writes = all.filter(([, { cql }]) => !cql.startsWith('SELECT'));
    const decided = new Set(writes.filter(([, { serial }]) => serial).map(([, { cql }]) => tableOf(cql)));

    const others = writes.filter(([, { cql, serial }]) => serial === undefined && decided.has(tableOf(cql)));

    // Face rows are written in batches with the conditional write of the image.
    expect(others.map(([name]) => name)).toEqual(['images:putFace', 'images:dropFace']);
  });

  it('When tables are created, then none has counters, views, indexes or types that one of the engines lacks', () => {
    for (const { name, text } of migrations) {
      for (const statement of statementsOf(text)) {
        expect(statement, name).toMatch(/^(CREATE TABLE IF NOT EXISTS|DROP TABLE IF EXISTS) \w+/);
        expect(statement, name).not.toMatch(/\bcounter\b|\bstatic\b|vector<|MATERIALIZED|INDEX|tablets/i);
      }
    }
  });

  it('When code uses the driver of ScyllaDB, then only the client does', () => {
    const folder = 'shared/adapters/distributed/';
    const speaking = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .filter((name) => /from 'cassandra-driver'/.test(readFileSync(folder + name, 'utf8')));

    expect(speaking).toEqual(['scylla/client.ts']);
  });
});
