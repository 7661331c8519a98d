import { expect, it } from 'vitest';
import { runChaos } from './chaos.ts';

it('When the process is killed, stores fail, and events come up to ten times and out of order, then nothing is lost, doubled or miscounted', async () => {
  const { wrong, ...numbers } = await runChaos({
    events: 250,
    kills: 3,
    seed: 7,
    root: process.cwd(),
    hookFaults: false,
  });

  expect(wrong).toEqual([]);
  expect(numbers).toMatchObject({ accepted: 250, kills: 3 });
  expect(numbers.faces).toBeGreaterThan(200);
}, 400_000);
