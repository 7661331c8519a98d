import { describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { BreakerOpen, createBreakers } from './breaker.ts';

const half = 30_000;

function setUp() {
  const clock = fakeClock();
  const metrics = createMetrics();
  const breakers = createBreakers(clock, metrics);
  const breaker = breakers.of('webhook', 'one');
  const trouble = new Error('trouble');
  const fail = () => breaker.execute(() => Promise.reject(trouble)).catch((error: unknown) => error);
  const shown = async () =>
    (await metrics.breakers.get()).values
      .map(({ labels, value }) => [labels.state, value])
      .filter(([, value]) => value !== 0);
  return { clock, breakers, breaker, fail, trouble, shown };
}

describe('a breaker', () => {
  it('When five calls in a row fail, then nothing is tried for a while, and others are not concerned', async () => {
    const { breakers, breaker, fail, trouble, shown } = setUp();

    const outcomes = [];
    for (let call = 0; call < 6; call++) outcomes.push(await fail());

    expect(outcomes.slice(0, 5)).toEqual([trouble, trouble, trouble, trouble, trouble]);
    expect(outcomes[5]).toBeInstanceOf(BreakerOpen);
    expect(breaker.waitMs()).toBe(half);
    expect(await shown()).toEqual([['open', 1]]);
    expect(await breakers.of('webhook', 'two').execute(async () => 'fine')).toBe('fine');
    expect(breakers.of('webhook', 'one').waitMs()).toBe(half);
  });

  it('When a call succeeds in between, then failures are counted anew', async () => {
    const { breaker, fail } = setUp();

    for (let call = 0; call < 4; call++) await fail();
    await breaker.execute(async () => 'fine');
    for (let call = 0; call < 4; call++) await fail();

    expect(breaker.waitMs()).toBe(0);
  });

  it('When the pause is over, then one call decides: it closes, or stays open for twice as long, up to ten minutes', async () => {
    const { clock, breaker, fail, shown } = setUp();
    for (let call = 0; call < 5; call++) await fail();

    const pauses = [];
    for (let opened = 0; opened < 7; opened++) {
      pauses.push(breaker.waitMs() / half);
      await clock.advance(breaker.waitMs());
      await fail();
    }
    await clock.advance(breaker.waitMs());
    const result = await breaker.execute(async () => 'fine');

    expect(pauses).toEqual([1, 2, 4, 8, 16, 20, 20]);
    expect([result, breaker.waitMs(), await shown()]).toEqual(['fine', 0, []]);
    await fail();
    expect(breaker.waitMs()).toBe(0);
  });

  it('When the deciding call is under way, then the breaker says so', async () => {
    const { clock, breaker, fail, shown } = setUp();
    for (let call = 0; call < 5; call++) await fail();
    await clock.advance(half);
    const work = deferred();

    const deciding = breaker.execute(() => work.promise);

    expect(await shown()).toEqual([['half-open', 1]]);
    work.resolve();
    await deciding;
    expect(await shown()).toEqual([]);
  });

  it('When very many things fail, then the first are forgotten', async () => {
    const { breakers, breaker, fail, shown } = setUp();
    for (let call = 0; call < 5; call++) await fail();

    for (let name = 0; name < 1000; name++) {
      await breakers
        .of('webhook', `${name}`)
        .execute(() => Promise.reject(new Error()))
        .catch(() => undefined);
    }

    expect([breaker.waitMs(), await shown()]).toEqual([0, []]);
  });
});
