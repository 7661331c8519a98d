import { expect, it, onTestFinished } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { openCache } from '../adapters/embedded/cache.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { createContext } from '../function/context.ts';
import { systemClock } from '../ports/clock.ts';
import { createLogger } from '../telemetry/log.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { fakeExtractor } from '../testing/fake-extractor.ts';
import { startPlatform, testConfig } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { shareCounts } from './shared-counts.ts';

const settings = { FREEFACE_MODE: 'distributed' };

it('When one of two instances has stopped, then the other instance reports the counts of both', async () => {
  const cache = await openCache({ dataDir: temporaryFolder(), clock: systemClock });
  const start = () =>
    startPlatform(functions, {
      settings,
      openers: {
        ...embeddedOpeners,
        cache: async () => ({ ...cache, close: async () => undefined }),
        extractor: async () => fakeExtractor({ latencyMs: () => 1, working: 1 }),
      },
    });
  const [first, second] = [await start(), await start()];
  const create = (platform: typeof first, id: string) =>
    platform.call('POST', '/api/v1/persons', { json: { external_id: id } });
  await create(first, 'a');
  await create(first, 'b');
  await create(second, 'c');
  await first.close();

  const { data } = (await second.call('GET', '/api/v1/metrics')).json;
  const text = Buffer.from((await second.call('GET', '/api/v1/metrics/prometheus')).bytes).toString();

  expect(data.requests.by_status[201]).toBe(3);
  expect(data.latencies['create-person'].count).toBe(3);
  expect(text).toContain('freeface_http_requests_total{function="create-person",method="POST",status="201"} 3');
  expect(text).toMatch(/freeface_http_request_duration_seconds_bucket\{le="\+Inf",function="create-person"\} 3/);
  expect(text.match(/^# TYPE freeface_http_requests_total /gm)).toHaveLength(1);
});

it('When running instances add their counts, then no instance reports a count twice', async () => {
  const clock = fakeClock();
  const cache = await openCache({ dataDir: temporaryFolder(), clock });
  const instances = [newInstance(), newInstance()];
  for (const { context } of instances) shareCounts({ cache }, context);

  for (const { context } of instances) context.metrics.requests.inc({ function: 'f', method: 'GET', status: 200 }, 2);
  await instances[0]!.clock.advance(10_000);
  for (const { context } of instances) context.metrics.requests.inc({ function: 'f', method: 'GET', status: 500 });

  // The second instance has not added its counts yet.
  expect((await instances[0]!.context.metrics.report()).requests.byStatus).toEqual({ 200: 2, 500: 1 });
  expect((await instances[1]!.context.metrics.report()).requests.byStatus).toEqual({ 200: 4, 500: 1 });
  for (const each of instances) await each.clock.advance(10_000);
  for (const { context } of instances)
    expect((await context.metrics.report()).requests.byStatus).toEqual({ 200: 4, 500: 2 });
});

it('When the response to an addition is lost, then the addition counts once and later counts are not lost', async () => {
  const { clock, context } = newInstance();
  const cache = await openCache({ dataDir: temporaryFolder(), clock });
  let failing = true;
  const stop = shareCounts(
    {
      cache: {
        ...cache,
        async addToSums(...parameters) {
          await cache.addToSums(...parameters);
          if (failing) throw new Error('the response is lost');
        },
      },
    },
    context,
  );
  const count = () => context.metrics.requests.inc({ function: 'f', method: 'GET', status: 200 });
  count();
  await clock.advance(10_000);
  count();
  await clock.advance(10_000);
  failing = false;
  await stop();

  const other = newInstance();
  shareCounts({ cache }, other.context);
  expect((await other.context.metrics.report()).requests.total).toBe(2);
});

it('When the cache is not available, then a process reports its own counts', async () => {
  const { context } = newInstance();
  const cache = await openCache({ dataDir: temporaryFolder(), clock: systemClock });
  shareCounts({ cache: { ...cache, sums: () => Promise.reject(new Error('the cache is not available')) } }, context);
  context.metrics.requests.inc({ function: 'f', method: 'GET', status: 200 });

  expect((await context.metrics.report()).requests.total).toBe(1);
});

function newInstance() {
  const clock = fakeClock();
  const context = createContext(testConfig(temporaryFolder(), settings), { clock, log: createLogger('silent') });
  onTestFinished(() => context.metrics.registry.clear());
  return { clock, context };
}
