import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { readConfig } from '../config.ts';
import type { EngineName } from '../engine-settings.ts';
import type { PortName } from '../ports/index.ts';
import { describeEngine } from './engine.ts';
import { fakeExtractor, fakePhoto } from './fake-extractor.ts';
import { cutOutage, mayKillServers, type Outage, realOutage } from './outages.ts';
import { type OwnEngines, ownOpeners, prepareEngines } from './own-engines.ts';
import { type Answer, startPlatform, type TestPlatform } from './platform.ts';

/** Requests that the test repeats before, during and after an outage. */
const questions = ['recognize', 'read', 'enrol', 'accept'] as const;
type Question = (typeof questions)[number];
type Asked = { readonly question: Question; readonly n: number; readonly answer: Answer; readonly ms: number };

/** Requests that still succeed without an engine; the others get 503 with Retry-After. */
const goesOn: Readonly<Record<EngineName, readonly Question[]>> = {
  dragonfly: questions,
  milvus: ['read', 'accept'],
  s3: ['recognize', 'read'],
  kafka: questions,
  scylla: [],
};
const portOf: Readonly<Record<EngineName, PortName>> = {
  dragonfly: 'cache',
  milvus: 'vectors',
  s3: 'images',
  kafka: 'events',
  scylla: 'records',
};
/** Rounds of all requests before, during and after an outage. */
const rounds = 8;
/** In milliseconds. `answer`: longest response time. `recovery`: longest time from the server's start until all requests succeed. */
const longest = { answer: 12_000, recovery: 20_000 };

describeEngine('scylla', 'with ScyllaDB', () => {
  describeEngine('milvus', 'with Milvus', () => {
    describeEngine('s3', 'with S3', () => {
      describeEngine('kafka', 'with Kafka', () => {
        describeEngine('dragonfly', 'with Dragonfly', outages);
      });
    });
  });
});

function outages(): void {
  let engines: OwnEngines | undefined;
  // All platforms share the folder, because an installation has one admin key.
  let dataDir: string;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'freeface-'));
    engines = await prepareEngines();
  }, 120_000);
  afterAll(async () => {
    rmSync(dataDir, { recursive: true, force: true });
    await engines?.dispose();
  }, 120_000);

  const names = Object.keys(goesOn) as EngineName[];
  it.each(names)(
    'When %s is stopped under load and started again, then the right requests succeed and no acknowledged data is lost',
    async (name) => {
      const { environment, prefix } = engines!;
      const outage = await outageOf(name, environment);
      const platform = await startPlatform(functions, {
        dataDir,
        settings: { ...process.env, ...environment, ...outage.environment } as Record<string, string>,
        openers: {
          ...ownOpeners(prefix, outage),
          extractor: async () => fakeExtractor({ latencyMs: () => 5, working: 4 }),
        },
      });
      const asking = askerOf(platform, 1000 * names.indexOf(name));
      const before = await asking.rounds(rounds);

      await outage.down();
      const during = await asking.rounds(rounds);
      const ready = await platform.call('GET', '/api/v1/health/ready');
      await outage.up();
      const recoveryMs = await asking.untilAllSucceed();
      const after = await asking.rounds(rounds);

      report(name, during, recoveryMs);
      expect(failures(before)).toEqual([]);
      expect(failures(after)).toEqual([]);
      for (const { question, answer, ms } of during) {
        expect(ms, question).toBeLessThan(longest.answer);
        if (goesOn[name].includes(question))
          expect([question, answer.status]).toEqual([question, expect.toBeOneOf([200, 201, 202])]);
        else
          expect([question, answer.status, answer.headers.get('retry-after')]).toEqual([
            question,
            503,
            expect.any(String),
          ]);
      }
      if (name === 'scylla') expect(ready.status).toBe(503);
      else expect([ready.status, ready.json.data.stores]).toMatchObject([200, { [portOf[name]]: 'failing' }]);
      expect(recoveryMs).toBeLessThan(longest.recovery);
      await expectKept(platform, [...before, ...during, ...after]);
    },
    400_000,
  );
}

