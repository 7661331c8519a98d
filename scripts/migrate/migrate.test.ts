import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { Client } from 'cassandra-driver';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { openS3 } from '../../shared/adapters/distributed/bucket.ts';
import { topicSpecs } from '../../shared/adapters/distributed/kafka/topics.ts';
import { openMilvus } from '../../shared/adapters/distributed/milvus/client.ts';
import { openRecords } from '../../shared/adapters/distributed/records.ts';
import { scyllaClient } from '../../shared/adapters/distributed/scylla/client.ts';
import { openVectors } from '../../shared/adapters/distributed/vectors.ts';
import { dropKeyspace } from '../../shared/migrations/apply.ts';
import { databaseNames } from '../../shared/migrations/migration.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { describeEngine, engineSettingsOf } from '../../shared/testing/engine.ts';
import { newPerson } from '../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { main } from '../migrate.ts';

describeEngine('scylla', 'npm run migrate on ScyllaDB', () => {
  it('When it runs for the first time, then it creates the tables, and a second run has nothing to do', async () => {
    const { migrate, rows } = setUp({ 'scylla/001-a.cql': made('a'), 'scylla/002-b.cql': made('b') });

    const first = await migrate('up', '--database', 'scylla');
    const second = await migrate('up', '--database', 'scylla');

    expect(first).toMatchObject({ code: 0, err: expect.stringContaining('scylla/002-b.cql: 1 steps') });
    expect(first.out).toMatch(/^scylla\/001-a.cql: done in \d+ ms\nscylla\/002-b.cql: done/);
    expect(second).toEqual({ code: 0, out: 'Everything is up to date.\n', err: '' });
    expect(await rows('a')).toEqual([]);
  });

  it('When the status is read as JSON, then it has each migration, and each run with its time, duration and host', async () => {
    const { migrate } = setUp({ 'scylla/001-a.cql': made('a') });
    await migrate('up', '--database', 'scylla');

    const { code, out } = await migrate('status', '--database', 'scylla', '--json');

    const ran = {
      name: '001-a.cql',
      at: expect.stringMatching(/^20.*Z$/),
      duration_ms: expect.any(Number),
      error: null,
    };
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      command: 'status',
      dry_run: false,
      ok: true,
      did: [],
      databases: [
        {
          database: 'scylla',
          title: expect.stringMatching(/^test_/),
          up_to_date: true,
          migrations: [{ ...ran, state: 'applied', reason: null }],
          runs: [{ ...ran, direction: 'up', status: 'done', host: expect.any(String) }],
        },
      ],
      copied: [],
      notes: [],
      errors: [],
    });
  });

  it('When a file is edited after it ran, then no migration runs, and the error says what to do', async () => {
    const { migrate, write, rows } = setUp({ 'scylla/001-a.cql': made('a') });
    await migrate('up', '--database', 'scylla');
    write('scylla/001-a.cql', `${made('a')}-- edited`);
    write('scylla/002-b.cql', made('b'));

    const up = await migrate('up', '--database', 'scylla');
    const status = await migrate('status', '--database', 'scylla');

    expect(up.code).toBe(1);
    expect(up.err).toContain('scylla/001-a.cql was changed after it had run here. Restore the file');
    expect(status.out).toMatch(/001-a.cql +edited/);
    await expect(rows('b')).rejects.toThrow();
  });

  it('When only the line ends of a file change, then the file counts as unchanged', async () => {
    const { migrate, write } = setUp({ 'scylla/001-a.cql': made('a') });
    await migrate('up', '--database', 'scylla');

    write('scylla/001-a.cql', made('a').replaceAll('\n', '\r\n'));

    expect(await migrate('up', '--database', 'scylla')).toMatchObject({ code: 0 });
  });

  it('When a newer version has run further migrations, then this version changes nothing', async () => {
    const { migrate, remove } = setUp({ 'scylla/001-a.cql': made('a'), 'scylla/002-b.cql': made('b') });
    await migrate('up', '--database', 'scylla');
    remove('scylla/002-b.cql');

    const runs = [await migrate('up', '--database', 'scylla'), await migrate('down', '--database', 'scylla')];

    for (const { code, err } of runs) {
      expect(code).toBe(1);
      expect(err).toContain('scylla/002-b.cql ran here, but this version of FreeFace does not know it');
    }
  });

  it('When a step fails, then the failure is recorded, and the next run continues with that step', async () => {
    const plain = (table: string) => `CREATE TABLE ${table} (id text PRIMARY KEY);\n`;
    const { migrate, execute, rows } = setUp({
      'scylla/001-a.cql': made('a'),
      // None of these statements can run twice.
      'scylla/002-three.cql': `${plain('one')}${plain('two')}${plain('three')}-- no way back: it is a test\n`,
    });
    await migrate('up', '--database', 'kafka', '--dry-run');
    await migrate('status', '--database', 'scylla');
    const { keyspace } = await prepared(migrate);
    await execute(`CREATE TABLE ${keyspace}.two (id text PRIMARY KEY)`);

    const failed = await migrate('up', '--database', 'scylla', '--json');
    const status = JSON.parse((await migrate('status', '--database', 'scylla', '--json')).out);
    await execute(`DROP TABLE ${keyspace}.two`);
    const resumed = await migrate('up', '--database', 'scylla', '--json');

    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({
      ok: false,
      did: [
        { name: '001-a.cql', status: 'done' },
        { name: '002-three.cql', status: 'failed', steps: ['CREATE TABLE one (id text PRIMARY KEY)'] },
      ],
      errors: [expect.stringMatching(/002-three.cql failed: .*two[\s\S]*run the same command again/i)],
    });
    expect(status.databases[0].migrations[1]).toMatchObject({ state: 'failed', error: expect.stringMatching(/two/) });
    expect(status.databases[0].runs[0]).toMatchObject({ name: '002-three.cql', status: 'failed' });
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.out).did).toMatchObject([{ name: '002-three.cql', status: 'done' }]);
    expect(JSON.parse(resumed.out).did[0].steps).toHaveLength(2);
    expect(await rows('three')).toEqual([]);
  });

  it('When a failed file is corrected, then the corrected file runs from its first step', async () => {
    const { migrate, write, rows } = setUp({
      'scylla/001-a.cql': `${made('a')}`.replace('-- down', 'CREATE TABLE oops;\n-- down'),
    });

    const failed = await migrate('up', '--database', 'scylla');
    write('scylla/001-a.cql', made('b'));
    const corrected = await migrate('up', '--database', 'scylla');

    expect([failed.code, corrected.code]).toEqual([1, 0]);
    expect(await rows('b')).toEqual([]);
  });

  it('When two processes migrate at the same time, then each migration runs once, and both succeed', async () => {
    const files = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name, i) => [
        `scylla/00${i + 1}-${name}.cql`,
        `CREATE TABLE ${name} (id text PRIMARY KEY);\n-- no way back: it is a test\n`,
      ]),
    );
    const { migrate, execute } = setUp(files);
    const { keyspace } = await prepared(migrate);
    // Both start while a third process holds the lock.
    const third = `INSERT INTO ${keyspace}.schema_lock (name, owner) VALUES ('lock', 'elsewhere/1') IF NOT EXISTS`;
    await execute(`${third} USING TTL 5`);

    const both = await Promise.all([1, 2].map(() => migrate('up', '--database', 'scylla', '--json')));
    const status = JSON.parse((await migrate('status', '--database', 'scylla', '--json')).out);

    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ out }) => JSON.parse(out).did.length).toSorted()).toEqual([0, 4]);
    for (const { err } of both) expect(err).toContain('Another process is migrating');
    expect(status.databases[0].runs).toHaveLength(4);
  });

  it('When another process holds the lock for too long, then the command fails and names that process', async () => {
    const { migrate, execute } = setUp({ 'scylla/001-a.cql': made('a') });
    const { keyspace } = await prepared(migrate);
    await execute(`INSERT INTO ${keyspace}.schema_lock (name, owner) VALUES ('lock', 'elsewhere/1') IF NOT EXISTS`);

    const run = await migrate.impatiently('up', '--database', 'scylla');

    expect(run.code).toBe(1);
    expect(run.err).toContain('elsewhere/1 has been migrating for more than 1 s');
  });

  it('When it is a dry run, then it reports every step and does not even create the keyspace', async () => {
    const { migrate, rows } = setUp({ 'scylla/001-a.cql': made('a') });

    const run = await migrate('up', '--database', 'scylla', '--dry-run');

    expect(run.out).toMatch(
      /001-a.cql: would be done\n {2}CREATE TABLE IF NOT EXISTS a[\s\S]*would be created[\s\S]*dry run/,
    );
    await expect(rows('a')).rejects.toThrow(/keyspace/i);
  });

  it('When a migration is rolled back, then its tables are dropped; if they have rows, only when confirmed', async () => {
    const { migrate, execute, rows } = setUp({ 'scylla/001-a.cql': made('a'), 'scylla/002-b.cql': made('b') });
    await migrate('up', '--database', 'scylla');
    const { keyspace } = await prepared(migrate);
    await execute(`INSERT INTO ${keyspace}.a (id) VALUES ('x')`);

    const empty = await migrate('down', '--database', 'scylla');
    const refused = await migrate('down', '--database', 'scylla');
    const dry = await migrate('down', '--database', 'scylla', '--dry-run');
    const before = await rows('a');
    const confirmed = await migrate('down', '--database', 'scylla', '--confirm');
    const again = await migrate('up', '--database', 'scylla');

    expect(empty).toMatchObject({ code: 0, out: expect.stringContaining('002-b.cql: rolled back') });
    expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/001-a.cql: a\n.*--confirm/) });
    expect(dry.out).toContain('DROP TABLE IF EXISTS a');
    expect(before).toHaveLength(1);
    expect(confirmed.code).toBe(0);
    expect(again.code).toBe(0);
    expect(await rows('a')).toEqual([]);
  });

  it('When a migration cannot be rolled back, then the error gives the reason and nothing is rolled back', async () => {
    const { migrate, rows } = setUp({
      'scylla/001-a.cql': made('a').replace('-- down', '-- no way back: it is a test\n-- down'),
      'scylla/002-b.cql': made('b'),
    });
    await migrate('up', '--database', 'scylla');

    const run = await migrate('down', '--steps', '2', '--database', 'scylla');

    expect(run).toMatchObject({ code: 1, err: '001-a.cql cannot be rolled back: it is a test\n' });
    expect(await rows('b')).toEqual([]);
  });

  it('When tables are truncated, then only the named tables lose their rows, and only after a confirmation', async () => {
    const { migrate, execute, rows } = setUp({ 'scylla/001-a.cql': made('a'), 'scylla/002-b.cql': made('b') });
    await migrate('up', '--database', 'scylla');
    const { keyspace } = await prepared(migrate);
    for (const table of ['a', 'b']) await execute(`INSERT INTO ${keyspace}.${table} (id) VALUES ('x')`);

    const refused = await migrate('truncate', 'scylla', '--tables', 'all');
    const wrong = await migrate('truncate', 'scylla', '--tables', 'a,c', '--confirm');
    const kept = await rows('a');
    const one = await migrate('truncate', 'scylla', '--tables', 'a', '--confirm');

    expect(refused.code).toBe(2);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('There is no table c. There are: a, b.') });
    expect(kept).toHaveLength(1);
    expect(one.code).toBe(0);
    expect([await rows('a'), await rows('b')]).toEqual([[], [{ id: 'x' }]]);
  });

  it('When it runs on a terminal, then the first run asks for settings, and an erasure asks for the name', async () => {
    const { migrate, rows } = setUp({ 'scylla/001-a.cql': made('a') });

    const up = await migrate.typing(['1', '', '5000'], 'up', '--database', 'scylla');
    const second = await migrate.typing([], 'up', '--database', 'scylla');
    const wrong = await migrate.typing(['yes'], 'erase', 'scylla');
    const kept = await rows('a');
    const typed = await migrate.typing([migrate.keyspace], 'erase', 'scylla');

    expect(up.err).toMatch(/Copies of each row in ScyllaDB \[1\][\s\S]*Index over the templates.*\[HNSW\][\s\S]*Faces/);
    expect(up.out).toContain('SCYLLA_REPLICATION=1\n  MILVUS_INDEX=HNSW\n  MILVUS_EXPECTED_FACES=5000');
    expect(second).toEqual({ code: 0, out: 'Everything is up to date.\n', err: '' });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('Nothing was changed.') });
    expect(kept).toEqual([]);
    expect(typed).toMatchObject({ code: 0, out: expect.stringContaining('erased') });
    await expect(rows('a')).rejects.toThrow(/keyspace/i);
  });

  it('When tables are old or missing, then a process refuses to work and says what to do', async () => {
    const { migrate, settings } = setUp(null);
    const open = async () => {
      const records = await openRecords({ engines: { scylla: settings() }, clock: systemClock });
      onTestFinished(() => records.close());
      return await records.tenants();
    };

    await expect(open()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/there are no tables in the keyspace test_\w+\. Run: npm run migrate -- up$/),
    });
    await migrate('up', '--database', 'scylla');
    expect(await open()).toEqual([]);
    const newest = readdirSync('migrations/scylla').sort().at(-1)!;
    await migrate('down', '--database', 'scylla');
    await expect(open()).rejects.toMatchObject({
      message: expect.stringContaining(`${newest} has not run on the keyspace`),
    });
  });

  it('When ScyllaDB does not answer, then the error says why it is needed and what to correct', async () => {
    const { migrate } = setUp({});

    const run = await migrate.with({ SCYLLA_CONTACT_POINTS: '127.0.0.1:1' }, 'up');

    expect(run.code).toBe(1);
    expect(run.err).toMatch(/^ScyllaDB does not answer at 127.0.0.1:1 .*correct SCYLLA_CONTACT_POINTS/);
  });
});

