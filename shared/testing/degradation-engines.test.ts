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
const requestKinds = ['recognize', 'read', 'enrol', 'accept'] as const;
type RequestKind = (typeof requestKinds)[number];
type Sent = { readonly kind: RequestKind; readonly n: number; readonly answer: Answer; readonly ms: number };

/** Requests that still succeed without an engine; the others get 503 with Retry-After. */
const availableWithout: Readonly<Record<EngineName, readonly RequestKind[]>> = {
  dragonfly: requestKinds,
  milvus: ['read', 'accept'],
  s3: ['recognize', 'read'],
  kafka: requestKinds,
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

  const names = Object.keys(availableWithout) as EngineName[];
  it.each(names)(
    'When %s is stopped under load and started again, then the expected requests succeed and no acknowledged data is lost',
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
      const sender = senderOf(platform, 1000 * names.indexOf(name));
      const before = await sender.rounds(rounds);

      await outage.down();
      const during = await sender.rounds(rounds);
      const ready = await platform.call('GET', '/api/v1/health/ready');
      await outage.up();
      const recoveryMs = await sender.untilAllSucceed();
      const after = await sender.rounds(rounds);

      report(name, during, recoveryMs);
      expect(failures(before)).toEqual([]);
      expect(failures(after)).toEqual([]);
      for (const { kind, answer, ms } of during) {
        expect(ms, kind).toBeLessThan(longest.answer);
        if (availableWithout[name].includes(kind))
          expect([kind, answer.status]).toEqual([kind, expect.toBeOneOf([200, 201, 202])]);
        else expect([kind, answer.status, answer.headers.get('retry-after')]).toEqual([kind, 503, expect.any(String)]);
      }
      if (name === 'scylla') expect(ready.status).toBe(503);
      else expect([ready.status, ready.json.data.stores]).toMatchObject([200, { [portOf[name]]: 'failing' }]);
      expect(recoveryMs).toBeLessThan(longest.recovery);
      await expectNoLoss(platform, [...before, ...during, ...after]);
    },
    400_000,
  );
}

const outageOf = (name: EngineName, environment: OwnEngines['environment']): Outage | Promise<Outage> =>
  mayKillServers() ? realOutage(name) : cutOutage(name, readConfig({ ...process.env, ...environment }).engines);

const photoOf = (n: number, copy: number): Uint8Array => Buffer.concat([fakePhoto(n), Buffer.from(String(copy))]);

function senderOf({ call }: TestPlatform, first: number) {
  let next = first;
  let copies = 0;
  let known: { n: number; personId: string } | null = null;
  const requests: Record<RequestKind, (n: number) => Promise<Answer>> = {
    recognize: () => call('POST', '/api/v1/faces/recognize', { form: { image: photoOf(known!.n, ++copies) } }),
    read: () => call('GET', `/api/v1/persons/${known!.personId}`),
    enrol: (n) => call('POST', '/api/v1/faces/enroll', { form: { external_id: `x${n}`, image: fakePhoto(n) } }),
    accept: (n) => call('POST', '/api/v1/faces/enroll_async', { form: { external_id: `x${n}`, image: fakePhoto(n) } }),
  };
  const send = async (kind: RequestKind): Promise<Sent> => {
    const n = next++;
    const begun = performance.now();
    const answer = await requests[kind](n);
    if (kind === 'recognize' && answer.status === 200)
      expect(answer.json.data.best).toMatchObject({ decision: 'match', person: { person_id: known!.personId } });
    return { kind, n, answer, ms: performance.now() - begun };
  };
  const round = async () => {
    if (known === null) {
      const { n, answer } = await send('enrol');
      known = { n, personId: answer.json.data.person_id };
    }
    return await Promise.all(requestKinds.map(send));
  };
  return {
    async rounds(count: number): Promise<Sent[]> {
      const sent: Sent[] = [];
      for (let i = 0; i < count; i++) sent.push(...(await round()));
      return sent;
    },
    /** Returns the time until all requests succeed, in milliseconds. */
    async untilAllSucceed(): Promise<number> {
      const begun = performance.now();
      while (failures(await round()).length > 0 && performance.now() - begun < longest.recovery);
      return Math.round(performance.now() - begun);
    },
  };
}

const failures = (sent: readonly Sent[]) =>
  sent
    .filter(({ answer }) => answer.status >= 300)
    .map(({ kind, answer }) => `${kind} ${answer.status} ${answer.json?.error?.code}`);

/** Checks that every enrolled person is recognised and that every accepted job completes. */
async function expectNoLoss({ call }: TestPlatform, sent: readonly Sent[]): Promise<void> {
  const jobs = sent.filter(({ kind, answer }) => kind === 'accept' && answer.status === 202);
  const jobOf = async ({ answer }: Sent) =>
    (await call('GET', `/api/v1/faces/enroll/status/${answer.json.data.job_id}`)).json.data;
  const unfinished = async () => (await Promise.all(jobs.map(jobOf))).filter((job) => job?.status !== 'completed');
  await expect.poll(unfinished, { timeout: 180_000, interval: 500 }).toEqual([]);
  const enrolled = sent.filter(({ kind, answer }) => kind === 'enrol' && answer.status === 201);
  for (const { n } of [...enrolled, ...jobs]) {
    const { json } = await call('POST', '/api/v1/faces/recognize', { form: { image: photoOf(n, 0) } });
    expect(json.data.best).toMatchObject({ decision: 'match', person: { external_id: `x${n}` } });
  }
}

function report(name: EngineName, during: readonly Sent[], recoveryMs: number): void {
  const of = (kind: RequestKind) => {
    const times = during.filter((each) => each.kind === kind).map(({ ms }) => Math.round(ms));
    return `${kind} ${times.toSorted((a, b) => a - b)[times.length >> 1]} (${Math.max(...times)})`;
  };
  console.log(
    `${name} down, milliseconds, median (longest): ${requestKinds.map(of).join(', ')}; recovered after ${recoveryMs}`,
  );
}
