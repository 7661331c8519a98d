import { expect, it } from 'vitest';
import { fakeClock } from './fake-clock.ts';

it('When time is advanced, then due timers run in order, each at its own time', async () => {
  const clock = fakeClock(1000);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(['late', clock.now()]));
  clock.after(10, () => seen.push(['early', clock.now()]));
  clock.after(50, () => seen.push(['not yet', clock.now()]));

  await clock.advance(30);

  expect(seen).toEqual([
    ['early', 1010],
    ['late', 1020],
  ]);
  expect(clock.now()).toBe(1030);
  expect(clock.pending).toBe(1);
});

it('When a timer sets another timer after a promise, then the second one runs in the same advance', async () => {
  const clock = fakeClock(0);
  const seen: number[] = [];
  clock.after(10, () => {
    void Promise.resolve().then(() => clock.after(10, () => seen.push(clock.now())));
  });

  await clock.advance(25);

  expect(seen).toEqual([20]);
});

it('When a timer is cancelled, then it never runs', async () => {
  const clock = fakeClock(0);
  let ran = false;
  const cancel = clock.after(10, () => {
    ran = true;
  });

  cancel();
  await clock.advance(100);

  expect(ran).toBe(false);
});

it('When `until` waits for the effect of a timer, then time moves to that timer', async () => {
  const clock = fakeClock(0);
  let done = false;
  clock.after(60_000, () => {
    done = true;
  });

  await clock.until(() => done);

  expect(clock.now()).toBe(60_000);
});
