import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import type { Extractor } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { fakeExtractor, fakePhoto } from '../testing/fake-extractor.ts';
import { withFaults } from '../testing/faults.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from '../testing/platform.ts';
import { createBreakers } from './breaker.ts';
import { guardedPorts, requireClosedBreakers, wasNotTried } from './guarded-ports.ts';
import type { Openers } from './ports.ts';

const setUp = (answer: () => Promise<unknown>) => {
  const clock = fakeClock();
  const metrics = createMetrics();
  const breakers = createBreakers(clock, metrics);
  let calls = 0;
  const images = {
    get: () => {
      calls += 1;
      return answer();
    },
    keys: () => 'an iteration',
    close: async () => undefined,
  } as unknown as Ports['images'];
  const ports = guardedPorts({ images }, breakers);
  const get = () => ports.images!.get(defaultTenant, 'key').catch((error: unknown) => error);
  return { clock, metrics, breakers, ports, get, calls: () => calls };
};

describe('ports behind breakers', () => {
  it('When a store fails ten times in a row, then it is not called for a second, and the metrics report an open breaker', async () => {
    let down = true;
    const { clock, metrics, get, calls, breakers } = setUp(async () => {
      if (down) throw new AppError('STORE_UNAVAILABLE');
      return 'bytes';
    });

    for (let i = 0; i < 10; i++) await get();
    const refused = (await get()) as AppError;
    const state = await metrics.registry.getSingleMetricAsString('freeface_circuit_breakers');
    await clock.advance(1000);
    down = false;
    const [first, second] = [await get(), await get()];

    expect(calls()).toBe(12);
    expect([refused.code, refused.eventStatus, wasNotTried(refused)]).toEqual(['STORE_UNAVAILABLE', 503, true]);
    expect(state).toContain('freeface_circuit_breakers{guards="images",state="open"} 1');
    expect([first, second]).toEqual(['bytes', 'bytes']);
    expect(() => requireClosedBreakers(['images'], breakers)).not.toThrow();
  });

  it('When a port rejects a request, is busy, or the caller aborts, then the breaker counts no failure', async () => {
    const errors = [
      new AppError('PERSON_NOT_FOUND'),
      new AppError('BUSY'),
      new DOMException('gone', 'AbortError'),
      new AppError('IMAGE_CORRUPT'),
    ];
    let next = 0;
    const { get, calls } = setUp(async () => {
      throw errors[next++ % errors.length]!;
    });

    const thrown = [];
    for (let i = 0; i < 40; i++) thrown.push(await get());

    expect(calls()).toBe(40);
    expect(thrown.slice(0, 4)).toEqual(errors);
  });

  it('When the pause is over, then one caller may probe and the others wait up to 5 s', async () => {
    const { clock, get, breakers } = setUp(async () => {
      throw new AppError('STORE_UNAVAILABLE');
    });
    const mayStart = () => {
      try {
        requireClosedBreakers(['records', 'images'], breakers);
        return true;
      } catch (error) {
        expect(wasNotTried(error)).toBe(true);
        return false;
      }
    };
    const before = mayStart();
    for (let i = 0; i < 10; i++) await get();

    const open = mayStart();
    await clock.advance(1000);
    const tried = [mayStart(), mayStart(), mayStart()];
    await clock.advance(5000);

    expect([before, open]).toEqual([true, false]);
    expect(tried).toEqual([true, false, false]);
    expect(mayStart()).toBe(true);
  });

  it('When a method returns an iteration, then the caller gets it unchanged', () => {
    const { ports } = setUp(async () => undefined);

    expect(ports.images!.keys(defaultTenant)).toBe('an iteration');
  });
});

const waiting = async ({ ports }: TestPlatform) => {
  const { jobs } = await ports.records.backlog();
  return jobs.critical + jobs.high + jobs.normal + jobs.low;
};

/** Advances the clock to `end`, or until no job waits. The clock stops during an attempt, because the disk does not use it. */
async function pass(platform: TestPlatform, clock: FakeClock, end: number): Promise<void> {
  const isUnderWay = async () => {
    const { items } = await platform.ports.records.listJobs(defaultTenant, {}, { limit: 100 });
    return items.some(({ underWaySince }) => underWaySince !== null);
  };
  while (clock.now() < end && (await waiting(platform)) > 0) {
    await clock.advance(5000);
    while (await isUnderWay()) await clock.turn();
  }
}

