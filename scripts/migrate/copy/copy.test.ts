import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { functions } from '../../../functions/registry.gen.ts';
import { distributedOpeners } from '../../../shared/adapters/distributed/index.ts';
import { embeddedOpeners } from '../../../shared/adapters/embedded/index.ts';
import { openRecords } from '../../../shared/adapters/embedded/records.ts';
import type { Openers } from '../../../shared/function/ports.ts';
import { systemClock } from '../../../shared/ports/clock.ts';
import { defaultTenant } from '../../../shared/ports/tenant.ts';
import { describeEngine } from '../../../shared/testing/engine.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from '../../../shared/testing/platform.ts';
import { drawGroup, drawPortrait } from '../../../shared/testing/portraits/index.ts';
import { newJob, newPerson } from '../../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../../shared/testing/temporary-folder.ts';
import { main } from '../../migrate.ts';
import { main as verifyAudit } from '../../verify-audit.ts';

describeEngine('scylla', 'npm run migrate -- copy', () => {
  describeEngine('s3', 'to S3', () => {
    describeEngine('milvus', 'and Milvus', () => {
      it('When a gallery is copied to the engines and back, then people are recognised and the rows are the same', async () => {
        const { migrate, environment, dataDir } = await setUp();
        await usedFor(dataDir);

        const dry = await migrate('copy', ...up, '--data', dataDir, '--dry-run', '--json');
        const away = await migrate('copy', ...up, '--data', dataDir, '--json');
        const again = await migrate('copy', ...up, '--data', dataDir, '--json');
        const there = await recognising(environment, dataDir);
        const folder = folderWithWeights();
        const back = await migrate('copy', ...down, '--data', folder, '--json');
        for (const name of ['admin.key']) copyFileSync(join(dataDir, name), join(folder, name));
        const here = await recognising(null, folder);

        expect([dry.code, away.code, again.code, back.code], away.err + back.err).toEqual([0, 0, 0, 0]);
        const counts = {
          tenants: 2,
          users: 1,
          signing_keys: 1,
          webhooks: 1,
          persons: 3,
          photos: 4,
          images: 4,
          templates: 5,
          jobs: 1,
        };
        expect(rowsIn(away)).toMatchObject(counts);
        expect(proofsIn(away)).toEqual(proofsIn(again));
        expect(digestsIn(dry)).toEqual(digestsIn(away));
        expect(JSON.parse(away.out).copied.every((each: { proved: boolean }) => each.proved)).toBe(true);
        expect(there).toEqual({ amaro: 'match', login: 200, stranger: 'unknown', count: 3 });
        // The audit log is not compared: the platform on the engines has written new entries.
        const gallery = [
          'persons',
          'photos',
          'images',
          'templates',
          'jobs',
          'users',
          'webhooks',
          'tenants',
          'signing_keys',
        ];
        for (const part of gallery) expect(digestsIn(back)[part], part).toBe(digestsIn(away)[part]);
        expect(here).toEqual(there);
        const proof = await proving(folder);
        expect(proof).toMatchObject({ code: 0 });
        const archive = join(folder, 'audit-copied-default.jsonl');
        expect(existsSync(archive)).toBe(true);
        expect(back.out).toContain('audit-copied-default.jsonl');
        expect(await proving(null, archive)).toMatchObject({ code: 0 });
      }, 180_000);

      it('When a copy is killed, then the next run completes it, without duplicates and without losses', async () => {
        const { migrate, environment, dataDir } = await setUp();
        await filled(dataDir, 400);

        const killed = await killedWhile(/copying persons|copied persons/, environment, dataDir);
        const resumed = await migrate('copy', ...up, '--data', dataDir, '--json');

        expect(killed).toMatchObject({ signal: 'SIGKILL', done: false });
        expect(resumed.code, resumed.err).toBe(0);
        expect(rowsIn(resumed)).toMatchObject({ persons: 400 });
        expect(proofsIn(resumed).persons).toBe(true);
      }, 120_000);

      it('When a person has changed since, then a second copy has the change; if one was deleted, it fails', async () => {
        const { migrate, dataDir } = await setUp();
        const [first, second] = await filled(dataDir, 2);
        await migrate('copy', ...up, '--data', dataDir);
        await onRecords(dataDir, (records) =>
          records.updatePerson(defaultTenant, first!, { name: 'Ada King', externalId: 'king' }),
        );

        const changed = await migrate('copy', ...up, '--data', dataDir, '--json');
        await onRecords(dataDir, (records) => records.deletePerson(defaultTenant, second!));
        const erased = await migrate('copy', ...up, '--data', dataDir, '--json');

        expect(changed.code, changed.out).toBe(0);
        expect(erased.code).toBe(1);
        expect(JSON.parse(erased.out).errors[0]).toMatch(/was erased in the source, but the target still has it/);
      });

      it('When a job is not finished, then the copy is refused, because the job would be lost', async () => {
        const { migrate, dataDir } = await setUp();
        await onRecords(dataDir, (records) => records.createJob(defaultTenant, newJob()));

        const run = await migrate('copy', ...up, '--data', dataDir);

        expect(run).toMatchObject({
          code: 1,
          err: expect.stringMatching(/1 jobs that are not finished.*Start the platform/),
        });
      });
    });
  });
});

