import { describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { BreakerOpen, createBreakers } from './breaker.ts';

const firstPauseMs = 30_000;

function setUp() {
  const clock = fakeClock();
  const metrics = createMetrics();
  const breakers = createBreakers(clock, metrics);
  const breaker = breakers.of('webhook', 'one');
  const trouble = new Error('trouble');
  const fail = () => breaker.execute(() => Promise.reject(trouble)).catch((error: unknown) => error);
  const reported = async () =>
    (await metrics.breakers.get()).values
      .map(({ labels, value }) => [labels.state, value])
      .filter(([, value]) => value !== 0);
  return { clock, breakers, breaker, fail, trouble, reported };
}

describe('a breaker', () => {
  it('When five calls in a row fail, then the breaker opens for 30 s, and other names are not affected', async () => {
    const { breakers, breaker, fail, trouble, reported } = setUp();

    const outcomes = [];
    for (let call = 0; call < 6; call++) outcomes.push(await fail());

    expect(outcomes.slice(0, 5)).toEqual([trouble, trouble, trouble, trouble, trouble]);
    expect(outcomes[5]).toBeInstanceOf(BreakerOpen);
    expect(breaker.waitMs()).toBe(firstPauseMs);
    expect(await reported()).toEqual([['open', 1]]);
    expect(await breakers.of('webhook', 'two').execute(async () => 'fine')).toBe('fine');
    expect(breakers.of('webhook', 'one').waitMs()).toBe(firstPauseMs);
  });

  it('When a call succeeds between failures, then the count of failures starts again at 0', async () => {
    const { breaker, fail } = setUp();

    for (let call = 0; call < 4; call++) await fail();
    await breaker.execute(async () => 'fine');
    for (let call = 0; call < 4; call++) await fail();

    expect(breaker.waitMs()).toBe(0);
  });

  it('When the pause is over, then one call closes the breaker or doubles the pause, up to ten minutes', async () => {
    const { clock, breaker, fail, reported } = setUp();
    for (let call = 0; call < 5; call++) await fail();

    const pauses = [];
    for (let opened = 0; opened < 7; opened++) {
      pauses.push(breaker.waitMs() / firstPauseMs);
      await clock.advance(breaker.waitMs());
      await fail();
    }
    await clock.advance(breaker.waitMs());
    const result = await breaker.execute(async () => 'fine');

    expect(pauses).toEqual([1, 2, 4, 8, 16, 20, 20]);
    expect([result, breaker.waitMs(), await reported()]).toEqual(['fine', 0, []]);
    await fail();
    expect(breaker.waitMs()).toBe(0);
  });

  it('When the first call after the pause is running, then the metrics report the breaker as half-open', async () => {
    const { clock, breaker, fail, reported } = setUp();
    for (let call = 0; call < 5; call++) await fail();
    await clock.advance(firstPauseMs);
    const work = deferred();

    const deciding = breaker.execute(() => work.promise);

    expect(await reported()).toEqual([['half-open', 1]]);
    work.resolve();
    await deciding;
    expect(await reported()).toEqual([]);
  });

  it('When more than 1000 names fail, then the oldest breakers are deleted', async () => {
    const { breakers, breaker, fail, reported } = setUp();
    for (let call = 0; call < 5; call++) await fail();

    for (let name = 0; name < 1000; name++) {
      await breakers
        .of('webhook', `${name}`)
        .execute(() => Promise.reject(new Error()))
        .catch(() => undefined);
    }

    expect([breaker.waitMs(), await reported()]).toEqual([0, []]);
  });
});