/** An extractor that fails with `code` while `down` returns true. */
const failingExtractor = (code: ErrorCode, down: () => boolean): Openers => {
  const working = fakeExtractor({ latencyMs: () => 0, working: 8 });
  const extract: Extractor['extract'] = async (...given) => {
    if (down()) throw new AppError(code);
    return working.extract(...given);
  };
  return { ...embeddedOpeners, extractor: async () => ({ ...working, extract }) };
};

const accept = async ({ call }: TestPlatform, n: number) => {
  const answer = await call('POST', '/api/v1/faces/enroll_async', {
    form: { external_id: `p-${n}`, priority: n % 2 === 0 ? 'critical' : 'low', image: fakePhoto(n) },
  });
  expect(answer.status).toBe(202);
};

it.each([
  ['STORE_UNAVAILABLE', 1],
  ['STORE_UNAVAILABLE', 8],
  ['BUSY', 1],
  ['BUSY', 8],
] as const)(
  'When the extractor fails with %s for half an hour, then %i accepted jobs wait and complete afterwards, without a dead letter',
  async (code, count) => {
    const clock = fakeClock();
    let down = true;
    const platform = await startPlatform(functions, { clock, openers: failingExtractor(code, () => down) });
    for (let n = 0; n < count; n++) await accept(platform, n);

    await pass(platform, clock, clock.now() + 30 * 60_000);
    const during = await waiting(platform);
    down = false;
    // The longest pause of an event with its jitter, plus the longest pause of a breaker.
    await pass(platform, clock, clock.now() + 110_000);

    const jobs = (await platform.ports.records.listJobs(defaultTenant, {}, { limit: 100 })).items;
    expect(during).toBe(count);
    expect(jobs.map(({ status, failures }) => [status, failures])).toEqual(jobs.map(() => ['completed', 0]));
    expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
  },
  120_000,
);

it('When the extractor is busy more than a day after a job was accepted, then the job fails after nine attempts', async () => {
  const dataDir = folderWithWeights();
  const clock = fakeClock();
  const openers = failingExtractor('BUSY', () => true);
  const idle = functions.filter(({ manifest: { name } }) => !name.startsWith('process-enrollment-'));
  const before = await startPlatform(idle, { dataDir, clock, openers });
  await accept(before, 0);
  await before.close();
  await clock.advance(24 * 60 * 60_000);

  const platform = await startPlatform(functions, { dataDir, clock, openers });
  const { records } = platform.ports;
  await pass(platform, clock, clock.now() + 60 * 60_000);
  await clock.until(async () => (await records.backlog()).deadLetters === 1);

  const [job] = (await records.listJobs(defaultTenant, {}, { limit: 9 })).items;
  expect(job).toMatchObject({ status: 'failed', attempts: 9, error: { code: 'BUSY' } });
}, 60_000);

it('When a store is down for five minutes, then the waiting jobs complete afterwards, without a dead letter', async () => {
  const clock = fakeClock();
  let down = false;
  const openers: Openers = {
    ...embeddedOpeners,
    extractor: async () => fakeExtractor({ latencyMs: () => 0, working: 4 }),
    vectors: async (context) =>
      withFaults(await embeddedOpeners.vectors(context), {
        failing: 1,
        slow: 0,
        slowMs: 0,
        random: () => 0,
        active: () => down,
      }),
  };
  const platform = await startPlatform(functions, { clock, openers });
  down = true;
  for (let n = 0; n < 12; n++) await accept(platform, n);

  const end = clock.now() + 300_000;
  await clock.until(() => clock.now() >= end, 100_000);
  const during = await waiting(platform);
  down = false;
  await clock.until(async () => (await waiting(platform)) === 0, 100_000);

  const jobs = (await platform.ports.records.listJobs(defaultTenant, {}, { limit: 100 })).items;
  expect(during).toBe(12);
  expect(jobs.map(({ status }) => status)).toEqual(jobs.map(() => 'completed'));
  expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
}, 120_000);