describeEngine('scylla', 'npm run migrate', () => {
  describeEngine('kafka', 'on Kafka', () => {
    describeEngine('s3', 'on S3', (s3) => {
      describeEngine('milvus', 'on Milvus', () => {
        it('When all migrations run, are rolled back and run again, then every engine follows each time', async () => {
          const { migrate, there } = setUp(null);
          const count = databaseNames.flatMap((name) => readdirSync(`migrations/${name}`)).length;

          const up = await migrate('up');
          const status = JSON.parse((await migrate('status', '--json')).out);
          const first = await there();
          const down = await migrate('down', '--steps', String(count));
          const second = await there();
          const again = await migrate('up');
          const third = await there();

          expect([up.err, down.err, again.err].join()).not.toContain('failed');
          expect([up.code, down.code, again.code]).toEqual([0, 0, 0]);
          expect(status.databases.map((each: { up_to_date: boolean }) => each.up_to_date)).toEqual([
            true,
            true,
            true,
            true,
          ]);
          const all = { tables: expect.any(Number), topics: 8, bucket: true, collections: 1 };
          expect(first).toEqual(all);
          expect(second).toEqual({ tables: 3, topics: 0, bucket: false, collections: 0 });
          expect(third).toEqual(first);
        }, 120_000);

        it('When it is a dry run, then no engine is changed', async () => {
          const { migrate, there } = setUp(null);

          const run = await migrate('up', '--dry-run');

          expect(run.code).toBe(0);
          expect(run.out).toMatch(/create .*freeface.events [\s\S]*create the bucket[\s\S]*create the collection/);
          expect(await there()).toEqual({ tables: 0, topics: 0, bucket: false, collections: 0 });
        });

        it('When a later file changes topics, then it runs and can be rolled back, unless it added partitions', async () => {
          const topics = (partitions: number, retention_days: number) =>
            JSON.stringify({ about: '', topics: [{ name: 'a', partitions, retention_days }] });
          const { migrate, write, there } = setUp({
            'kafka/001-a.json': topics(1, 1),
            'kafka/002-b.json': topics(1, 9),
          });
          const more = JSON.stringify({
            about: '',
            topics: [{ name: 'b', partitions: 1, retention_days: 1 }],
            remove: ['a'],
          });

          const up = await migrate('up', '--database', 'kafka');
          const down = await migrate('down', '--database', 'kafka', '--json');
          write('kafka/002-b.json', topics(3, 1));
          const grown = await migrate('up', '--database', 'kafka');
          const refused = await migrate('down', '--database', 'kafka');
          write('kafka/003-c.json', more);
          const replaced = await migrate('up', '--database', 'kafka');
          const again = await migrate('up', '--database', 'kafka');

          expect([up.code, down.code, grown.code, replaced.code]).toEqual([0, 0, 0, 0]);
          expect(JSON.parse(down.out).did[0].steps).toEqual([expect.stringMatching(/a \(1 partitions, 1 days\)/)]);
          expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('partitions of') });
          expect(await there()).toMatchObject({ topics: 1 });
          expect(again.out).toBe('Everything is up to date.\n');
        });

        it('When there is a bucket for uploads, then it notifies Kafka; a rollback stops that and keeps the files', async () => {
          const { migrate, environment } = setUp(null);
          const Bucket = `${environment.S3_BUCKET}-in`;
          const client = openS3(s3);
          onTestFinished(async () => {
            await client.send(new DeleteObjectCommand({ Bucket, Key: 'x' }));
            await client.send(new DeleteBucketCommand({ Bucket }));
            client.destroy();
          });
          const targets = async () =>
            (await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations ?? [];
          const uploads = { S3_UPLOADS_BUCKET: Bucket };

          const up = await migrate.with(uploads, 'up', '--database', 'minio');
          const notified = await targets();
          await client.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }));
          const down = await migrate.with(uploads, 'down', '--steps', '2', '--database', 'minio');

          expect([up.code, down.code]).toEqual([0, 0]);
          expect(notified).toHaveLength(1);
          expect(await targets()).toEqual([]);
          await client.send(new HeadObjectCommand({ Bucket, Key: 'x' }));
        });

        it('When all is erased, then the notifications of the uploads bucket stop, and its files are kept', async () => {
          const { migrate, environment, there } = setUp(null);
          const Bucket = `${environment.S3_BUCKET}-in`;
          const client = openS3(s3);
          onTestFinished(async () => {
            await client.send(new DeleteObjectCommand({ Bucket, Key: 'uploads/x' }));
            await client.send(new DeleteBucketCommand({ Bucket }));
            client.destroy();
          });
          const uploads = { S3_UPLOADS_BUCKET: Bucket };
          await migrate.with(uploads, 'up', '--database', 'minio');
          await client.send(new PutObjectCommand({ Bucket, Key: 'uploads/x', Body: 'x' }));

          const refused = await migrate.with(uploads, 'erase', 'all');
          const dry = await migrate.with(uploads, 'erase', 'minio', '--dry-run');
          const erased = await migrate.with(uploads, 'erase', 'all', '--confirm');
          const other = await migrate('erase', 'all', '--confirm');

          const { QueueConfigurations = [] } = await client.send(
            new GetBucketNotificationConfigurationCommand({ Bucket }),
          );
          const kept = `Kept: the bucket ${Bucket} and the files in it`;
          expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(kept) });
          expect(dry.out).toContain(`stop the notifications of the bucket ${Bucket}`);
          expect(erased).toMatchObject({ code: 0, out: expect.stringContaining(kept) });
          expect(other.out).not.toContain('Kept');
          expect(QueueConfigurations).toEqual([]);
          expect(await there()).toMatchObject({ bucket: false });
          await client.send(new HeadObjectCommand({ Bucket, Key: 'uploads/x' }));
        });

        it('When an engine has lost its bucket, then its migration is missing, and the next run creates it again', async () => {
          const { migrate, there, environment } = setUp(null);
          await migrate('up', '--database', 'minio,milvus');
          const client = openS3(s3);
          await client.send(new DeleteBucketCommand({ Bucket: environment.S3_BUCKET }));
          client.destroy();

          const status = await migrate('status', '--database', 'minio');
          const again = await migrate('up', '--database', 'minio');

          expect(status.out).toMatch(/not up to date; run npm run migrate -- up\n +001-images.json +missing/);
          expect(again.out).toMatch(/minio\/001-images.json: done/);
          expect(await there()).toMatchObject({ bucket: true });
        });

        it('When an engine does not answer, then only its migration fails, and a later run succeeds', async () => {
          const { migrate, there } = setUp(null);

          const run = await migrate.with({ S3_ENDPOINT: 'http://127.0.0.1:1' }, 'up', '--database', 'minio,milvus');
          const later = await migrate('up', '--database', 'minio,milvus');

          expect(run.code).toBe(1);
          expect(run.err).toMatch(/minio\/001-images.json failed: [\s\S]*run the same command again/);
          expect(run.out).toContain('milvus/001-templates.json: done');
          expect(later.out).toMatch(/^minio\/001-images.json: done/);
          expect(await there()).toMatchObject({ bucket: true, collections: 1 });
        });

        it('When the configuration asks for another index, then the index is rebuilt and the templates are kept', async () => {
          const { migrate, settings } = setUp(null);
          await migrate('up', '--database', 'milvus');
          const { search, put } = await templatesOn(settings.milvus());
          await put();

          const up = await migrate.with({ MILVUS_EXPECTED_FACES: '5000000' }, 'up', '--database', 'milvus');
          const again = await migrate.with({ MILVUS_EXPECTED_FACES: '5000000' }, 'up', '--database', 'milvus');

          expect(up.out).toMatch(/milvus\/001-templates.json: done/);
          expect(again.out).toBe('Everything is up to date.\n');
          expect(await search()).toEqual(['f']);
        });

        it('When all is erased, then a confirmation is needed, and afterwards no engine has any data', async () => {
          const { migrate, there, environment, settings } = setUp(null);
          await migrate('up');
          const records = await openRecords({ engines: { scylla: settings() }, clock: systemClock });
          await records.createPerson(defaultTenant, newPerson());
          await records.close();
          const { put } = await templatesOn(settings.milvus());
          await put();
          const client = openS3(s3);
          await client.send(new PutObjectCommand({ Bucket: environment.S3_BUCKET, Key: 'x', Body: 'x' }));
          client.destroy();
          const before = await there();

          const refused = await migrate('erase', 'all');
          const down = await migrate('down', '--steps', '100', '--json');
          const dry = await migrate('erase', 'all', '--dry-run');
          const kept = await there();
          const erased = await migrate('erase', 'all', '--confirm');
          const after = await there();
          const nothing = await migrate('status');

          expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/removes everything[\s\S]*--confirm/) });
          expect(down.code).toBe(2);
          expect(JSON.parse(down.out).errors[0]).toMatch(/1 templates\n.*002-gallery.cql: .*persons/);
          expect(dry.out).toMatch(/drop the keyspace/);
          expect(kept).toEqual(before);
          expect(erased.code).toBe(0);
          expect(after).toEqual({ tables: 0, topics: 0, bucket: false, collections: 0 });
          expect(nothing.out).toMatch(/001-foundation.cql +pending/);
        }, 120_000);

        it('When collections are truncated, then they exist and are empty', async () => {
          const { migrate, settings, there } = setUp(null);
          await migrate('up', '--database', 'milvus');
          const { search, put } = await templatesOn(settings.milvus());
          await put();

          const run = await migrate('truncate', 'milvus', '--collections', 'all', '--confirm');

          expect(run.code).toBe(0);
          expect(await search()).toEqual([]);
          expect(await there()).toMatchObject({ collections: 1 });
        });
      });
    });
  });
});