describe('npm run migrate -- copy, without engines', () => {
  const somewhere = {
    SCYLLA_CONTACT_POINTS: '127.0.0.1:1',
    MILVUS_ADDRESS: '127.0.0.1:1',
    S3_ENDPOINT: 'http://127.0.0.1:1',
    S3_ACCESS_KEY_ID: 'x',
    S3_SECRET_ACCESS_KEY: 'x',
  };

  it.each([
    [['copy'], 2, 'Set the direction'],
    [['copy', '--from', 'embedded', '--to', 'embedded'], 2, 'Set the direction'],
    [['copy', '--from', 'embedded', '--to', 'distributed'], 1, 'There is no gallery in'],
  ])('When it is called with %j, then the error says what is wrong', async (args, code, message) => {
    const run = await calling(somewhere, [...args, '--data', temporaryFolder()]);

    expect(run.code).toBe(code);
    expect(run.err).toContain(message);
  });
});

const up = ['--from', 'embedded', '--to', 'distributed'];
const down = ['--from', 'distributed', '--to', 'embedded'];

async function calling(environment: NodeJS.ProcessEnv, args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read: Record<'out' | 'err', string> = { out: '', err: '' };
  stdout.on('data', (data) => (read.out += data));
  stderr.on('data', (data) => (read.err += data));
  const code = await main(args, environment, { stdin: new PassThrough(), stdout, stderr });
  return { code, ...read };
}

/** A part of the engines that only this test uses, and a data folder. */
async function setUp() {
  const id = randomUUID().replaceAll('-', '').slice(0, 20);
  const own = {
    SCYLLA_KEYSPACE: `test_${id}`,
    S3_BUCKET: `test-${id}`,
    S3_UPLOADS_BUCKET: '',
    MILVUS_COLLECTION_PREFIX: `test_${id}`,
    DRAGONFLY_KEY_PREFIX: `test-${id}`,
  };
  const environment = { ...process.env, ...own };
  const migrate = (...args: string[]) => calling(environment, args);
  onTestFinished(async () => void (await migrate('erase', 'scylla,minio,milvus', '--confirm')));
  const made = await migrate('up', '--database', 'scylla,minio,milvus');
  expect(made.code, made.err).toBe(0);
  return { migrate, environment: own, dataDir: folderWithWeights() };
}

type Run = Awaited<ReturnType<typeof calling>>;
const field = <Value>({ out }: Run, name: string): Record<string, Value> =>
  Object.fromEntries(JSON.parse(out).copied.map((each: Record<string, Value>) => [each.part, each[name]]));
const rowsIn = (run: Run) => field<number>(run, 'rows');
const digestsIn = (run: Run) => field<string>(run, 'digest');
const proofsIn = (run: Run) => field<boolean>(run, 'proved');

const password = 'three purple umbrellas';

