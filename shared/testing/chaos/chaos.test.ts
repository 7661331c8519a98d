import { expect, it } from 'vitest';
import { runChaos } from './chaos.ts';
import { chaosPlan, photosOf } from './plan.ts';

const events = 200;
const seed = 7;

it('When the process is killed, stores fail, and events arrive repeatedly and out of order, then no photo, file or job is lost, doubled or miscounted', async () => {
  const { wrong, ...numbers } = await runChaos({
    events,
    kills: 3,
    seed,
    root: process.cwd(),
    hookFaults: false,
  });

  expect(wrong).toEqual([]);
  expect(numbers).toMatchObject({ events, kills: 3 });
  expect(numbers.faces).toBeGreaterThan(0.8 * events);
  expect(numbers.replayed).toBeGreaterThan(0);
  expect(numbers.cancelled).toBeGreaterThan(0);
}, 400_000);

it('When a plan is made, then it has the given number of photos and every kind of step, and the same seed gives the same plan', () => {
  const plan = chaosPlan(events, seed);
  const serialised = (steps: typeof plan) =>
    JSON.stringify(steps, (name, value) => (name === 'bytes' ? undefined : value));

  expect(serialised(chaosPlan(events, seed))).toBe(serialised(plan));
  expect(serialised(chaosPlan(events, seed + 1))).not.toBe(serialised(plan));
  expect(plan.reduce((sum, step) => sum + photosOf(step), 0)).toBe(events);
  const files = plan.filter((step) => step.what === 'file');
  const batches = plan.filter((step) => step.what === 'batch');
  const photos = plan.filter((step) => step.what === 'photo');
  expect(files.some(({ versions }) => versions.length > 1 && versions.at(-1)!.photo !== null)).toBe(true);
  expect(files.some(({ versions }) => versions.at(-1)!.photo === null)).toBe(true);
  expect(batches.some(({ items }) => items.some(({ cancel }) => cancel))).toBe(true);
  expect(photos.some(({ cancel }) => cancel)).toBe(true);
  expect(plan.some(({ what }) => what === 'replay')).toBe(true);
});
