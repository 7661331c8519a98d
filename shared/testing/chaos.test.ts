import { expect, it } from 'vitest';
import { runChaos } from './chaos.ts';
import { chaosPlan, photosOf } from './chaos-plan.ts';
import { seededRandom } from './vector-factories.ts';

it('When the process is killed, stores fail, and events come up to ten times and out of order, with files, batches and cancellations among them, then nothing is lost, doubled or miscounted', async () => {
  const { wrong, ...numbers } = await runChaos({
    events: 250,
    kills: 3,
    seed: 7,
    root: process.cwd(),
    hookFaults: false,
  });

  expect(wrong).toEqual([]);
  expect(numbers).toMatchObject({ events: 250, kills: 3 });
  expect(numbers.faces).toBeGreaterThan(200);
  expect(numbers.replayed).toBeGreaterThan(0);
  expect(numbers.cancelled).toBeGreaterThan(0);
}, 400_000);

it('When a plan is made, then it is the same for the same seed, with so many photos, and has everything in it', () => {
  const plan = chaosPlan(250, seededRandom(8));

  expect(chaosPlan(250, seededRandom(8))).toEqual(plan);
  expect(chaosPlan(250, seededRandom(9))).not.toEqual(plan);
  expect(plan.reduce((sum, step) => sum + photosOf(step), 0)).toBe(250);
  const files = plan.filter((step) => step.what === 'file');
  const batches = plan.filter((step) => step.what === 'batch');
  const photos = plan.filter((step) => step.what === 'photo');
  expect(files.some(({ versions }) => versions.length > 1 && versions.at(-1)!.photo !== null)).toBe(true);
  expect(files.some(({ versions }) => versions.at(-1)!.photo === null)).toBe(true);
  expect(batches.some(({ items }) => items.some(({ cancel }) => cancel))).toBe(true);
  expect(photos.some(({ cancel }) => cancel)).toBe(true);
  expect(plan.filter(({ what }) => what === 'replay').length).toBeGreaterThan(1);
});