/** Starts a platform, stores some data and stops it. */
async function usedFor(dataDir: string): Promise<void> {
  const platform = await startPlatform(functions, { dataDir });
  const { call } = platform;
  const enrol = async (form: Record<string, string | Uint8Array>) =>
    expect((await call('POST', '/api/v1/faces/enroll', { form })).status).toBe(201);
  await enrol({ image: await drawPortrait({ person: 'amaro' }), external_id: 'amaro', name: 'Amaro' });
  await enrol({ image: await drawPortrait({ person: 'chidi' }), external_id: 'chidi', name: 'Chïdi 🙂' });
  await enrol({
    image: await drawGroup([{ person: 'boris' }, { person: 'dana' }]),
    processing_options: JSON.stringify({ enable_multi_face: true }),
  });
  const json = {
    external_id: 'emeka',
    image_data: Buffer.from(await drawPortrait({ person: 'emeka' })).toString('base64'),
  };
  const accepted = await call('POST', '/api/v1/faces/enroll_async', { json });
  const job = async () =>
    (await call('GET', `/api/v1/faces/enroll/status/${accepted.json.data.job_id}`)).json.data.status;
  await expect.poll(job, { timeout: 30_000 }).toBe('completed');
  const made = [
    await call('POST', '/api/v1/users', { json: { username: 'mia', name: 'Mia', role: 'operator', password } }),
    await call('POST', '/api/v1/webhooks', {
      json: { url: 'https://erp.example/hooks' },
    }),
    await call('POST', '/api/v1/tenants', { json: { tenant: 'acme', name: 'Acme' } }),
  ];
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
  await platform.close();
}

/** Results of recognition, login and listing from a platform on the engines or in a folder. */
async function recognising(environment: Readonly<Record<string, string>> | null, dataDir: string) {
  const { records, vectors, images, accounts, audit, webhooks } = distributedOpeners;
  const openers: Openers = {
    ...embeddedOpeners,
    ...(environment === null ? {} : { records, vectors, images, accounts, audit, webhooks }),
  };
  const folder = folderWithWeights();
  copyFileSync(join(dataDir, 'admin.key'), join(folder, 'admin.key'));
  const settings = environment === null ? {} : { ...engineVariables(), ...environment };
  const platform = await startPlatform(functions, {
    dataDir: environment === null ? dataDir : folder,
    settings,
    openers,
  });
  const decision = async ({ call }: TestPlatform, person: 'amaro' | 'hana') => {
    const image = await drawPortrait({ person, scene: 'another' });
    const { json } = await call('POST', '/api/v1/faces/recognize', { form: { image } });
    const { decision: decided, person: found } = json.data.faces[0];
    expect(found?.external_id ?? null).toBe(decided === 'match' ? person : null);
    return decided as string;
  };
  const persons = await platform.call('GET', '/api/v1/persons?limit=50');
  const login = await platform.call('POST', '/api/v1/auth/login', { json: { username: 'mia', password }, as: null });
  const answer = {
    amaro: await decision(platform, 'amaro'),
    stranger: await decision(platform, 'hana'),
    login: login.status,
    count: persons.json.data.persons.length,
  };
  await platform.close();
  return answer;
}

const engineVariables = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^(SCYLLA|MILVUS|S3|KAFKA|DRAGONFLY)_/.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );

async function proving(dataDir: string | null, file?: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let out = '';
  for (const stream of [stdout, stderr]) stream.on('data', (data) => (out += data));
  const args = file === undefined ? ['--data', dataDir!] : ['--file', file];
  return { code: await verifyAudit(args, {}, { stdout, stderr }), out };
}

const onRecords = async <Value>(
  dataDir: string,
  work: (records: Awaited<ReturnType<typeof openRecords>>) => Promise<Value>,
): Promise<Value> => {
  const records = await openRecords({ dataDir, clock: systemClock });
  try {
    return await work(records);
  } finally {
    await records.close();
  }
};

/** Creates persons in a data folder. Resolves to their ids. */
const filled = (dataDir: string, count: number): Promise<string[]> =>
  onRecords(dataDir, async (records) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      ids.push((await records.createPerson(defaultTenant, newPerson({ externalId: `e-${i}` }))).personId);
    }
    return ids;
  });

/** Runs a copy in a separate process and kills it as soon as its output matches `saying`. */
async function killedWhile(saying: RegExp, environment: Readonly<Record<string, string>>, dataDir: string) {
  const child: ChildProcess = spawn(
    process.execPath,
    ['esbuild.config.mjs', 'run', 'migrate', 'copy', ...up, '--data', dataDir, '--json'],
    { cwd: resolve('.'), env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, err] = ['', ''];
  child.stdout!.on('data', (data) => (out += data));
  child.stderr!.on('data', (data) => {
    err += data;
    if (saying.test(err)) child.kill('SIGKILL');
  });
  const signal = await new Promise<NodeJS.Signals | null>((done) => child.on('exit', (_, by) => done(by)));
  return { signal, done: out.includes('"ok": true') };
}