describe('npm run migrate without engines', () => {
  it.each([
    [['rise'], '"rise" is not a command.'],
    [['up', '--database', 'oracle'], '"oracle" is not one of scylla, kafka, minio, milvus, all.'],
    [['down', '--steps', '0'], '--steps must be a whole number'],
    [['truncate', 'kafka'], 'Only scylla and milvus can be truncated'],
    [['truncate', 'scylla'], '--tables NAME,NAME or --tables all'],
    [['erase'], 'Name the database to erase'],
    [['up', '--force'], "Unknown option '--force'"],
  ])('When it is called with %j, then it prints what is wrong and the usage text', async (args, message) => {
    const { migrate } = setUp({});

    const run = await migrate(...args);

    expect(run.code).toBe(2);
    expect(run.err).toContain(message);
    expect(run.err).toContain('Usage: npm run migrate');
  });

  it('When variables are missing, then the error names them', async () => {
    const { migrate } = setUp({});

    const run = await migrate.with(
      { SCYLLA_CONTACT_POINTS: '', S3_ENDPOINT: '' },
      'up',
      '--database',
      'minio',
      '--json',
    );

    expect(run.code).toBe(1);
    expect(JSON.parse(run.out).errors[0]).toMatch(/SCYLLA_CONTACT_POINTS.*\n.*S3_ENDPOINT/);
  });

  it('When a migration is created, then its file has the next number and explains what to write', async () => {
    const { migrate, folder } = setUp({ 'scylla/007-a.cql': made('a') });

    const cql = await migrate('create', 'Add cameras!', '--database', 'scylla');
    const json = await migrate('create', 'more topics', '--database', 'kafka');

    expect([cql.code, json.code]).toEqual([0, 0]);
    expect(readFileSync(join(folder, 'scylla/008-add-cameras.cql'), 'utf8')).toContain('-- down');
    expect(JSON.parse(readFileSync(join(folder, 'kafka/001-more-topics.json'), 'utf8'))).toHaveProperty('topics');
  });

  it('When a migration is created in a dry run, then its path is printed and no file is written', async () => {
    const { migrate, folder } = setUp({ 'scylla/007-a.cql': made('a') });

    const run = await migrate('create', 'add cameras', '--database', 'scylla', '--dry-run');

    expect(run).toMatchObject({
      code: 0,
      out: expect.stringMatching(/008-add-cameras.cql would be written[\s\S]*dry run/),
    });
    expect(readdirSync(join(folder, 'scylla'))).toEqual(['007-a.cql']);
  });

  it('When Strimzi creates the topics, then they are the same topics as in the migrations', () => {
    const documents = parseAllDocuments(readFileSync('eventing/topics/topics.yaml', 'utf8')).map((each) =>
      each.toJSON(),
    );
    const made = documents.map(({ spec }) => ({
      name: spec.topicName,
      partitions: spec.partitions,
      retentionMs: spec.config['retention.ms'],
    }));

    expect(made).toEqual(topicSpecs);
  });

  it('When two files have the same number, then the command fails before it changes anything', async () => {
    const { migrate } = setUp({ 'scylla/001-a.cql': made('a'), 'scylla/001-b.cql': made('b') });

    const run = await migrate.with({ SCYLLA_CONTACT_POINTS: '127.0.0.1:1' }, 'up', '--database', 'scylla');

    expect(run).toMatchObject({
      code: 1,
      err: expect.stringContaining('001-b.cql has the same number as another file'),
    });
  });
});