const outageOf = (name: EngineName, environment: OwnEngines['environment']): Outage | Promise<Outage> =>
  mayKillServers() ? realOutage(name) : cutOutage(name, readConfig({ ...process.env, ...environment }).engines);

const photoOf = (n: number, copy: number): Uint8Array => Buffer.concat([fakePhoto(n), Buffer.from(String(copy))]);

function askerOf({ call }: TestPlatform, first: number) {
  let next = first;
  let copies = 0;
  let known: { n: number; personId: string } | null = null;
  const requests: Record<Question, (n: number) => Promise<Answer>> = {
    recognize: () => call('POST', '/api/v1/faces/recognize', { form: { image: photoOf(known!.n, ++copies) } }),
    read: () => call('GET', `/api/v1/persons/${known!.personId}`),
    enrol: (n) => call('POST', '/api/v1/faces/enroll', { form: { external_id: `x${n}`, image: fakePhoto(n) } }),
    accept: (n) => call('POST', '/api/v1/faces/enroll_async', { form: { external_id: `x${n}`, image: fakePhoto(n) } }),
  };
  const ask = async (question: Question): Promise<Asked> => {
    const n = next++;
    const begun = performance.now();
    const answer = await requests[question](n);
    if (question === 'recognize' && answer.status === 200)
      expect(answer.json.data.best).toMatchObject({ decision: 'match', person: { person_id: known!.personId } });
    return { question, n, answer, ms: performance.now() - begun };
  };
  const round = async () => {
    if (known === null) {
      const { n, answer } = await ask('enrol');
      known = { n, personId: answer.json.data.person_id };
    }
    return await Promise.all(questions.map(ask));
  };
  return {
    async rounds(count: number): Promise<Asked[]> {
      const asked: Asked[] = [];
      for (let i = 0; i < count; i++) asked.push(...(await round()));
      return asked;
    },
    /** Returns the time until all requests succeed, in milliseconds. */
    async untilAllSucceed(): Promise<number> {
      const begun = performance.now();
      while (failures(await round()).length > 0 && performance.now() - begun < longest.recovery);
      return Math.round(performance.now() - begun);
    },
  };
}

const failures = (asked: readonly Asked[]) =>
  asked
    .filter(({ answer }) => answer.status >= 300)
    .map(({ question, answer }) => `${question} ${answer.status} ${answer.json?.error?.code}`);

/** Checks that every enrolled person is recognised and that every accepted job completes. */
async function expectKept({ call }: TestPlatform, asked: readonly Asked[]): Promise<void> {
  const jobs = asked.filter(({ question, answer }) => question === 'accept' && answer.status === 202);
  const jobOf = async ({ answer }: Asked) =>
    (await call('GET', `/api/v1/faces/enroll/status/${answer.json.data.job_id}`)).json.data;
  const unfinished = async () => (await Promise.all(jobs.map(jobOf))).filter((job) => job?.status !== 'completed');
  await expect.poll(unfinished, { timeout: 180_000, interval: 500 }).toEqual([]);
  const enrolled = asked.filter(({ question, answer }) => question === 'enrol' && answer.status === 201);
  for (const { n } of [...enrolled, ...jobs]) {
    const { json } = await call('POST', '/api/v1/faces/recognize', { form: { image: photoOf(n, 0) } });
    expect(json.data.best).toMatchObject({ decision: 'match', person: { external_id: `x${n}` } });
  }
}

function report(name: EngineName, during: readonly Asked[], recoveryMs: number): void {
  const of = (question: Question) => {
    const times = during.filter((each) => each.question === question).map(({ ms }) => Math.round(ms));
    return `${question} ${times.toSorted((a, b) => a - b)[times.length >> 1]} (${Math.max(...times)})`;
  };
  console.log(
    `${name} down, milliseconds, median (longest): ${questions.map(of).join(', ')}; recovered after ${recoveryMs}`,
  );
}