/** A migration that creates a table with one column. */
const made = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (\n  id text PRIMARY KEY\n);\n-- down\nDROP TABLE IF EXISTS ${table};\n`;

/** Creates the keyspace and the journal, and nothing else. */
async function prepared(migrate: ReturnType<typeof setUp>['migrate']): Promise<{ keyspace: string }> {
  const { out } = await migrate('down', '--database', 'scylla', '--json', '--dry-run');
  const { notes } = JSON.parse(out);
  if (notes.length > 0) await migrate.preparing();
  return { keyspace: migrate.keyspace };
}

/** A part of the engines that only this test uses. `files`: the migrations; null: the platform's own migrations. */
function setUp(files: Readonly<Record<string, string>> | null) {
  const id = randomUUID().replaceAll('-', '').slice(0, 20);
  const folder = temporaryFolder();
  const write = (name: string, text: string) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  if (files === null) cpSync('migrations', folder, { recursive: true });
  else for (const [name, text] of Object.entries(files)) write(name, text);
  const environment = {
    ...process.env,
    SCYLLA_KEYSPACE: `test_${id}`,
    S3_BUCKET: `test-${id}`,
    S3_UPLOADS_BUCKET: '',
    MILVUS_COLLECTION_PREFIX: `test_${id}`,
    DRAGONFLY_KEY_PREFIX: `test-${id}`,
  };
  const topicPrefix = `test-${id}.`;
  const scylla = () => ({ ...engineSettingsOf('scylla'), keyspace: environment.SCYLLA_KEYSPACE });

  const run = async (
    args: readonly string[],
    more: NodeJS.ProcessEnv = {},
    typed?: readonly string[],
    waitMs = 60_000,
  ) => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const isTTY = typed !== undefined;
    const read: Record<'out' | 'err', string> = { out: '', err: '' };
    stdout.on('data', (data) => (read.out += data));
    const answers = [...(typed ?? [])];
    stderr.on('data', (data) => {
      read.err += data;
      if (/\] $|to confirm: $/.test(String(data))) stdin.write(`${answers.shift() ?? ''}\n`);
    });
    const terminal = { stdin: Object.assign(stdin, { isTTY }), stdout, stderr: Object.assign(stderr, { isTTY }) };
    const code = await main(args, { ...environment, ...more }, terminal, { folder, topicPrefix, waitMs });
    return { code, ...read };
  };
  const migrate = Object.assign((...args: string[]) => run(args), {
    keyspace: environment.SCYLLA_KEYSPACE,
    with: (more: NodeJS.ProcessEnv, ...args: string[]) => run(args, more),
    impatiently: (...args: string[]) => run(args, {}, undefined, 1000),
    typing: (typed: readonly string[], ...args: string[]) => run(args, {}, typed),
    /** Creates the keyspace and the journal; fails after that, because Kafka does not answer. */
    preparing: () => run(['up', '--database', 'kafka'], { KAFKA_BROKERS: '127.0.0.1:1' }),
  });

  const onScylla = async <Value>(work: (client: Client) => Promise<Value>): Promise<Value> => {
    const client = scyllaClient(scylla(), { withKeyspace: false });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.shutdown();
    }
  };
  if (process.env.SCYLLA_CONTACT_POINTS) {
    onTestFinished(async () => {
      if (files === null || 'kafka/001-a.json' in files) await run(['erase', 'all', '--confirm']);
      await dropKeyspace(scylla());
    });
  }

  return {
    migrate,
    folder,
    environment,
    write,
    remove: (name: string) => rmSync(join(folder, name)),
    execute: (cql: string) => onScylla((client) => client.execute(cql)),
    rows: (table: string) =>
      onScylla(async (client) => {
        const { rows } = await client.execute(`SELECT * FROM ${environment.SCYLLA_KEYSPACE}.${table}`);
        return rows.map((row) => ({ ...row }));
      }),
    settings: Object.assign(scylla, {
      milvus: () => ({ ...engineSettingsOf('milvus'), collectionPrefix: environment.MILVUS_COLLECTION_PREFIX }),
    }),
    there: () => thereNow(environment, topicPrefix, onScylla),
  };
}

/** The state that each engine reports about the test's data. */
async function thereNow(
  environment: { SCYLLA_KEYSPACE: string; S3_BUCKET: string; MILVUS_COLLECTION_PREFIX: string },
  topicPrefix: string,
  onScylla: <Value>(work: (client: Client) => Promise<Value>) => Promise<Value>,
) {
  const { Kafka, logLevel } = await import('kafkajs');
  const tables = await onScylla(
    async (client) =>
      (
        await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
          environment.SCYLLA_KEYSPACE,
        ])
      ).rows.length,
  );
  const admin = new Kafka({ brokers: [...engineSettingsOf('kafka').brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((name) => name.startsWith(topicPrefix)).length;
  await admin.disconnect();
  const s3 = openS3(engineSettingsOf('s3'));
  const bucket = await s3.send(new HeadBucketCommand({ Bucket: environment.S3_BUCKET })).then(
    () => true,
    () => false,
  );
  s3.destroy();
  const milvus = openMilvus(engineSettingsOf('milvus'));
  const { data } = await milvus.showCollections();
  const collections = data.filter(({ name }) => name.startsWith(environment.MILVUS_COLLECTION_PREFIX)).length;
  await milvus.closeConnection();
  return { tables, topics, bucket, collections };
}

/** A template in the default pack's collection. */
async function templatesOn(milvus: ReturnType<typeof engineSettingsOf<'milvus'>>) {
  const space = { space: 'dlib-resnet-128.p1', dimension: 128 };
  const embedding = Float32Array.from({ length: 128 }, (_, i) => (i === 0 ? 1 : 0));
  const using = async <Value>(work: (vectors: Awaited<ReturnType<typeof openVectors>>) => Promise<Value>) => {
    const vectors = await openVectors({ engines: { milvus } });
    try {
      return await work(vectors);
    } finally {
      await vectors.close();
    }
  };
  const entry = { faceId: 'f', personId: 'p', imageId: 'i', embedding, capturedAt: null, location: null };
  return {
    put: () => using((vectors) => vectors.upsert(defaultTenant, space, [entry])),
    search: () =>
      using(async (vectors) => {
        const hits = await vectors.search(defaultTenant, space, embedding, { limit: 5, consistency: 'strong' });
        return hits.map(({ faceId }) => faceId);
      }),
  };
}
